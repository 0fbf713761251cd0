"""Pruning before training to a number of weights on paths, whatever the algorithm.

Idea: algorithms that prune before training leave weights that no path from an input to an output
uses. Counted without them ("effective sparsity"), algorithms compare differently, and a budget can
be given in connected weights instead: Vysogorets and Kempe, "Connectivity matters: neural network
pruning through the lens of effective sparsity" (JMLR 2023), search the direct budget whose
effective count is the one requested. With k the target and m(d) the number of weights on a path
(`pruning.connectivity`) that the algorithm leaves with the budget d:

    the largest d >= k with m(d) <= k

Changes in this project: the authors' code (avysogorets/effective-sparsity) bisects a ranking of the
weights for the smallest d with m(d) >= k. Here the search stays below the target, so that
`weight_nnz` exceeds it only if the algorithm keeps more than its budget k: one more weight can
complete many paths, so m can skip k by far. The search doubles the distance from k until m exceeds
k and then halves the interval, and every budget is tried with the same batches, so that it works on
any algorithm, not only on a ranking; it needs m to grow with d, which ties can violate, and then
ends at a smaller budget. Weights on no path are pruned too, so that `weight_nnz` is the effective
count. The budget d is stored in the extras as "direct_nnz".
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from itertools import tee

from pruning.connectivity import effective_mask
from pruning.masks import bias_masks
from pruning.protocol import Batches, Pruned, PrunesBefore, target_of
from search.experiment import Experiment
from search.layers import Layers, count_kept
from search.methods import choice


def with_budget(prune: PrunesBefore) -> PrunesBefore:
    """Return an algorithm that heeds the setting `search.methods.BUDGET`."""

    def pruned(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
        if choice(experiment, "budget") == "direct":
            return prune(experiment, layers, batches)
        return _prune_effectively(prune, experiment, layers, batches)

    return pruned


def _prune_effectively(
    prune: PrunesBefore, experiment: Experiment, layers: Layers, batches: Batches
) -> Pruned:
    weights = sum(weight.size for weight, _ in layers)
    target = target_of(experiment, weights)
    # Every copy yields the batches from the first one.
    (recorded,) = tee(batches, 1)

    def tried(budget: int) -> tuple[Pruned, int]:
        pruned = prune(replace(experiment, target_nnz=budget), layers, copy(recorded))
        masks = effective_mask(pruned.weight_masks)
        found = zip(pruned.bias_masks, bias_masks(masks), strict=True)
        extras = {**pruned.extras, "direct_nnz": budget}
        return Pruned(masks, [ours & rule for ours, rule in found], extras), count_kept(masks)

    best, _ = tried(target)
    low, high, step = target, weights, 1
    while low + step < high:
        pruned, kept = tried(low + step)
        if kept > target:
            high = low + step
            break
        low, best, step = low + step, pruned, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        pruned, kept = tried(middle)
        if kept > target:
            high = middle
        else:
            low, best = middle, pruned
    return best
