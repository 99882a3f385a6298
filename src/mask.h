/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comparing and copying cpumasks. The kernel's functions are calls where NR_CPUS is
 * large, and on a machine of up to 64 CPUs all that they look at is a word.
 */
#ifndef NTA_MASK_H
#define NTA_MASK_H

#include <linux/bitmap.h>
#include <linux/cpumask.h>

static __always_inline bool nta_masks_are_words(void)
{
	return nr_cpu_ids <= BITS_PER_LONG;
}

/* What the word has of CPUs: beyond them anything may stand. */
static __always_inline unsigned long nta_mask_word(const struct cpumask *mask)
{
	return READ_ONCE(*cpumask_bits(mask)) & BITMAP_LAST_WORD_MASK(nr_cpu_ids);
}

static __always_inline void nta_mask_copy(struct cpumask *to,
					  const struct cpumask *from)
{
	/* All that the kernel keeps of a mask, which may be more than it uses. */
	if (cpumask_size() <= sizeof(long))
		*cpumask_bits(to) = READ_ONCE(*cpumask_bits(from));
	else
		cpumask_copy(to, from);
}

static __always_inline bool nta_mask_equal(const struct cpumask *a,
					   const struct cpumask *b)
{
	if (nta_masks_are_words())
		return nta_mask_word(a) == nta_mask_word(b);
	return cpumask_equal(a, b);
}

/* Whether @now is what @mask and @kept have in common; if that is nothing, @mask. */
static __always_inline bool nta_mask_is_cut(const struct cpumask *now,
					    const struct cpumask *mask,
					    const struct cpumask *kept)
{
	unsigned long both;

	if (nta_masks_are_words()) {
		both = nta_mask_word(mask) & nta_mask_word(kept);
		return nta_mask_word(now) == (both ?: nta_mask_word(mask));
	}
	if (!cpumask_intersects(mask, kept))
		return cpumask_equal(now, mask);
	return cpumask_subset(now, mask) && cpumask_subset(now, kept) &&
	       cpumask_weight(now) == cpumask_weight_and(mask, kept);
}

#endif /* NTA_MASK_H */
