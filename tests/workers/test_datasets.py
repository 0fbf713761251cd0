from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike

from search.datasets import DATASETS, dataset_named
from tests.installed import forget_plugins
from workers.datasets import Dataset, load_dataset, standardised
from workers.linear_model import linear_accuracy
from workers.registering import register


@pytest.fixture(scope="module")
def spiral() -> Dataset:
    return load_dataset("cubist-spiral")


def _spiral_point_by_point() -> list[tuple[float, float, int]]:
    """Return the points defined in docs/paper.md, section 2, before standardisation."""
    polylines: list[list[tuple[float, float]]] = [[], []]
    for k in range(17):
        theta = math.pi + 4 * math.pi * k / 16 + 1.6 / 8 * 2 * math.pi
        for label, offset in ((0, 15), (1, -15)):
            radius = 10 * theta + math.pi + offset
            polylines[label].append((radius * math.cos(theta), radius * math.sin(theta)))
    low_x = min(x for polyline in polylines for x, _ in polyline)
    low_y = min(y for polyline in polylines for _, y in polyline)
    points = []
    for label, polyline in enumerate(polylines):
        lengths = [math.dist(polyline[k], polyline[k + 1]) for k in range(16)]
        for k, length in enumerate(lengths):
            count = math.floor(length / sum(lengths) * 50000 / 2)
            (x0, y0), (x1, y1) = polyline[k], polyline[k + 1]
            for i in range(count):
                t = i / (count - 1)
                x, y = t * x0 + (1 - t) * x1, t * y0 + (1 - t) * y1
                points.append((x - low_x, y - low_y, label))
    return points


def test_spiral_has_49982_points(spiral: Dataset) -> None:
    assert len(spiral) == 49_982
    assert np.bincount(spiral.labels.astype(int)).tolist() == [24_991, 24_991]
    assert set(spiral.labels.tolist()) == {0.0, 1.0}


def test_points_match_the_definition(spiral: Dataset) -> None:
    expected = np.array(_spiral_point_by_point())
    raw = expected[:, :2]
    raw = (raw - raw.mean(axis=0)) / raw.std(axis=0, ddof=1)
    assert spiral.labels.tolist() == expected[:, 2].tolist()
    np.testing.assert_allclose(spiral.points, raw, rtol=0, atol=1e-6)


def test_features_are_standardised_with_ddof_1(spiral: Dataset) -> None:
    points = spiral.points.astype(np.float64)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-8)
    # ddof = 0 would be off by 1e-5.
    np.testing.assert_allclose(points.std(axis=0, ddof=1), 1, rtol=0, atol=1e-8)
    few = standardised(np.array([[0.0], [2.0]]))
    np.testing.assert_allclose(few, [[-math.sqrt(0.5)], [math.sqrt(0.5)]], rtol=1e-7)


def test_arrays_have_the_layout_that_kernels_expect(spiral: Dataset) -> None:
    assert spiral.points.shape == (49_982, 2)
    assert spiral.features == 2
    assert spiral.points.dtype == spiral.labels.dtype == np.float32
    assert spiral.points.flags.c_contiguous
    assert spiral.labels.flags.c_contiguous


def test_arrays_are_read_only(spiral: Dataset) -> None:
    with pytest.raises(ValueError, match="read-only"):
        spiral.points[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        spiral.labels[0] = 1


def test_data_set_is_made_once_per_process(spiral: Dataset) -> None:
    assert load_dataset("cubist-spiral") is spiral


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_data_set_matches_its_specification(name: str) -> None:
    dataset, spec = load_dataset(name), DATASETS[name]
    assert (dataset.name, len(dataset), dataset.features) == (name, spec.points, spec.features)
    assert (dataset.classes, dataset.outputs) == (spec.classes, spec.outputs)
    assert (0 if dataset.test is None else len(dataset.test)) == spec.test_points
    assert dataset.digest == spec.digest
    assert linear_accuracy(dataset) == pytest.approx(spec.linear_accuracy, abs=2e-3)
    assert dataset_named(name) is spec


def test_error_for_an_unknown_data_set_names_the_available_ones() -> None:
    with pytest.raises(ValueError, match=r"'cubist'.*cubist-spiral"):
        load_dataset("cubist")


def test_short_batch_at_the_end_of_an_epoch_is_skipped(spiral: Dataset) -> None:
    assert spiral.steps_per_epoch(128) == 390
    assert spiral.steps_per_epoch(49_982) == 1
    assert spiral.steps_per_epoch(24_991) == 2
    assert spiral.steps_per_epoch(24_992) == 1


@pytest.mark.parametrize("batch_size", [0, -1, 49_983])
def test_impossible_batch_size_is_refused(spiral: Dataset, batch_size: int) -> None:
    with pytest.raises(ValueError, match=f"49982.*got {batch_size}"):
        spiral.steps_per_epoch(batch_size)


SQUARE = ((0, 0), (0, 1), (1, 0), (1, 1))


def test_two_classes_have_one_output_and_more_have_one_each() -> None:
    assert Dataset.of("xor", SQUARE, [0, 1, 1, 0]).outputs == 1
    three = Dataset.of("three", SQUARE, [0, 1, 2, 0])
    assert (three.classes, three.outputs) == (3, 3)
    assert three.class_names == ("0", "1", "2")
    assert three.feature_names == ("x1", "x2")


def test_test_split_shares_the_description_of_its_data_set() -> None:
    dataset = Dataset.of(
        "two", SQUARE, [0, 1, 1, 0], test=([[5, 5]], [1]), class_names=("no", "yes")
    )
    assert dataset.test is not None
    assert dataset.test.points.tolist() == [[5, 5]]
    assert (dataset.test.classes, dataset.test.class_names) == (2, ("no", "yes"))
    assert dataset.test.test is None


def test_digest_covers_points_labels_and_the_test_split() -> None:
    test = ([[5, 5]], [1])
    digests = {
        Dataset.of("a", SQUARE, [0, 1, 1, 0]).digest,
        Dataset.of("a", SQUARE, [0, 1, 1, 1]).digest,
        Dataset.of("a", SQUARE[::-1], [0, 1, 1, 1]).digest,
        Dataset.of("a", SQUARE, [0, 1, 1, 0], test=test).digest,
        Dataset.of("a", SQUARE, [0, 1, 1, 0], test=([[5, 5]], [0])).digest,
    }
    assert len(digests) == 5
    assert Dataset.of("b", SQUARE, [0, 1, 1, 0]).digest in digests


@pytest.mark.parametrize(
    ("points", "labels", "problem"),
    [
        (SQUARE, [0, 1, 3, 3], "no point of class 2"),
        (SQUARE, [0, 0, 0, 0], "at least 2 classes"),
        (SQUARE, [1, 1, 1, 1], "no point of class 0"),
        (SQUARE, [0, 1, 0.5, 1], "0.5"),
        (SQUARE, [0, 1, -1, 1], "-1"),
        (SQUARE, [0, 1, math.nan, 1], "label of point 2"),
        (((0, 0), (0, math.nan)), [0, 1], "feature 2 of point 1"),
        (((0, 7), (1, 7)), [0, 1], "feature x2"),
        (np.empty((0, 2)), [], "at least one point"),
        (SQUARE, [0, 1], "expected"),
    ],
)
def test_unusable_points_are_refused_with_the_name_of_the_data_set(
    points: ArrayLike, labels: ArrayLike, problem: str
) -> None:
    with pytest.raises(ValueError, match=f"'broken'.*{problem}"):
        Dataset.of("broken", points, labels)


def test_constant_feature_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="feature age"):
        Dataset.of("a", ((0, 7), (1, 7)), [0, 1], feature_names=("size", "age"))
    with pytest.raises(ValueError, match="feature 2"):
        standardised(np.array([[0.0, 7.0], [1.0, 7.0]]))


def test_image_may_have_constant_pixels() -> None:
    assert Dataset.of("a", ((0, 7), (1, 7)), [0, 1], image_shape=(1, 2)).image_shape == (1, 2)
    with pytest.raises(ValueError, match="image_shape"):
        Dataset.of("a", SQUARE, [0, 1, 1, 0], image_shape=(2, 2))


RANDOM = standardised(np.random.default_rng(0).normal(size=(9, 4)))


def registered(points: ArrayLike, image_shape: tuple[int, int] | None = None) -> Dataset:
    try:
        register(Dataset.of("mine", points, np.arange(len(RANDOM)) % 2, image_shape=image_shape))
        return load_dataset("mine")
    finally:
        forget_plugins()


@pytest.mark.parametrize(
    ("points", "feature"), [(RANDOM * 1000 + 5000, "x1"), (RANDOM * [1, 1, 1.2, 1], "x3")]
)
def test_points_that_are_not_standardised_are_not_trained_on(
    points: ArrayLike, feature: str
) -> None:
    with pytest.raises(ValueError, match=rf"'mine': feature {feature} .*standardised\("):
        registered(points)
    with pytest.raises(ValueError, match="feature x1"):
        registered(RANDOM * 2, image_shape=(2, 2))


def test_deviations_of_both_kinds_make_few_points_standardised() -> None:
    for points in (RANDOM, RANDOM / RANDOM.std(axis=0)):
        assert len(registered(points)) == 9


def test_variance_of_pixels_is_1_on_average() -> None:
    pixels = np.column_stack([np.zeros(9), RANDOM[:, 1:] * [0.5, 1, 1.5]])
    of_image = standardised(pixels, pixels=True)
    assert registered(of_image, image_shape=(2, 2)).points[:, 0].tolist() == [0] * 9


def test_representation_fits_one_line() -> None:
    assert repr(load_dataset("iris")) == "Dataset(iris: 150 points, 4 features, 3 classes)"
    assert repr(load_dataset("digits")).startswith("Dataset(digits: 1,442 points, 64 features")


@pytest.mark.parametrize(
    ("test", "problem"), [(([[1, 2, 3]], [0]), "features"), (([[1, 2]], [2]), "label 2")]
)
def test_test_split_that_does_not_fit_is_refused(
    test: tuple[ArrayLike, ArrayLike], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Dataset.of("a", SQUARE, [0, 1, 1, 0], test=test)
