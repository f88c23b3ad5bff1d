"""``nncore train``: from a CSV file to a trained network and its score on rows held out."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nncore.cli.arguments import fraction, natural, number, positive_integer, widths
from nncore.cli.output import check_output
from nncore.cli.report import describe_columns
from nncore.cli.scores import classification_score, regression_score
from nncore.cli.terminal import labelled, notice, seconds
from nncore.errors import DataError
from nncore.tabular import ClassTarget, Table, TableEncoder, hold_out, infer_target, read_csv
from nncore.tabular.description import KEY, to_json
from nncore.tabular.kinds import ColumnKind, column_kinds

if TYPE_CHECKING:
    from nncore.history import History
    from nncore.model import Sequential
    from nncore.plugin import Layer, Optimizer

#: Part of the rows to learn from that decides when to stop, and the fewest rows worth dividing for it.
VALIDATION_FRACTION = 0.15
FEWEST_ROWS_TO_DIVIDE = 40


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on a CSV file",
        description="Train a network on a CSV file: columns are understood, rows are held out, the network is scored on them.",
        epilog="example: nncore train penguins.csv --target species --out penguins.nncore",
        allow_abbrev=False,
    )
    parser.add_argument("data", type=Path, metavar="DATA.csv", help="UTF-8; commas, semicolons, tabs or bars")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="column to predict (c1, c2, … in a file without header)")
    parser.add_argument("--task", choices=("classification", "regression"), help="default: seen from the target")
    parser.add_argument("--out", type=Path, metavar="MODEL", help='file for the trained network; needs pip install "nncore-ml[save]"')
    columns = parser.add_argument_group("columns")
    columns.add_argument("--drop", action="append", default=[], metavar="COLUMN", help="leave this column out (may be repeated)")
    columns.add_argument("--keep", action="append", default=[], metavar="COLUMN", help="use this column although it looks useless")
    columns.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the first line names the columns, or not; default: seen from the file",
    )
    network = parser.add_argument_group("network and training")
    network.add_argument("--hidden", type=widths, default=[64, 64], metavar="N,N", help="units of the hidden layers (default 64,64; none)")
    network.add_argument("--activation", default="relu", metavar="NAME", help="of the hidden layers (default relu)")
    network.add_argument("--dropout", type=fraction, default=0.1, metavar="F", help="after each hidden layer (default 0.1)")
    network.add_argument("--optimizer", default="adam", metavar="NAME", help="default adam; `nncore plugins` lists all")
    network.add_argument("--lr", type=number, metavar="RATE", help="learning rate (default: the optimizer's)")
    network.add_argument("--weight-decay", type=number, default=1e-4, metavar="λ", help="L2 penalty on the weights (default 1e-4)")
    network.add_argument("--epochs", type=positive_integer, default=200, metavar="N", help="at most this many (default 200)")
    network.add_argument(
        "--patience",
        type=natural,
        default=20,
        metavar="N",
        help="stop after N epochs without improvement on rows set aside, and take the best (default 20; 0: run all epochs)",
    )
    network.add_argument("--batch-size", type=positive_integer, metavar="N", help="default: by the number of rows, 32 to 256")
    network.add_argument("--test-fraction", type=fraction, default=0.2, metavar="F", help="rows held out for the score (default 0.2)")
    network.add_argument("--seed", type=natural, default=0, metavar="N", help="same seed, same result (default 0)")
    parser.add_argument("--quiet", action="store_true", help="print the score and nothing else")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class Parts:
    """Row numbers: to learn from, to decide when to stop (may be empty), held out for the score (may be empty)."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def run(arguments: argparse.Namespace) -> int:
    start = time.perf_counter()
    if arguments.out is not None:
        _check_saving(arguments.out, arguments.data)
    table, n_unlabelled = _labelled_rows(read_csv(arguments.data, header=arguments.header), arguments.target)
    for name in (*arguments.drop, *arguments.keep):
        table.column(name)
    task, why = infer_target(arguments.target, [str(value) for value in table.column(arguments.target)], arguments.task)
    kinds = column_kinds(table, arguments.target, drop=arguments.drop, keep=arguments.keep)
    parts = divide(table, arguments.target, task, arguments)
    encoder = TableEncoder.fit(table, kinds, arguments.target, task, parts.training.tolist())
    network, optimizer = _network(arguments, encoder), _optimizer(arguments)
    if not arguments.quiet:
        _describe(arguments, table, kinds, encoder, parts, why, n_unlabelled)
    history = _fit(arguments, network, optimizer, encoder, table, parts)
    if history.interrupted:
        which = "the best epoch so far" if len(parts.validation) and len(history) else "the last finished step"
        notice(f"interrupted after {len(history)} of {arguments.epochs} epochs; the network is that of {which}")
    print(labelled("score", score(network, encoder, table, parts)) if len(parts.test) else labelled("score", "no rows were held out"))
    if not arguments.quiet:
        stopped = f" ({history.stop_reason})" if len(history) < arguments.epochs else ""
        print(labelled("trained", f"{len(history)} epochs{stopped}; {seconds(time.perf_counter() - start)} in all"))
    if arguments.out is not None:
        network.metadata[KEY] = to_json(encoder)
        network.save(arguments.out)
    if not arguments.quiet:
        _next_steps(arguments.out)
    return 130 if history.interrupted else 0


def _check_saving(out: Path, data: Path) -> None:
    """What would fail after the training fails now."""
    from nncore.configuration import require

    check_output(out, data)
    require("safetensors", extra="save", purpose="--out")


def _labelled_rows(table: Table, target: str) -> tuple[Table, int]:
    """The rows that have a target, and how many have not."""
    rows = [row for row, value in enumerate(table.column(target)) if value is not None]
    if len(rows) < 2:
        raise DataError(f"{table.source} has {len(rows)} rows with a value for {target!r}; training needs at least 2")
    n_unlabelled = table.n_rows - len(rows)
    return (table.select_rows(rows) if n_unlabelled else table), n_unlabelled


def divide(table: Table, target: str, task: str, arguments: argparse.Namespace) -> Parts:
    """Hold rows out at random, of each class alike."""
    rng = np.random.default_rng(arguments.seed)
    classes = np.unique(np.array(table.column(target)), return_inverse=True)[1] if task == "classification" else None
    rows, test = hold_out(np.arange(table.n_rows), arguments.test_fraction, rng, classes)
    if arguments.patience == 0 or len(rows) < FEWEST_ROWS_TO_DIVIDE:
        return Parts(rows, np.empty(0, dtype=np.int64), test)
    training, validation = hold_out(rows, VALIDATION_FRACTION, rng, None if classes is None else classes[rows])
    return Parts(training, validation, test)


def _network(arguments: argparse.Namespace, encoder: TableEncoder) -> Sequential:
    from nncore.layers.dense import Dense
    from nncore.layers.dropout import Dropout
    from nncore.model import Sequential

    layers: list[Layer] = []
    for width in arguments.hidden:
        layers.append(Dense(width, activation=arguments.activation))
        if arguments.dropout:
            layers.append(Dropout(arguments.dropout))
    return Sequential(*layers, Dense(encoder.target.n_outputs))


def _optimizer(arguments: argparse.Namespace) -> Optimizer:
    from nncore import registry

    rate = {} if arguments.lr is None else {"lr": arguments.lr}
    optimizer: Optimizer = registry.resolve("optimizers", {"name": arguments.optimizer, **rate})
    return optimizer


def batch_size(n_rows: int) -> int:
    """Small batches where there are few rows, so that an epoch has steps enough; large ones where there are many."""
    return 32 if n_rows < 4_000 else 128 if n_rows < 40_000 else 256


def _fit(
    arguments: argparse.Namespace, network: Sequential, optimizer: Optimizer, encoder: TableEncoder, table: Table, parts: Parts
) -> History:
    from nncore.callbacks.early_stopping import EarlyStopping

    X, _ = encoder.transform(table)
    y = encoder.transform_target(table)
    is_divided = len(parts.validation) > 0
    return network.fit(
        X[parts.training],
        y[parts.training],
        loss="softmax_cross_entropy" if isinstance(encoder.target, ClassTarget) else "mse",
        optimizer=optimizer,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size or batch_size(len(parts.training)),
        validation=(X[parts.validation], y[parts.validation]) if is_divided else None,
        callbacks=[EarlyStopping(patience=arguments.patience)] if is_divided else [],
        weight_decay=arguments.weight_decay,
        rng=arguments.seed,
        progress=not arguments.quiet,
    )


def score(network: Sequential, encoder: TableEncoder, table: Table, parts: Parts) -> str:
    """The score on the rows held out, in words."""
    held_out = table.select_rows(parts.test.tolist())
    X, _ = encoder.transform(held_out)
    true = [str(value) for value in held_out.column(encoder.target.name)]
    answers = encoder.target.decode(network.predict(X))
    if isinstance(encoder.target, ClassTarget):
        learnt = table.select_rows(parts.training.tolist()).column(encoder.target.name)
        return classification_score(list(answers), true, str(Counter(learnt).most_common(1)[0][0]))
    return regression_score(np.asarray(answers), np.array(true, dtype=np.float64), encoder.target.mean)


def _describe(
    arguments: argparse.Namespace,
    table: Table,
    kinds: dict[str, ColumnKind],
    encoder: TableEncoder,
    parts: Parts,
    why: str,
    n_unlabelled: int,
) -> None:
    for label, text in describe_columns(table, kinds, encoder, why, n_unlabelled):
        print(labelled(label, text))
    aside = f", {len(parts.validation)} to decide when to stop" if len(parts.validation) else ""
    print(labelled("rows", f"{len(parts.training)} to learn from{aside}, {len(parts.test)} held out for the score"))
    shape = " → ".join(map(str, [encoder.n_inputs, *arguments.hidden, encoder.target.n_outputs]))
    hidden = f", {arguments.activation}" + (f", dropout {arguments.dropout:g}" if arguments.dropout else "") if arguments.hidden else ""
    rate = "" if arguments.lr is None else f", learning rate {arguments.lr:g}"
    batch = arguments.batch_size or batch_size(len(parts.training))
    print(labelled("network", f"{shape}{hidden}; {arguments.optimizer}{rate}, batches of {batch}, seed {arguments.seed}"), flush=True)


def _next_steps(out: Path | None) -> None:
    if out is None:
        print(labelled("next", "add --out MODEL.nncore to keep the network"))
    else:
        print(labelled("saved", f"{out} ({out.stat().st_size / 1000:.0f} kB)"))
        print(labelled("next", f"nncore predict {out} NEW.csv"))
