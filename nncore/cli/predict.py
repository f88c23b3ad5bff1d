"""``nncore predict``: predict the rows of a file of any length, block by block."""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from nncore.arguments import listed
from nncore.cli.answers import as_probabilities, counts
from nncore.cli.output import check_is_csv, check_output
from nncore.cli.report import blank_lines
from nncore.cli.row_columns import RowColumns, RowValues
from nncore.cli.scores import RunningAccuracy, RunningErrors, in_words
from nncore.cli.settings import add_option, decimal_comma
from nncore.cli.terminal import notice, standard_output
from nncore.errors import FileFormatError, ParameterError
from nncore.files import writing_text
from nncore.tabular import (
    STDIN,
    ClassTarget,
    RealTarget,
    Remark,
    Table,
    TableEncoder,
    Writing,
    added,
    merged,
    missing_in_words,
    read_blocks,
)

if TYPE_CHECKING:
    from nncore.ensembles import TableModel


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "predict",
        help="predict the rows of a CSV or Parquet file with a saved network",
        description="Predict the rows of a CSV or Parquet file with a network that `nncore train` saved. The output has one line for each "
        "row, in the same order. It is written while the file is read, so the file may be larger than memory.",
        epilog="examples: nncore predict penguins.nncore new.csv --out answers.csv;  zcat new.csv.gz | nncore predict penguins.nncore -",
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="file written by nncore train --out")
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="CSV (also .gz, .bz2, .xz, .zst, .zip), Parquet or Feather file; - for standard input. Columns are found by name; "
        "the target is not needed",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="file to write (default: standard output)")
    parser.add_argument(
        "--copy", action="append", default=[], metavar="COLUMN", help="copy this column of DATA to the output, in front (may be repeated)"
    )
    parser.add_argument("--proba", action="store_true", help="also write the probability of each class")
    for name in ("separator", "decimal"):
        add_option(parser, name)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    to_stdout = arguments.out is None or str(arguments.out) == STDIN
    if not to_stdout:
        inputs = (arguments.model,) if str(arguments.data) == STDIN else (arguments.model, arguments.data)
        check_output(arguments.out, *inputs)
        check_is_csv(arguments.out)
    model, row_columns = load_with_columns(arguments.model)
    if arguments.proba:
        _check_probabilities(model)
    answers = Answers(model, row_columns, arguments.copy, arguments.proba)
    with _destination(None if to_stdout else arguments.out) as file:
        writer = csv.writer(file, lineterminator="\n")
        try:
            for block in read_blocks(arguments.data, writing_like(arguments, model.encoder)):
                writer.writerows(answers.to(block))
                file.flush()
        except KeyboardInterrupt:
            if not to_stdout:
                raise
            notice(f"interrupted after {answers.n_rows} rows")
            return 130
    for text in answers.remarks():
        notice(text)
    if not to_stdout:
        notice(f"{answers.n_rows} rows predicted, written to {arguments.out}")
    return 0


def writing_like(arguments: argparse.Namespace, encoder: TableEncoder) -> Writing:
    """Format of the file: from the arguments, otherwise like the training file if possible."""
    return Writing(
        header=encoder.has_header,
        separator=arguments.separator,
        decimal_comma=decimal_comma(arguments.decimal),
        like_separator=encoder.separator,
        like_decimal_comma=encoder.decimal_comma,
    )


class Answers:
    """Predictions for the rows of a file, block by block.

    Parameters
    ----------
    model : TableModel
    row_columns : RowColumns
        The columns used in training. A file need not have them: then exposures and weights are 1.
    copied : sequence of str
        Columns of the file to copy to the output, before the predictions.
    with_probabilities : bool
    """

    def __init__(self, model: TableModel, row_columns: RowColumns, copied: Sequence[str], with_probabilities: bool) -> None:
        self.model, self.encoder, self.row_columns = model, model.encoder, row_columns
        self.copied, self.with_probabilities = copied, with_probabilities
        target = model.encoder.target
        self._comparison = ClassComparison(target) if isinstance(target, ClassTarget) else RealComparison(target)
        self._remarks: list[Remark] = []
        self._words: dict[str, Counter[str]] = {}
        self._n_blank = 0
        self.n_rows = 0

    def to(self, block: Table) -> Iterator[Sequence[str]]:
        """Rows to write, with the header before the first block. All errors in the block are raised first."""
        table, notices = self.encoder.match(block)
        copied = [table.column(name) for name in self.copied]
        weight, exposure = self._uses(table)
        if self.row_columns.exposure is not None and exposure is None:
            unit = f"one unit of {self.row_columns.exposure!r}"
            notices = [*notices, f"the file has no column {self.row_columns.exposure!r}: predictions are for {unit}"]
        X, found = self.model.inputs(table)
        outputs = self.model.outputs(X)
        answers = self.model.decided(outputs)
        if exposure is not None:
            answers = counts(answers, exposure)
        rows = _rows(self.encoder, answers, self.model.probabilities(outputs) if self.with_probabilities else None)
        if copied:
            rows = ([*(cell or "" for cell in cells), *row] for cells, row in zip(zip(*copied, strict=True), rows, strict=True))
        if self.n_rows == 0:
            for text in notices:
                notice(text)
            rows = chain([_header(self.encoder, self.copied, self.with_probabilities)], rows)
        self._remarks = merged([*self._remarks, *found])
        self._words = added(self._words, table.words.items())
        self._n_blank = table.n_blank
        if self.encoder.target.name in table.names:
            self._comparison.add(table, answers, weight)
        self.n_rows += table.n_rows
        return rows

    def _uses(self, table: Table) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Weights and exposures of the rows; None if the file has no such column. Weights are only used if there is a target."""
        columns, has_target = self.row_columns, self.encoder.target.name in table.names
        weight = columns.weight if columns.weight in table.names and has_target else None
        exposure = columns.exposure if columns.exposure in table.names else None
        values = RowValues.read(RowColumns(weight=weight, exposure=exposure), table)
        return values.weight, values.exposure

    def remarks(self) -> list[str]:
        """Remarks on all rows, at the end."""
        compared = [f"the file also has {self.encoder.target.name!r}: {self.comparison}"] if self.comparison else []
        blank = [f"the file has {blank_lines(self._n_blank)}"] if self._n_blank else []
        return [*blank, *missing_in_words(self._words), *map(str, self._remarks), *compared]

    @property
    def comparison(self) -> str:
        """Scores of the predictions if the file has the target, otherwise ""."""
        return self._comparison.in_words()


def load_with_columns(path: Path) -> tuple[TableModel, RowColumns]:
    """Load a model of `nncore train`, and the columns of weights, exposures, groups and times.

    Raises
    ------
    FileFormatError
        If the file has no network, or one without a description of columns.
    """
    from nncore.ensembles import load_table_model

    model, notes = load_table_model(path)
    row_columns = RowColumns.from_json(notes)
    if row_columns.exposure is not None and not isinstance(model.encoder.target, RealTarget):
        raise FileFormatError(f"{path} is damaged: its columns do not fit its network")
    return model, row_columns


def _check_probabilities(model: TableModel) -> None:
    target = model.encoder.target
    if isinstance(target, RealTarget):
        raise ParameterError(f"--proba: the network predicts the number {target.name!r}, not classes")
    if not model.gives_probabilities:
        raise ParameterError(f"--proba: a network trained with {model.loss!r} has no probabilities")


@contextmanager
def _destination(path: Path | None) -> Iterator[TextIO]:
    """Open the output. A file appears complete or not at all."""
    if path is None:
        yield standard_output()
    else:
        with writing_text(path, may_be_stream=True) as file:
            yield file


def _header(encoder: TableEncoder, copied: Sequence[str], with_probabilities: bool) -> list[str]:
    target = encoder.target
    answer = f"predicted {target.name}" if target.name in copied else target.name
    probabilities = [f"P({label})" for label in target.classes] if isinstance(target, ClassTarget) and with_probabilities else []
    return [*copied, answer, *probabilities]


def _rows(encoder: TableEncoder, answers: np.ndarray, outputs: np.ndarray | None) -> Iterator[Sequence[str]]:
    """One row for each prediction in `answers`, with probabilities from `outputs` of shape ``(n_rows, n_outputs)`` if given."""
    target = encoder.target
    if isinstance(target, RealTarget):
        return ((repr(value),) for value in target.decode(answers).tolist())
    labels = target.decode(answers)
    if outputs is None:
        return ((label,) for label in labels)
    probabilities = as_probabilities(outputs).astype(np.str_).tolist()  # the shortest texts that restore them in their precision
    return ([label, *row] for label, row in zip(labels, probabilities, strict=True))


class ClassComparison:
    """Compare predictions with the classes in the file."""

    def __init__(self, target: ClassTarget) -> None:
        self.target, self.known = target, frozenset(target.classes)
        self.accuracy = RunningAccuracy()
        self.is_asked = False

    def add(self, table: Table, answers: np.ndarray, weight: np.ndarray | None = None) -> None:
        self.is_asked = True
        true = table.column(self.target.name)
        rows = np.flatnonzero(~true.is_missing)
        indices = self.target.indices(true.take(rows)).tolist()
        labels = [str(true[row]) if index < 0 else self.target.classes[index] for row, index in zip(rows.tolist(), indices, strict=True)]
        self.accuracy.add(labels, self.target.decode(answers[rows]), self.known, None if weight is None else weight[rows])

    def in_words(self) -> str:
        if not self.is_asked:
            return ""
        if not self.accuracy.n_rows:
            return "no row has a value"
        if strangers := sorted(self.accuracy.strangers):
            return f"not scored, it has classes that training did not have ({listed(list(map(repr, strangers)), most=5)})"
        if not (scores := self.accuracy.scores()):
            return "no row has a weight above 0"
        return f"{in_words(scores)} on {self.accuracy.n_rows} rows"


class RealComparison:
    """Compare predictions with the numbers in the file."""

    def __init__(self, target: RealTarget) -> None:
        self.target = target
        self.errors = RunningErrors()
        self.is_asked, self.has_words = False, False

    def add(self, table: Table, answers: np.ndarray, weight: np.ndarray | None = None) -> None:
        self.is_asked = True
        true = table.column(self.target.name)
        self.has_words |= true.n_words > 0
        if not self.has_words:
            rows = np.flatnonzero(~true.is_missing)
            self.errors.add(true.numbers[rows], self.target.decode(answers[rows]), None if weight is None else weight[rows])

    def in_words(self) -> str:
        if not self.is_asked:
            return ""
        if self.has_words:
            return "not scored, it has values that are not numbers"
        if not self.errors.n_rows:
            return "no row has a value"
        if not (scores := self.errors.scores()):
            return "no row has a weight above 0"
        return f"{in_words(scores)} on {self.errors.n_rows} rows"
