"""``nncore predict``: a trained network's answers for the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from nncore.cli.output import check_output, write_atomically
from nncore.cli.scores import accuracy, real_errors
from nncore.cli.terminal import listed, notice, percent
from nncore.errors import FileFormatError, ParameterError
from nncore.tabular import ClassTarget, RealTarget, TableEncoder, read_csv
from nncore.tabular.description import KEY, from_json
from nncore.tabular.values import as_number


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "predict",
        help="predict the rows of a CSV file with a saved network",
        description="Predict the rows of a CSV file with a network that `nncore train` saved. One line a row, in the same order.",
        epilog="example: nncore predict penguins.nncore new.csv --out answers.csv",
        allow_abbrev=False,
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="file written by nncore train --out")
    parser.add_argument("data", type=Path, metavar="DATA.csv", help="columns are found by name; it need not have the target")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="default: standard output")
    parser.add_argument("--proba", action="store_true", help="also the probability of each class")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from nncore.persistence import load

    if arguments.out is not None:
        check_output(arguments.out, arguments.model, arguments.data)
    network = load(arguments.model)
    if KEY not in network.metadata:
        raise FileFormatError(
            f"{arguments.model} does not describe columns, as nncore train does; in Python: nncore.load({str(arguments.model)!r})"
        )
    encoder = from_json(network.metadata[KEY])
    if network.input_shape != (encoder.n_inputs,) or network.output_shape != (encoder.target.n_outputs,):
        raise FileFormatError(f"{arguments.model} is damaged: its columns do not fit its network")
    if arguments.proba and isinstance(encoder.target, RealTarget):
        raise ParameterError(f"--proba: the network predicts the number {encoder.target.name!r}, and no classes")

    table, notices = encoder.match(read_csv(arguments.data, header=encoder.has_header, decimal_comma=encoder.decimal_comma or None))
    X, remarks = encoder.transform(table)
    for text in notices + remarks:
        notice(text)
    outputs = network.predict_proba(X) if arguments.proba else network.predict(X)
    if encoder.target.name in table.names:
        notice(_comparison(encoder, outputs, table.column(encoder.target.name)))
    text = _as_csv(_rows(encoder, outputs, arguments.proba))
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        write_atomically(arguments.out, text)
        notice(f"{table.n_rows} rows predicted, written to {arguments.out}")
    return 0


def _comparison(encoder: TableEncoder, outputs: np.ndarray, true: Sequence[str | None]) -> str:
    """How well `outputs` agree with the target, where the file has it too."""
    rows = [row for row, value in enumerate(true) if value is not None]
    known = [str(true[row]) for row in rows]
    about = f"the file has {encoder.target.name!r} too: "
    if not rows:
        return f"{about}no row has a value"
    if isinstance(encoder.target, ClassTarget):
        strangers = sorted(set(known) - set(encoder.target.classes))
        if strangers:
            return f"{about}not compared, it has classes that training did not have ({listed(list(map(repr, strangers)), most=5)})"
        return f"{about}accuracy {percent(accuracy(encoder.target.decode(outputs[rows]), known))} on {len(rows)} rows"
    numbers = [as_number(value) for value in known]
    if None in numbers:
        return f"{about}not compared, it has values that are no numbers"
    return f"{about}{real_errors(encoder.target.decode(outputs[rows]), np.array(numbers, dtype=np.float64))} on {len(rows)} rows"


def _rows(encoder: TableEncoder, outputs: np.ndarray, with_probabilities: bool) -> Iterator[list[str]]:
    """Header and one row for each row of `outputs`, shape ``(n_rows, n_outputs)``."""
    target = encoder.target
    if isinstance(target, RealTarget):
        yield [target.name]
        yield from ([f"{value:.7g}"] for value in target.decode(outputs))  # float32 has 7 digits
        return
    labels = target.decode(outputs)
    if not with_probabilities:
        yield [target.name]
        yield from ([label] for label in labels)
        return
    yield [target.name, *(f"P({label})" for label in target.classes)]
    yield from ([label, *(f"{p:.6f}" for p in row)] for label, row in zip(labels, outputs, strict=True))


def _as_csv(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
