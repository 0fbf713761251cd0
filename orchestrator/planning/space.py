"""The mask space of a structure: the number of its networks, counted in several ways."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import UserError
from search.masks.burnside import MAX_TERMS, Population, burnside_terms, count_distinct
from search.masks.renaming import without_renamings
from search.masks.space import count_all, count_covering, count_eligible, least_distinct
from search.paper_grids import INPUTS, LISTED_MASKS, ListedMasks
from search.structure import STRUCTURE_FORMAT, Structure

MAX_WEIGHTS = 1000
"""Maximum number of weights in the hidden layers. The number of masks then has 300 digits."""


@dataclass(frozen=True)
class MaskSpace:
    """The masks of the hidden layers of a structure; the output layer is dense.

    Attributes:
        populations: number of networks and weights by name: "all" masks; "covering" masks, without
            empty rows and columns; "eligible" masks; "distinct" networks, if they can be counted;
            networks that the paper lists, "paper", and the distinct ones of these,
            "paper-distinct".
        distinct_at_least: lower bound of the number of distinct networks, if they cannot be
            counted.
        listed: the masks that the paper lists, if it has the structure.
    """

    structure: Structure
    inputs: int
    populations: dict[str, Population]
    distinct_at_least: int | None
    listed: ListedMasks | None

    @property
    def hidden_weights(self) -> int:
        """Number of weights in the dense hidden layers."""
        return self.structure.weights(self.inputs) - self.output_weights

    @property
    def output_weights(self) -> int:
        """Number of weights in the output layer."""
        return self.structure[-1]

    def mean_weights(self, name: str) -> float:
        """Return the mean number of weights in a population, including the output layer."""
        population = self.populations[name]
        return population.weights / population.networks + self.output_weights


def mask_space(text: str, inputs: int = INPUTS) -> MaskSpace:
    """Return the mask space of a structure such as 7x3x3, of up to `MAX_WEIGHTS` weights."""
    structure = parse_structure(text)
    weights = structure.weights(inputs) - structure[-1]
    if weights > MAX_WEIGHTS:
        raise UserError(
            f"{text} with {inputs} inputs has {weights:,} weights in its hidden layers; allowed: "
            f"{MAX_WEIGHTS:,}"
        )
    populations = {
        "all": count_all(inputs, structure),
        "covering": count_covering(inputs, structure),
        "eligible": count_eligible(inputs, structure),
    }
    at_least = None
    if burnside_terms(inputs, structure) <= MAX_TERMS:
        populations["distinct"] = count_distinct(inputs, structure)
    else:
        at_least = least_distinct(inputs, structure)
    # Each structure is in one study of the paper at most.
    of_paper = LISTED_MASKS.values() if inputs == INPUTS else ()
    listed = next((one for one in of_paper if one.structure == structure), None)
    if listed is not None:
        grid = listed.grid()
        networks = [grid[index]["masks"] for index in range(grid.size)]
        populations["paper"] = _population(networks)
        populations["paper-distinct"] = _population(without_renamings(networks))
    return MaskSpace(structure, inputs, populations, at_least, listed)


def parse_structure(text: str) -> Structure:
    """Return the structure that a command names, or raise a `UserError`."""
    try:
        return Structure.parse(text)
    except ValueError:
        raise UserError(f"not a structure: {text!r}; allowed: {STRUCTURE_FORMAT}") from None


def _population(networks: list[tuple[str, ...]]) -> Population:
    return Population(len(networks), sum(mask.count("1") for masks in networks for mask in masks))
