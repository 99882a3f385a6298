/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver may include ntifs.h or wdm.h: what ntaffinity offers is the same. */
#ifndef NT_NTIFS_H
#define NT_NTIFS_H

#include "wdm.h"

#endif /* NT_NTIFS_H */
