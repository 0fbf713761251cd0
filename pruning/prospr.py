"""ProsPr: prune once, before training, by the effect of a mask after some training steps.

Idea: a weight matters by its effect on the loss after the first training steps, not on the initial
loss. So the loss after a few steps of SGD is differentiated, through these steps, with respect to
the initial mask. Alizadeh, Tailor, Zintgraf, van Amersfoort, Farquhar, Lane and Gal, "Prospect
pruning: finding trainable weights at initialization using meta-gradients" (ICLR 2022):

    score_j = |dL(w_3, batch 4) / dc_j|, w_0 = c * w with c all ones, w_(t+1) = w_t - lr * v_(t+1)

Changes in the authors' run (docs/paper.md, section 5): 3 steps with the learning rate and momentum
of the run and without weight decay, each on a batch of the training's size, and a fourth batch for
the loss; the biases of some layers are not masked (`pruning.masks.prospr_bias_masks`). quirk:
their code raises an error if a whole layer would be pruned; this code trains such a network. quirk:
their code treats the first velocity as a constant, this code only if the hyperparameter
`detach_first` is 1 (docs/fidelity.md shows the effect).
"""

from __future__ import annotations

import math

import torch

from pruning.gradients import Tensors, batch_loss, parameters
from pruning.masks import masks_of, prospr_bias_masks
from pruning.protocol import Batches, Pruned, target_of
from pruning.selection import highest
from search.experiment import Experiment
from search.layers import Layers
from search.methods import setting


def score(
    weights: Tensors,
    biases: Tensors,
    batches: Batches,
    lr: float,
    momentum: float,
    steps: int,
    *,
    detach_first: bool = False,
) -> torch.Tensor:
    """Return the absolute meta-gradient with respect to every weight's mask, float32 [N].

    The weights are unmasked, and the steps train the biases too. There is one batch for each step
    and one for the loss. With `detach_first` the gradient of the first step is a constant, in its
    own update and in the velocities that follow from it.
    """
    masks = [torch.ones_like(weight, requires_grad=True) for weight in weights]
    values = [weight * mask for weight, mask in zip(weights, masks, strict=True)]
    values += [bias.detach().requires_grad_() for bias in biases]
    layers = len(weights)
    velocities = [torch.zeros_like(value) for value in values]
    for step in range(steps):
        loss = batch_loss(values[:layers], values[layers:], next(batches))
        gradients = torch.autograd.grad(loss, values, create_graph=True)
        if detach_first and step == 0:
            gradients = tuple(gradient.detach() for gradient in gradients)
        velocities = [momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
        values = [value - lr * v for value, v in zip(values, velocities, strict=True)]
    loss = batch_loss(values[:layers], values[layers:], next(batches))
    meta_gradients = torch.autograd.grad(loss, masks)
    return torch.cat([gradient.abs().flatten() for gradient in meta_gradients])


def count(weights: int, target: int) -> int:
    """Return the number of weights to keep; rounding can make it target + 1."""
    return math.ceil(weights * (1 - (1 - target / weights)))


def prune(experiment: Experiment, layers: Layers, batches: Batches) -> Pruned:
    """Return the masks of ProsPr; see `pruning.protocol.PrunesBefore`."""
    weights, biases = parameters(layers)
    total = sum(weight.numel() for weight in weights)
    target = target_of(experiment, total)
    steps = int(setting(experiment, "inner_steps"))
    detach = bool(setting(experiment, "detach_first"))
    training = experiment.lr, experiment.momentum, steps
    scores = score(weights, biases, batches, *training, detach_first=detach).numpy()
    return masks_of(highest(scores, count(total, target)), layers, prospr_bias_masks)
