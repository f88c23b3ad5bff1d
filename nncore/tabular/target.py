"""The column to predict: classes or a real number, and how the task is found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore.contract import class_indices
from nncore.errors import DataError
from nncore.tabular.columns import Place, mean_and_std, parse_numbers
from nncore.tabular.values import as_number

#: Whole numbers with at most this many different values are taken as classes...
MOST_CLASSES = 10

#: ...if each occurs this often on average.
ROWS_A_CLASS = 5

#: Text with a greater share of different values is no set of classes.
CLASS_SHARE = 0.5


@dataclass(frozen=True)
class ClassTarget:
    """Classes, as the file writes them.

    Attributes
    ----------
    name : str
    classes : tuple of str
        In the order of the network's outputs: by value if all are numbers, else by the alphabet.
    """

    name: str
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[str]) -> ClassTarget:
        labels = sorted(set(values))
        if all(as_number(label) is not None for label in labels):
            labels.sort(key=float)
        return cls(name, tuple(labels))

    def encode(self, values: Sequence[str | None]) -> np.ndarray:
        """Class indices, int64 of shape ``(n_rows,)``."""
        index = {label: i for i, label in enumerate(self.classes)}
        unknown = sorted({str(value) for value in values if value not in index})
        if unknown:
            raise DataError(f"column {self.name!r} has classes that training did not have: {', '.join(map(repr, unknown[:5]))}")
        return np.array([index[str(value)] for value in values], dtype=np.int64)

    def decode(self, decided: np.ndarray) -> list[str]:
        """The class of each row: of indices ``(n_rows,)``, or the most probable of ``(n_rows, n_classes)``; see `Loss.decide`."""
        return [self.classes[k] for k in class_indices(decided)]


@dataclass(frozen=True)
class RealTarget:
    """A real number, standardised for training.

    Attributes
    ----------
    name : str
    mean, std : float
        What is subtracted, and what is divided by. Those of the rows learnt from, unless the loss takes a certain range: what may
        not become negative, as counts with a Poisson loss, has 0 and its mean; what is bounded, 0 and 1.
    """

    name: str
    mean: float
    std: float

    @classmethod
    def fit(cls, name: str, values: Sequence[str | None], place: Place, target_range: str | None = None) -> RealTarget:
        mean, std = mean_and_std(name, parse_numbers(name, values, place))
        if target_range is None:
            return cls(name, mean, std)
        return cls(name, 0.0, mean if target_range == "[0, inf)" and mean > 0 else 1.0)

    def encode(self, values: Sequence[str | None], place: Place) -> np.ndarray:
        """Standardised numbers, float64 of shape ``(n_rows,)``."""
        return (parse_numbers(self.name, values, place) - self.mean) / self.std

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Numbers in the unit of the file, float64 of shape ``(n_rows,)``, from outputs ``(n_rows, 1)``."""
        return outputs[:, 0].astype(np.float64) * self.std + self.mean


def infer_target(name: str, values: Sequence[str], task: str | None = None) -> tuple[str, str]:
    """The task, ``"classification"`` or ``"regression"``, and the reason in words.

    Parameters
    ----------
    name : str
    values : sequence of str
        No missing ones.
    task : str, optional
        What the user says it is; the values are then only checked.

    Raises
    ------
    DataError
        If the column has a single value, or cannot be what is asked.
    """
    counts = Counter(values)
    if len(counts) < 2:
        raise DataError(f"column {name!r} is always {next(iter(counts), 'missing')!r}: there is nothing to learn")
    numbers = [as_number(value) for value in counts]
    is_numeric = all(number is not None for number in numbers)
    if task == "regression" and not is_numeric:
        word = next(value for value in counts if as_number(value) is None)
        raise DataError(f"column {name!r} holds {word!r}, which is no number; regression needs numbers (or --task classification)")
    if task is not None:
        return task, "as asked"
    if not is_numeric:
        if len(counts) > max(MOST_CLASSES, CLASS_SHARE * len(values)):
            raise DataError(
                f"column {name!r} is text with {len(counts)} different values in {len(values)} rows, too many to be classes; "
                "choose another target, or say --task classification"
            )
        return "classification", "it is text"
    if len(counts) == 2:
        return "classification", "it has two values"
    is_whole = all(number is not None and number.is_integer() for number in numbers)
    if is_whole and len(counts) <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS):
        return "classification", f"it has {len(counts)} different whole numbers"
    return "regression", f"it has {len(counts)} different numbers"
