"""Results of the trials of ``--tune`` in plain values, for the terminal, the report, the JSON and the model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from nncore.arguments import listed
from nncore.ensembles import Search, Trial, in_order, shown_parameters
from nncore.errors import FileFormatError


@dataclass(frozen=True)
class TrialOutcome:
    """One trial.

    Attributes
    ----------
    number : int
    parameters : str
        Drawn parameters as text; empty for trial 0, the unchanged recipe.
    status : str
        Result: "finished", "stopped" (others were better), "cut off" or "failed".
    score : float or None
        Mean validation score of its networks; None if there is none.
    n_epochs : int
    weight : int
        Weight in the ensemble; 0 if the trial is not in it.
    """

    number: int
    parameters: str
    status: str
    score: float | None
    n_epochs: int
    weight: int

    @classmethod
    def of(cls, trial: Trial) -> Self:
        score = trial.score if trial.score == trial.score else None
        return cls(trial.number, shown_parameters(trial.drawn), trial.status, score, trial.n_epochs, trial.weight)

    def __str__(self) -> str:
        return f"trial {self.number} ({self.parameters or 'as given'})"


@dataclass(frozen=True)
class SearchOutcome:
    """All trials, the best first.

    Attributes
    ----------
    space : str
        Name of the search space.
    monitor : str
        Score or loss that trials were compared by.
    higher_is_better : bool
        Whether higher values of it are better.
    trials : sequence of TrialOutcome
    """

    space: str
    monitor: str
    higher_is_better: bool
    trials: Sequence[TrialOutcome]

    @classmethod
    def of(cls, search: Search, space: str) -> Self:
        ordered = in_order(search.trials, search.mode)
        return cls(space, search.trials[0].fit.monitor, search.mode == "max", [TrialOutcome.of(trial) for trial in ordered])

    @property
    def chosen(self) -> list[TrialOutcome]:
        """The trials of the ensemble, by descending weight."""
        return sorted((trial for trial in self.trials if trial.weight), key=lambda trial: -trial.weight)

    def in_words(self) -> str:
        """Number of trials, and those in the ensemble."""
        n, chosen = len(self.trials), self.chosen
        total = sum(trial.weight for trial in chosen)
        shares = [str(one) if len(chosen) == 1 else f"{one} counts {one.weight}/{total}" for one in chosen]
        tried = f"{n} trial{'s' * (n > 1)} of the space {self.space}"
        return f"{tried}; {'used is' if len(chosen) == 1 else f'{len(chosen)} averaged:'} {listed(shares, most=4)}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, described: Any) -> Self:
        """Restore from `to_json`. Raises `FileFormatError` for anything else."""
        try:
            trials = [TrialOutcome(**_checked(one)) for one in described["trials"]]
            found = cls(described["space"], described["monitor"], described["higher_is_better"], trials)
        except (KeyError, TypeError, AttributeError):
            raise FileFormatError("the description of the training is damaged: it has no trials") from None
        if not (isinstance(found.space, str) and isinstance(found.monitor, str) and type(found.higher_is_better) is bool and found.chosen):
            raise FileFormatError("the description of the training is damaged: its trials are malformed")
        return found


def _checked(trial: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = {"number": int, "parameters": str, "status": str, "n_epochs": int, "weight": int}
    if not all(type(trial[name]) is kind for name, kind in kinds.items()) or not isinstance(trial["score"], float | int | None):
        raise TypeError
    return trial
