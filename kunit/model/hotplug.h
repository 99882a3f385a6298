/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * src/topology.c beside a model of it, in user space.
 */
#ifndef NTA_HOTPLUG_H
#define NTA_HOTPLUG_H

#include "history.h"

/* True if they differ on this machine; *text then says how. */
bool hotplug_differs(const struct model_machine *machine, struct random *random,
		     const char **text);

#endif /* NTA_HOTPLUG_H */
