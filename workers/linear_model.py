"""Linear model: the baseline that a network should surpass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from workers.datasets import Dataset

PENALTY = 1e-4
"""Weight of half the squared norm of the weights in the loss, so that the minimum is unique."""


def linear_accuracy(dataset: Dataset) -> float:
    """Return the fraction of the points to train on that logistic regression classifies correctly.

    The model has one logit for each class, and minimises the mean cross-entropy plus `PENALTY`.
    """
    points = np.c_[dataset.points.astype(np.float64), np.ones(len(dataset))]
    labels = dataset.labels.astype(np.int64)
    shape = (points.shape[1], dataset.classes)
    rows = np.arange(len(labels))

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(shape)
        logits = points @ weights
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        log_probabilities = logits - total
        errors = np.exp(log_probabilities)
        errors[rows, labels] -= 1
        gradient = points.T @ errors / len(labels) + PENALTY * weights
        value = PENALTY / 2 * np.sum(weights**2) - log_probabilities[rows, labels].mean()
        return float(value), gradient.ravel()

    start = np.zeros(shape).ravel()
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-6})
    predicted = (points @ found.x.reshape(shape)).argmax(axis=1)
    return float((predicted == labels).mean())
