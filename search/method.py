"""The specification of a pruning method, without its algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from search.experiment import Experiment, InitScheme
from search.settings import Setting
from search.styles import Style

Phase = Literal["explicit", "before", "during", "adaptive"]
"""When masks are chosen: "explicit": never, the experiment lists them; "before": before the
first training step; "during": between training steps that are fixed in advance; "adaptive": between
segments of training that the algorithm requests one at a time."""

TO_TARGET = frozenset({"target_nnz"})
"""`Method.keys` of a method that prunes to a number of weights."""

TO_TARGET_OR_ACCURACY = TO_TARGET | {"target_accuracy"}
"""`Method.keys` of a method that prunes either to a number of weights or, adaptively, as far as an
accuracy is kept."""

WITHOUT_TARGET: frozenset[str] = frozenset()
"""`Method.keys` of a method that decides itself how many weights it keeps."""

TARGETS = TO_TARGET_OR_ACCURACY
"""The keys of targets; an experiment has at most one of them."""


@dataclass(frozen=True)
class Method:
    """A way to choose masks.

    Attributes:
        name: value of `Experiment.method`.
        prunes: when masks are chosen. In this phase the method's module provides: "before": a
            function `prune`, a `pruning.protocol.PrunesBefore`; "during": a function `begin`, a
            `pruning.protocol.PrunesDuring`; "adaptive": a function `requests`, a
            `pruning.protocol.PrunesAdaptively`. With `Experiment.target_accuracy` every method is
            adaptive (`phase`).
        keys: sweep-file keys that only some methods use and that this one does, of "masks" (which
            includes mask1, mask2 and so on), "target_nnz", "target_accuracy" and "structure", which
            then names the part that is trained of a network of `Experiment.width`; see
            `trains_part`.
        module: module of the algorithm, such as "pruning.snip"; empty if no masks are chosen.
        cost: time to choose the masks on one core: ms for any network, and ns for each of its
            weights.
        xavier: whether the weights of a fresh network are redrawn from a Xavier-normal
            distribution (docs/paper.md, section 5), unless `Experiment.init_scheme` names another.
        settings: hyperparameters by name, with their defaults.
        steps_at_least: name of the setting that is also the minimum number of training steps; or
            empty.
        other_name: name in the paper authors' lists, if it differs; or empty.
        rounds_setting: name of the setting that is the number of training rounds, of
            `Experiment.epochs` each; empty if there is one round.
        validates: whether a tenth of the points is held out from training in every experiment, for
            `pruning.protocol.Measure.validation`; only of an adaptive method.
        display_name: name in reports, as the method's paper spells it; empty: `name`.
        style: colours and marker in reports; None: chosen from the name.

    Example:
        >>> import sparsest
        >>> method = sparsest.Method(
        ...     name="mine",
        ...     prunes="before",
        ...     keys=sparsest.TO_TARGET,
        ...     module="my_package.algorithm",
        ...     settings={"rounds": sparsest.Setting(100, 1, 1000, "rounds"), **sparsest.BUDGET},
        ... )
        >>> sorted(method.keys), list(method.settings)
        (['target_nnz'], ['rounds', 'budget'])
        >>> sparsest.TO_TARGET < sparsest.TO_TARGET_OR_ACCURACY
        True
    """

    name: str
    prunes: Phase
    keys: frozenset[str]
    module: str = ""
    cost: tuple[float, float] = (0.0, 0.0)
    xavier: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)
    steps_at_least: str = ""
    other_name: str = ""
    rounds_setting: str = ""
    validates: bool = False
    display_name: str = ""
    style: Style | None = None

    @property
    def chooses_masks(self) -> bool:
        """Whether an algorithm chooses the masks, rather than the experiment listing them."""
        return self.prunes != "explicit"

    @property
    def init_scheme(self) -> InitScheme:
        """The scheme of fresh weights of an experiment that names none."""
        return "xavier" if self.xavier else "torch"

    @property
    def trains_part(self) -> bool:
        """Whether it trains the first neurons of a wider network; otherwise a whole network."""
        return "structure" in self.keys

    def phase(self, experiment: Experiment) -> Phase:
        """Return when the masks of an experiment of this method are chosen."""
        return self.prunes if experiment.target_accuracy is None else "adaptive"

    def masks_change(self, experiment: Experiment) -> bool:
        """Return whether the masks of an experiment change after the first training step."""
        return self.phase(experiment) in ("during", "adaptive")
