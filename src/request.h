/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One Set or Revert, from the level check to the commit, for every family of
 * DDIs.
 */
#ifndef NTA_REQUEST_H
#define NTA_REQUEST_H

#include "affinity.h"

extern enum nta_rules nta_rules;

enum nta_reason nta_request_set(const struct nta_affinity *asked,
				struct nta_affinity *previous,
				unsigned long caller);
enum nta_reason nta_request_set_several(const struct nta_affinity *asked,
					unsigned int count, u64 id,
					unsigned long caller);
enum nta_reason nta_request_refuse(const char *request,
				   const struct nta_affinity *asked,
				   enum nta_reason reason,
				   unsigned long caller);
enum nta_reason nta_request_revert(const struct nta_affinity *previous,
				   unsigned long caller);
enum nta_reason nta_request_revert_several(u64 id, unsigned long caller);
u64 nta_previous_in_group(const struct nta_affinity *previous,
			  unsigned int group);

#endif /* NTA_REQUEST_H */
