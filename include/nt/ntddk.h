/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver may include ntddk.h or wdm.h: what ntaffinity offers is the same. */
#ifndef NT_NTDDK_H
#define NT_NTDDK_H

#include "wdm.h"

#endif /* NT_NTDDK_H */
