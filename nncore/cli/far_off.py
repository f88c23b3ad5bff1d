"""Find outliers: rows whose errors dominate the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore.cli.evaluation import Evaluation
from nncore.cli.scores import in_words, regression_scores
from nncore.cli.task import Task
from nncore.cli.terminal import percent, significant

#: A few rows dominate the score if they have more than this fraction of all squared errors. The largest of 20 normal errors has a fifth.
SHARE = 0.5
MOST_NAMED, MOST_SHARE_NAMED = 5, 0.02
FEWEST_ROWS = 20


@dataclass(frozen=True)
class FarOff:
    """The fewest rows that have more than `SHARE` of the squared errors, and further rows with that share of the rest. Largest error first.

    Attributes
    ----------
    places : list of str
        Places in the file: ``"line 7"``.
    true, predicted : list of float
    share : float
        Fraction of the squared errors.
    scores, without : dict of str to float
        Scores on all held-out rows, and on all except these.
    """

    places: list[str]
    true: list[float]
    predicted: list[float]
    share: float
    scores: dict[str, float]
    without: dict[str, float]

    def __str__(self) -> str:
        def compared(scores: dict[str, float]) -> str:
            return in_words({name: value for name, value in scores.items() if name in ("r2", "rmse")})

        triples = zip(self.places, self.true, self.predicted, strict=True)
        rows = "; ".join(f"{place}: {significant(true)}, predicted {significant(predicted)}" for place, true, predicted in triples)
        many = "1 row has" if len(self.places) == 1 else f"{len(self.places)} rows have"
        without = "it" if len(self.places) == 1 else "them"
        return (
            f"{many} {percent(self.share)} of the squared errors: {compared(self.scores)}, and without {without} {compared(self.without)}; "
            f"check whether they are correct ({rows})"
        )


def far_off(task: Task, evaluations: Sequence[Evaluation]) -> FarOff | None:
    """The rows that dominate the score of a regression; None if there are none."""
    if task.classes is not None or not evaluations:
        return None
    rows = np.concatenate([evaluation.rows for evaluation in evaluations])
    true = np.concatenate([evaluation.true for evaluation in evaluations])
    predicted = np.concatenate([evaluation.predicted for evaluation in evaluations])
    weight = np.ones(len(rows)) if task.row_values.weight is None else task.row_values.weight[rows]
    if len(rows) < FEWEST_ROWS:
        return None
    squares = weight * (predicted - true) ** 2
    order = np.argsort(-squares, kind="stable")[: min(MOST_NAMED, max(1, int(MOST_SHARE_NAMED * len(rows))))]
    total = squares.sum()
    left = total - np.cumsum(squares[order])  # sum without the first rows
    n_far = int(np.argmax(left < (1 - SHARE) * total)) + 1
    if not left[n_far - 1] < (1 - SHARE) * total:
        return None
    while n_far < len(order) and left[n_far] < (1 - SHARE) * left[n_far - 1]:  # the next row dominates the rest
        n_far += 1
    share, order = 1 - float(left[n_far - 1] / total), order[:n_far]
    others = np.setdiff1d(np.arange(len(rows)), order)
    return FarOff(
        [task.table.place(row) for row in rows[order].tolist()],
        true[order].tolist(),
        predicted[order].tolist(),
        share,
        regression_scores(true, predicted, weight),
        regression_scores(true[others], predicted[others], weight[others]),
    )
