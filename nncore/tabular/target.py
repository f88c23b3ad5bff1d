"""The column to predict: classes or a real number, and how the task is found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nncore.contract import class_indices
from nncore.data import level_key
from nncore.errors import DataError
from nncore.tabular.column import as_column
from nncore.tabular.columns import Place, level_counts, mean_and_std, parse_numbers
from nncore.tabular.values import are_dates, as_number, number_hint

#: Whole numbers with at most this many different values are taken as classes...
MOST_CLASSES = 10

#: ...if each occurs this often on average.
ROWS_A_CLASS = 5

#: Text with a greater share of different values is no set of classes.
CLASS_SHARE = 0.5


@dataclass(frozen=True)
class ClassTarget:
    """Classes. Values that are equal, as 1 and 1.0, are one class.

    Attributes
    ----------
    name : str
    classes : tuple of str
        In the order of the network's outputs: by value if all are numbers, else by the alphabet. Each as it is written most often.
    missing : tuple of str
        Words, in lower case, that stand for no class but for a missing value.
    """

    name: str
    classes: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @classmethod
    def fit(cls, name: str, values: Sequence[str | None], missing: tuple[str, ...] = ()) -> ClassTarget:
        labels = sorted(level_counts(values))
        if all(as_number(label) is not None for label in labels):
            labels.sort(key=float)
        return cls(name, tuple(labels), missing)

    def indices(self, values: Sequence[str | None]) -> np.ndarray:
        """Class indices, int64 of shape ``(n_rows,)``; -1 for what is none of the classes."""
        index = {level_key(label): i for i, label in enumerate(self.classes)}
        coded = as_column(values).coded
        indices: np.ndarray = np.array([*(index.get(level_key(text), -1) for text in coded.texts), -1], np.int64)[coded.codes]
        return indices

    def encode(self, values: Sequence[str | None]) -> np.ndarray:
        """Class indices, int64 of shape ``(n_rows,)``."""
        column = as_column(values)
        indices = self.indices(column)
        if len(strange := np.flatnonzero(indices < 0)):
            unknown = sorted({str(value) for value in column.take(strange)})
            raise DataError(f"column {self.name!r} has classes that training did not have: {', '.join(map(repr, unknown[:5]))}")
        return indices

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
    missing : tuple of str
        Words, in lower case, that stand for a missing value.
    """

    name: str
    mean: float
    std: float
    missing: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, name: str, values: Sequence[str | None], place: Place, target_range: str | None = None, missing: tuple[str, ...] = ()
    ) -> RealTarget:
        mean, std = mean_and_std(name, parse_numbers(name, values, place))
        if target_range is None:
            return cls(name, mean, std, missing)
        return cls(name, 0.0, mean if target_range == "[0, inf)" and mean > 0 else 1.0, missing)

    def encode(self, values: Sequence[str | None], place: Place) -> np.ndarray:
        """Standardised numbers, float64 of shape ``(n_rows,)``."""
        return (parse_numbers(self.name, values, place) - self.mean) / self.std

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Numbers in the unit of the file, float64 of shape ``(n_rows,)``, from outputs ``(n_rows, 1)``.

        They are rounded to the decimals that the outputs' type can tell apart, so that they are short when written, and what is scored
        is what is written.
        """
        output = outputs[:, 0]
        numbers = output.astype(np.float64) * self.std + self.mean
        with np.errstate(over="ignore", invalid="ignore"):
            step = np.maximum(np.spacing(np.abs(output)).astype(np.float64) * self.std, np.spacing(np.abs(numbers)))
            n_decimals = np.clip(np.ceil(-np.log10(step)), -300, 300)
            by = 10.0 ** np.abs(n_decimals)
            rounded = np.where(n_decimals >= 0, np.rint(numbers * by) / by, np.rint(numbers / by) * by)
        return np.where(np.isfinite(rounded), rounded, numbers)


def infer_target(name: str, values: Sequence[str | None], task: str | None = None, why: str = "as asked") -> tuple[str, str]:
    """The task, ``"classification"`` or ``"regression"``, and the reason in words.

    Parameters
    ----------
    name : str
    values : sequence of str
        No missing ones.
    task : str, optional
        What it has to be; the values are then only checked.
    why : str
        The reason for `task`.

    Raises
    ------
    DataError
        If the column has a single value, or cannot be what is asked.
    """
    counts = level_counts(values)
    if len(counts) < 2:
        raise DataError(f"column {name!r} is always {next(iter(counts), 'missing')!r}: there is nothing to learn")
    numbers = [as_number(value) for value in counts]
    words = [value for value, number in zip(counts, numbers, strict=True) if number is None]
    if task == "regression" and words:
        raise DataError(f"column {name!r} holds {_what_is(words)}; regression needs numbers (or --task classification)")
    if task is not None:
        return task, why
    if words:
        looks = f"; like {min(words, key=len)!r}, which looks like a number: {hint}" if (hint := number_hint(words)) else ""
        if len(counts) <= max(MOST_CLASSES, 0 if hint or are_dates(words) else CLASS_SHARE * len(values)):
            return "classification", f"it is text{looks}"
        if hint or are_dates(words):
            raise DataError(f"column {name!r} holds {_what_is(words)}, or say --task classification")
        some = f", {len(words)} of them no numbers, as {words[0]!r}" if len(words) < len(counts) else ""
        raise DataError(
            f"column {name!r} is text with {len(counts)} different values in {len(values)} rows{some}, too many to be classes; "
            "choose another target, or say --task classification"
        )
    if len(counts) == 2:
        return "classification", "it has two values"
    is_whole = all(number is not None and number.is_integer() for number in numbers)
    if is_whole and len(counts) <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS):
        return "classification", f"it has {len(counts)} different whole numbers"
    return "regression", f"it has {len(counts)} different numbers"


def _what_is(words: Sequence[str]) -> str:
    """The first of some words, and why it is no number."""
    if are_dates(words):
        return f"{words[0]!r}, a date; write it as a number, of days or of the month"
    hint = number_hint(words)
    return f"{words[0]!r}, which looks like a number: {hint}" if hint else f"{words[0]!r}, which is no number"
