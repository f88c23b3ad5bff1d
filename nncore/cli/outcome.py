"""What came of ``nncore train``: for the terminal, the JSON and the report alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncore.cli.config_file import changed
from nncore.cli.evaluation import Evaluation, Importance
from nncore.cli.experiment import Fitted, n_outputs
from nncore.cli.report import column_notes
from nncore.cli.scores import in_words, score_name, score_value, spread_in_words
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.cli.terminal import percent
from nncore.tabular import CategoricalColumn, ClassTarget, NumericColumn

#: A class with less than this part of its fair share of the rows is easily never answered.
RARE = 0.3

#: Scores that are shown at the terminal, and those of them in which an answer that ignores the inputs says something: its R² is 0 by
#: definition, its ROC AUC ½.
IN_A_SENTENCE = ("accuracy", "roc_auc", "r2", "rmse", "mae")
WORTH_COMPARING = ("accuracy", "rmse", "mae")


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes
    ----------
    settings, task : Settings, Task
    final : Fitted
        The network that is kept.
    scored : sequence of Fitted
        The networks that `evaluations` are of: the final one, those of the folds, or none.
    evaluations : sequence of Evaluation
    importances : sequence of Importance
        Only if a report is asked for.
    seconds : float
        In all.
    """

    settings: Settings
    task: Task
    final: Fitted
    scored: Sequence[Fitted]
    evaluations: Sequence[Evaluation]
    importances: Sequence[Importance]
    seconds: float

    @property
    def is_cross_validated(self) -> bool:
        return self.settings.cv is not None

    @property
    def main_score(self) -> str:
        """Name of the score to look at."""
        return next(iter(self.evaluations[0].scores))

    def mean_scores(self) -> dict[str, float]:
        """Over the folds, of the scores that all of them have."""
        names = [name for name in self.evaluations[0].scores if all(name in e.scores for e in self.evaluations)]
        return {name: float(np.mean([e.scores[name] for e in self.evaluations])) for name in names}

    def mean_baseline(self) -> dict[str, float]:
        """Over the folds, what one gets without looking at the inputs."""
        names = [name for name in self.evaluations[0].baseline if all(name in e.baseline for e in self.evaluations)]
        return {name: float(np.mean([e.baseline[name] for e in self.evaluations])) for name in names}

    def score_text(self) -> str:
        """The score in words, beside what one gets without looking at the inputs."""
        if not self.evaluations:
            return "no rows were held out"
        naive = self.evaluations[0].naive
        always = f"always {naive!r}" if isinstance(self.final.encoder.target, ClassTarget) else f"always the mean {naive}"
        scores = {name: value for name, value in self.mean_scores().items() if name in IN_A_SENTENCE}
        without = f"{always}: {in_words({name: value for name, value in self.mean_baseline().items() if name in WORTH_COMPARING})}"
        if not self.is_cross_validated:
            return f"{in_words(scores)} on {len(self.evaluations[0].true)} rows held out ({without})"
        parts = ", ".join(spread_in_words(name, [e.scores[name] for e in self.evaluations]) for name in scores)
        each = ", ".join(score_value(self.main_score, e.scores[self.main_score]) for e in self.evaluations)
        return f"{parts} in {len(self.evaluations)} parts ({each}); {without}"

    def advice(self) -> list[str]:
        """What a reader of the score should know."""
        found = []
        if self.evaluations and self._says_nothing():
            found.append(
                f"the {score_name(self.main_score)} is no better than without looking at the columns: they may say nothing about "
                f"{self.task.target!r}"
            )
        if any(_ended_too_early(fitted, self.settings.epochs) for fitted in self.scored or (self.final,)):
            found.append(f"the network was still getting better when training ended: try --epochs {2 * self.settings.epochs}")
        target = self.final.encoder.target
        if isinstance(target, ClassTarget) and self.settings.class_weight is None:
            counts = Counter(self.task.table.column(target.name))
            rarest = min(target.classes, key=lambda label: counts[label])
            share = counts[rarest] / self.task.table.n_rows
            if share < RARE / len(target.classes):
                found.append(
                    f"the class {rarest!r} has {percent(share)} of the rows; if it matters as much as the others, add "
                    "--class-weight balanced"
                )
        if self.final.history.interrupted:
            found.append("training was interrupted")
        return found

    def _says_nothing(self) -> bool:
        """Whether the network knows no more than how often each class is, or what the mean is."""
        reached, naive = self.mean_scores(), self.mean_baseline()
        return all(reached[name] <= naive.get(name, 0.0) for name in ("accuracy", "balanced_accuracy", "r2") if name in reached)

    def as_json(self) -> dict[str, Any]:
        """Plain data; the keys are documented by the test that enumerates them."""
        encoder, task, history = self.final.encoder, self.task, self.final.history
        network = self.final.network
        kinds = {
            "numeric": [c.name for c in encoder.columns if isinstance(c, NumericColumn)],
            "categorical": [c.name for c in encoder.columns if isinstance(c, CategoricalColumn)],
            "left_out": {name: kind.reason for name, kind in task.columns.items() if kind.kind == "left out"},
        }
        return {
            "data": task.table.source,
            "target": task.target,
            "task": task.kind,
            "classes": list(encoder.target.classes) if isinstance(encoder.target, ClassTarget) else None,
            "rows": {
                "in_file": task.table.n_rows + task.n_unlabelled,
                "without_target": task.n_unlabelled,
                "training": len(self.final.parts.training),
                "validation": len(self.final.parts.validation),
                "held_out": len(self.final.parts.test),
            },
            "columns": kinds,
            "notes": column_notes(task, encoder),
            "network": {
                "inputs": encoder.n_inputs,
                "hidden": list(self.settings.hidden),
                "outputs": n_outputs(encoder.target, task.loss),
                "parameters": int(network.parameters.size),
            },
            "score": self._score_json(),
            "epochs": len(history),
            "best_epoch": self.final.best_epoch,
            "stop_reason": history.stop_reason,
            "interrupted": history.interrupted,
            "importance": [asdict(importance) for importance in self.importances],
            "advice": self.advice(),
            "files": {"model": _text(self.settings.out), "report": _text(self.settings.report)},
            "seconds": {"total": self.seconds, "training": self.final.seconds},
            "settings": changed(self.settings),
        }

    def _score_json(self) -> dict[str, Any] | None:
        if not self.evaluations:
            return None
        folds = [e.scores for e in self.evaluations]
        means = self.mean_scores()
        return {
            "kind": "cross-validation" if self.is_cross_validated else "held out",
            "rows": sum(len(e.true) for e in self.evaluations),
            "mean": means,
            "std": {name: float(np.std([fold[name] for fold in folds])) for name in means},
            "folds": folds,
            "baseline": self.mean_baseline(),
        }


def _ended_too_early(fitted: Fitted, n_epochs: int) -> bool:
    """Whether one of the last epochs was the best."""
    return len(fitted.parts.validation) > 0 and len(fitted.history) == n_epochs and fitted.best_epoch > 0.95 * n_epochs


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
