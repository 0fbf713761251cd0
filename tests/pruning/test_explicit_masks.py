from __future__ import annotations

import pytest

from pruning.masks import explicit_masks
from search.experiment import Experiment


def test_layers_without_a_mask_are_dense() -> None:
    masks = explicit_masks(Experiment(structure=(3, 2, 4), masks=("10|01|11",)))
    assert [mask.shape for mask in masks] == [(3, 2), (2, 3), (4, 2), (1, 4)]
    assert masks[0].tolist() == [[True, False], [False, True], [True, True]]
    assert all(mask.all() for mask in masks[1:])


def test_rows_of_the_text_are_outputs() -> None:
    masks = explicit_masks(Experiment(structure=(2, 3, 1), masks=("11|11", "10|01|00")))
    assert masks[1].tolist() == [[True, False], [False, True], [False, False]]


def test_missing_structure_is_the_full_width() -> None:
    masks = explicit_masks(Experiment(width=5), inputs=3)
    assert [mask.shape for mask in masks] == [(5, 3), (5, 5), (5, 5), (1, 5)]


def test_every_layer_can_have_a_mask() -> None:
    masks = explicit_masks(Experiment(structure=(2,), masks=("10|01", "10")))
    assert masks[1].tolist() == [[True, False]]
    with pytest.raises(ValueError, match=r"3 masks .*2 layers"):
        explicit_masks(Experiment(structure=(2,), masks=("10|01", "10", "1")))


def test_mask_of_another_layer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mask2 '10\|01' has 2 rows and 2 columns.*3 outputs"):
        explicit_masks(Experiment(structure=(2, 3, 3), masks=("11|11", "10|01")))


def test_malformed_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="12"):
        explicit_masks(Experiment(structure=(1, 1, 1), masks=("12",)))


def test_method_that_prunes_has_no_explicit_masks() -> None:
    with pytest.raises(ValueError, match="'gmp' chooses its masks itself"):
        explicit_masks(Experiment(method="gmp"))
