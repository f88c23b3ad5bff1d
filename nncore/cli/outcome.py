"""The result of ``nncore train``, for the terminal, the JSON and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nncore.cli.baselines import NAMES, why_no_boosting
from nncore.cli.config_file import changed
from nncore.cli.evaluation import Evaluation, Importance
from nncore.cli.experiment import Fitted
from nncore.cli.far_off import FarOff, far_off
from nncore.cli.report import column_notes
from nncore.cli.scores import in_words, score_name, score_value, spread_in_words
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.cli.terminal import percent, seconds, significant
from nncore.cli.training_notes import TrainingNotes
from nncore.ensembles import n_outputs
from nncore.layers.dense import Dense
from nncore.layers.members_dense import MembersDense
from nncore.network import Sequential
from nncore.tabular import CategoricalColumn, ClassTarget, NumericColumn, TimeColumn

#: A class with less than this fraction of its fair share of the rows may never be predicted.
RARE = 0.3

#: Scores shown at the terminal, and those also shown for a constant prediction, whose R² is 0 and ROC AUC ½ by definition.
IN_A_SENTENCE = ("accuracy", "roc_auc", "r2", "rmse", "mae")
WORTH_COMPARING = ("accuracy", "rmse", "mae")


@dataclass(frozen=True)
class Outcome:
    """The result of one run.

    Attributes
    ----------
    asked, settings : Settings
        Settings as passed, and with the chosen model.
    task : Task
    final : Fitted
        The final model.
    scored : sequence of Fitted
        The evaluated models: the final one, those of the folds, or none.
    evaluations : sequence of Evaluation
    importances : sequence of Importance
        Importances of columns; only for a report.
    baselines : mapping of str to sequence of dict
        Scores of baselines on the same rows, by keys of `nncore.cli.baselines.NAMES`, one for each of `evaluations`.
    seconds : float
        Total time.
    """

    asked: Settings
    settings: Settings
    task: Task
    final: Fitted
    scored: Sequence[Fitted]
    evaluations: Sequence[Evaluation]
    importances: Sequence[Importance]
    baselines: Mapping[str, Sequence[Mapping[str, float]]]
    seconds: float

    @property
    def is_cross_validated(self) -> bool:
        return self.settings.cv is not None

    @property
    def main_score(self) -> str:
        """Name of the main score."""
        return next(iter(self.evaluations[0].scores))

    def mean_scores(self) -> dict[str, float]:
        """Mean scores over the folds, of the scores that all folds have."""
        return _means([e.scores for e in self.evaluations])

    def mean_baseline(self) -> dict[str, float]:
        """Mean scores of a constant prediction over the folds."""
        return _means([e.baseline for e in self.evaluations])

    def mean_baselines(self) -> dict[str, dict[str, float]]:
        """Mean scores of the baselines over the folds."""
        return {key: _means(scores) for key, scores in self.baselines.items()}

    @cached_property
    def far_off(self) -> FarOff | None:
        """Rows that dominate the score."""
        return far_off(self.task, self.evaluations)

    def score_text(self) -> str:
        """The score in words, compared with that of a constant prediction."""
        if not self.evaluations:
            return "no rows were held out"
        naive = self.evaluations[0].naive
        mean = "the mean" if self.task.row_values.exposure is None else "the mean rate"
        always = f"always {naive!r}" if isinstance(self.final.encoder.target, ClassTarget) else f"always {mean} {naive}"
        scores = self._in_a_sentence(self.mean_scores())
        without = f"{always}: {in_words({name: value for name, value in self.mean_baseline().items() if name in WORTH_COMPARING})}"
        if not self.is_cross_validated:
            latest = "" if self.task.row_values.time is None else ", the latest"
            return f"{in_words(scores)} on {len(self.evaluations[0].true)} rows held out{latest} ({without})"
        parts = ", ".join(spread_in_words(name, [e.scores[name] for e in self.evaluations]) for name in scores)
        each = ", ".join(score_value(self.main_score, e.scores[self.main_score]) for e in self.evaluations)
        return f"{parts} in {len(self.evaluations)} folds ({each}); {without}"

    def _in_a_sentence(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The scores for the summary, the requested metric first."""
        asked = None if self.task.metric is None else self.task.metric.name
        return {name: scores[name] for name in (asked, *IN_A_SENTENCE) if name is not None and name in scores}

    def baselines_text(self) -> str:
        """Scores of the baselines in words, or "" if there are none."""
        asked = None if self.task.metric is None else self.task.metric.name
        shown = {
            key: {n: v for n, v in self._in_a_sentence(scores).items() if n in (asked, *WORTH_COMPARING, self.main_score)}
            for key, scores in self.mean_baselines().items()
        }
        return "; ".join(f"{self.name_of(key)}: {in_words(scores)}" for key, scores in shown.items())

    def name_of(self, key: str) -> str:
        """Name of a baseline; for streamed rows, with the number of its training rows."""
        return f"{NAMES[key]}, trained on a sample of {len(self.final.parts.training)} rows" if self.task.n_unread else NAMES[key]

    def training_text(self) -> str:
        """Duration of the training, in epochs and seconds."""
        final, in_all = self.final, f"{seconds(self.seconds)} in all"
        if final.n_streamed:
            in_all = f"{significant(final.n_streamed * final.n_epochs / max(final.seconds, 1e-9))} rows a second; {in_all}"
        if final.n_refit:
            folds = f"median best epoch of the folds {final.best_epoch}"
            return f"{final.n_epochs} epochs on all rows; {folds}; {in_all}"
        if final.search is not None and not any(final.best_epochs):
            return f"no epoch was finished; {in_all}"
        if self.settings.model != "mlp":
            epochs = f"{final.n_epochs} epochs, the best of each network restored (median {final.best_epoch})"
            reasons = {history.stop_reason for history in final.histories if len(history) < final.most_epochs}
            early = f" ({reasons.pop()})" if len(reasons) == 1 and final.n_epochs < final.most_epochs else ""
            return f"{epochs}{' on all rows' if self.is_cross_validated else ''}{early}; {in_all}"
        stopped = f" ({final.history.stop_reason})" if final.n_epochs < final.most_epochs and not self.is_cross_validated else ""
        on_all = " on all rows, the median best epoch of the folds" if self.is_cross_validated else ""
        return f"{final.n_epochs} epochs{on_all}{stopped}; {in_all}"

    def search_text(self) -> str:
        """The trials in the ensemble, or "" without a search."""
        return "" if self.final.search is None else self.final.search.in_words()

    def advice(self) -> list[str]:
        """Advice for the reader of the score."""
        found = []
        if self.evaluations and self._says_nothing():
            found.append(
                f"the {score_name(self.main_score)} is no better than that of a constant prediction: the columns may not predict "
                f"{self.task.target!r}"
            )
        elif self.evaluations and self._is_linear():
            found.append("a linear model scores as well on the rows held out: --hidden none is smaller, and its weights can be interpreted")
        if self.baselines and (why := why_no_boosting(self.task, self.scored[0])):
            found.append(f"{NAMES['boosting']} is left out of the baselines: {why}")
        if self.far_off is not None:
            found.append(str(self.far_off))
        if any(_ended_too_early(fitted) for fitted in self.scored or (self.final,)):
            found.append(f"the network was still improving when training ended: try --epochs {2 * self.final.most_epochs}")
        target = self.final.encoder.target
        if isinstance(target, ClassTarget) and self.settings.class_weight is None:
            counts = self.task.table.column(target.name).counts
            rarest = min(target.classes, key=lambda label: counts.get(label, 0))
            share = counts.get(rarest, 0) / self.task.table.n_rows
            if share < RARE / len(target.classes):
                found.append(
                    f"the class {rarest!r} has {percent(share)} of the rows; if it matters as much as the others, add "
                    "--class-weight balanced"
                )
        if self.final.interrupted:
            found.append("training was interrupted")
        return found

    def _says_nothing(self) -> bool:
        """Whether the network is no better than a constant prediction."""
        reached, naive = self.mean_scores(), self.mean_baseline()
        return all(reached[name] <= naive.get(name, 0.0) for name in ("accuracy", "balanced_accuracy", "r2") if name in reached)

    def _is_linear(self) -> bool:
        """Whether the linear baseline is at least as good."""
        linear = self.mean_baselines().get("linear", {})
        return self.main_score in linear and self.main_score != "rmse" and linear[self.main_score] >= self.mean_scores()[self.main_score]

    @cached_property
    def notes(self) -> TrainingNotes:
        """Notes about the training for the model file."""
        return TrainingNotes.of(self.asked, self.settings, self.final)

    def as_json(self) -> dict[str, Any]:
        """The result as plain data. A test lists all keys."""
        encoder, task, networks = self.final.encoder, self.task, self.final.model.networks
        notes = self.notes.to_json()
        kinds = {
            "numeric": [c.name for c in encoder.columns if isinstance(c, NumericColumn)],
            "dates": [c.name for c in encoder.columns if isinstance(c, TimeColumn)],
            "categorical": [c.name for c in encoder.columns if isinstance(c, CategoricalColumn)],
            "left_out": {name: kind.reason for name, kind in task.columns.items() if kind.kind == "left out"},
        }
        return {
            "data": task.table.source,
            "target": task.target,
            "task": task.kind,
            "classes": list(encoder.target.classes) if isinstance(encoder.target, ClassTarget) else None,
            "rows": {
                "in_file": task.n_in_file,
                "without_target": task.n_unlabelled,
                "training": self.final.n_training,
                "validation": len(self.final.parts.validation),
                "held_out": len(self.final.parts.test),
            },
            "columns": kinds,
            "row_columns": task.row_columns.to_json(),
            "notes": column_notes(task, encoder),
            "network": {
                **{name: notes[name] for name in ("model", "preset", "n_cv", "n_ens", "n_refit")},
                "networks": len(networks),
                "inputs": networks[0].input_shape[0],
                "hidden": _hidden(networks[0]),
                "outputs": n_outputs(encoder.target, task.loss),
                "parameters": int(sum(network.parameters.size for network in networks)),
            },
            "search": notes["search"],
            "score": self._score_json(),
            "epochs": self.final.n_epochs,
            "best_epoch": self.final.best_epoch,
            "stop_reason": self.final.history.stop_reason,
            "interrupted": self.final.interrupted,
            "importance": [asdict(importance) for importance in self.importances],
            "advice": self.advice(),
            "files": {"model": _text(self.settings.out), "report": _text(self.settings.report)},
            "seconds": {"total": self.seconds, "training": self.final.seconds},
            "settings": changed(self.asked),
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
            "baselines": self.mean_baselines(),
            "far_off": None if self.far_off is None else asdict(self.far_off),
        }


def _means(folds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means over folds, of the scores that all folds have."""
    names = [name for name in folds[0] if all(name in scores for scores in folds)]
    return {name: float(np.mean([scores[name] for scores in folds])) for name in names}


def _ended_too_early(fitted: Fitted) -> bool:
    """Whether the best epoch was one of the last."""
    return len(fitted.parts.validation) > 0 and fitted.n_epochs == fitted.most_epochs and fitted.best_epoch > 0.95 * fitted.most_epochs


def _hidden(network: Sequential) -> list[int]:
    """Units of its hidden layers."""
    of_members = [layer.n_outputs for layer in network.layers if isinstance(layer, MembersDense)]
    return of_members or [layer.n_outputs for layer in network.layers if isinstance(layer, Dense)][:-1]


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
