"""The target column: classes or real numbers, and detection of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.contract import class_indices
from nncore.data import EncodingChain, level_key
from nncore.errors import DataError
from nncore.tabular.column import NumberColumn, as_column
from nncore.tabular.columns import Place, labelled, level_counts, parse_numbers
from nncore.tabular.values import are_dates, as_number, number_hint

#: Whole numbers with at most this many distinct values are classes...
MOST_CLASSES = 10

#: ...if each occurs this often on average.
ROWS_A_CLASS = 5

#: Encodings of a real target, by the range of the loss. For other ranges it is not scaled.
SCALINGS: dict[str | None, tuple[str, ...]] = {None: ("standard",), "[0, inf)": ("unit_mean",)}

#: Text with a greater share of distinct values is not a set of classes.
CLASS_SHARE = 0.5


@dataclass(frozen=True)
class ClassTarget:
    """A target with classes. Equal values such as 1 and 1.0 are one class.

    Attributes
    ----------
    name : str
    classes : tuple of str
        Classes in the order of the network's outputs: sorted by value if all are numbers, else alphabetically. Each in its most frequent
        spelling.
    missing : tuple of str
        Words, in lower case, that mean a missing value.
    """

    name: str
    classes: tuple[str, ...]
    missing: tuple[str, ...] = ()

    @classmethod
    def fit(cls, name: str, values: Sequence[str | None], missing: tuple[str, ...] = ()) -> ClassTarget:
        return cls.of_counts(name, level_counts(values), missing)

    @classmethod
    def of_counts(cls, name: str, counts: Mapping[str, int], missing: tuple[str, ...] = ()) -> ClassTarget:
        """Make a target from counts of classes."""
        labels = sorted(counts)
        if all(as_number(label) is not None for label in labels):
            labels.sort(key=float)
        return cls(name, tuple(labels), missing)

    def indices(self, values: Sequence[str | None]) -> np.ndarray:
        """Class indices, int64 of shape ``(n_rows,)``; -1 for unknown classes."""
        index = {level_key(label): i for i, label in enumerate(self.classes)}
        coded = as_column(values).coded
        indices: np.ndarray = np.array([*(index.get(level_key(text), -1) for text in coded.texts), -1], np.int64)[coded.codes]
        return indices

    def encode(self, values: Sequence[str | None]) -> np.ndarray:
        """Class indices, int64 of shape ``(n_rows,)``. Unknown classes raise an error."""
        column = as_column(values)
        indices = self.indices(column)
        if len(strange := np.flatnonzero(indices < 0)):
            unknown = sorted({str(value) for value in column.take(strange)})
            raise DataError(f"column {self.name!r} has classes that training did not have: {', '.join(map(repr, unknown[:5]))}")
        return indices

    def decode(self, decided: np.ndarray) -> list[str]:
        """The class of each row, from class indices of shape ``(n_rows,)`` or values of shape ``(n_rows, n_classes)``; see
        `Loss.decide`."""
        return [self.classes[k] for k in class_indices(decided)]


@dataclass(frozen=True)
class RealTarget:
    """A target of real numbers, scaled for training.

    Attributes
    ----------
    name : str
    chain : EncodingChain
        ``standard``, fitted to the training rows; ``unit_mean`` for targets that must not be negative, such as counts with a Poisson loss.
        Bounded targets are not scaled.
    missing : tuple of str
        Words, in lower case, that mean a missing value.
    """

    name: str
    chain: EncodingChain
    missing: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, name: str, values: Sequence[str | None], place: Place, target_range: str | None = None, missing: tuple[str, ...] = ()
    ) -> RealTarget:
        numbers = parse_numbers(name, values, place)
        return cls(name, EncodingChain.learn(SCALINGS.get(target_range, ()), numbers[:, None], label=labelled(name)), missing)

    @property
    def unit(self) -> float:
        """The amount, in the file's unit, that is 1 for the network."""
        none, one = self.chain.inverse(np.array([[0.0], [1.0]]))[:, 0].tolist()
        return float(one - none)

    def encode(self, values: Sequence[str | None], place: Place) -> np.ndarray:
        """Convert cells to scaled numbers, float64 of shape ``(n_rows,)``."""
        encoded: np.ndarray = self.chain.encode(parse_numbers(self.name, values, place)[:, None], label=labelled(self.name))[:, 0]
        return encoded

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Convert scaled numbers to the unit of the file, float64 of shape ``(n_rows,)``."""
        numbers: np.ndarray = self.chain.inverse(scaled[:, None])[:, 0]
        return numbers

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Convert outputs of shape ``(n_rows, 1)`` to numbers in the unit of the file, float64 of shape ``(n_rows,)``.

        They are rounded to the precision of the outputs' dtype, so that they are short in files, and scores are those of the written
        numbers.
        """
        output = outputs[:, 0]
        numbers = self.inverse(output)
        with np.errstate(over="ignore", invalid="ignore"):
            step = np.maximum(np.spacing(np.abs(output)).astype(np.float64) * self.unit, np.spacing(np.abs(numbers)))
            n_decimals = np.clip(np.ceil(-np.log10(step)), -300, 300)
            by = 10.0 ** np.abs(n_decimals)
            rounded = np.where(n_decimals >= 0, np.rint(numbers * by) / by, np.rint(numbers / by) * by)
        return np.where(np.isfinite(rounded), rounded, numbers)


def infer_target(name: str, values: Sequence[str | None], task: str | None = None, why: str = "as asked") -> tuple[str, str]:
    """Detect the task, ``"classification"`` or ``"regression"``, and return it with the reason in words.

    Parameters
    ----------
    name : str
    values : sequence of str
        Cells, none missing.
    task : str, optional
        Required task. The values are then only checked.
    why : str
        The reason for `task`.

    Raises
    ------
    DataError
        If the column has a single value, or does not fit `task`.
    """
    column = as_column(values)
    if isinstance(column, NumberColumn) and (n := column.n_levels) is not None and n > MOST_CLASSES:  # as below, without the texts
        return ("regression", f"it has {n} different numbers") if task is None else (task, why)
    counts = level_counts(column)
    if len(counts) < 2:
        raise DataError(f"column {name!r} is always {next(iter(counts), 'missing')!r}: there is nothing to predict")
    numbers = [as_number(value) for value in counts]
    words = [value for value, number in zip(counts, numbers, strict=True) if number is None]
    if task == "regression" and words:
        raise DataError(f"column {name!r} holds {_what_is(words)}; regression needs numbers (or add --task classification)")
    if task is not None:
        return task, why
    if words:
        looks = f"; such as {min(words, key=len)!r}, which looks like a number: {hint}" if (hint := number_hint(words)) else ""
        if len(counts) <= max(MOST_CLASSES, 0 if hint or are_dates(words) else CLASS_SHARE * len(values)):
            return "classification", f"it is text{looks}"
        if hint or are_dates(words):
            raise DataError(f"column {name!r} holds {_what_is(words)}, or add --task classification")
        some = f", {len(words)} of them not numbers, such as {words[0]!r}" if len(words) < len(counts) else ""
        raise DataError(
            f"column {name!r} is text with {len(counts)} different values in {len(values)} rows{some}, too many to be classes; "
            "choose another target, or add --task classification"
        )
    if len(counts) == 2:
        return "classification", "it has two values"
    is_whole = all(number is not None and number.is_integer() for number in numbers)
    if is_whole and len(counts) <= min(MOST_CLASSES, len(values) / ROWS_A_CLASS):
        return "classification", f"it has {len(counts)} different whole numbers"
    return "regression", f"it has {len(counts)} different numbers"


def _what_is(words: Sequence[str]) -> str:
    """Describe the first of some words, and why it is not a number."""
    if are_dates(words):
        return f"{words[0]!r}, a date; write it as a number, such as days or months"
    hint = number_hint(words)
    return f"{words[0]!r}, which looks like a number: {hint}" if hint else f"{words[0]!r}, which is not a number"
