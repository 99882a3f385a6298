// SPDX-License-Identifier: GPL-2.0-only
/*
 * For a machine that is made up: the rules, and the queries.
 */
#include "made_up.h"

#include "affinity.c"
#include "ke_processor.c"

#include "node.c"
#include "ke_node.c"
