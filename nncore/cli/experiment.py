"""One training as `nncore train` does it: what is in the table, which rows are for what, a network fitted to some of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore import registry
from nncore.cli.arguments import component
from nncore.cli.settings import Settings
from nncore.contract import activation_for, is_inside
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.network import metric_name
from nncore.tabular import (
    ClassTarget,
    ColumnKind,
    RealTarget,
    Table,
    TableEncoder,
    column_kinds,
    folds,
    hold_out,
    infer_target,
    parse_numbers,
    read_table,
)

if TYPE_CHECKING:
    from nncore.callbacks.early_stopping import EarlyStopping
    from nncore.contract import History, Layer, Loss
    from nncore.network import Sequential

#: Part of the rows to learn from that decides when to stop, and the fewest rows worth dividing for it.
VALIDATION_FRACTION = 0.15
FEWEST_ROWS_TO_DIVIDE = 40


@dataclass(frozen=True)
class Task:
    """What is to be learnt, found out from the table.

    Attributes
    ----------
    table : Table
        The rows that have a target.
    n_unlabelled : int
        Rows left out because they have none.
    target : str
    kind : {"classification", "regression"}
    why : str
        The reason for that, in words.
    columns : dict of str to ColumnKind
        Of every column but the target.
    loss : Loss
    classes : ndarray of shape (n_rows,), int64, or None
        A number for the class of each row, for dividing the rows.
    """

    table: Table
    n_unlabelled: int
    target: str
    kind: str
    why: str
    columns: dict[str, ColumnKind]
    loss: Loss
    classes: np.ndarray | None


@dataclass(frozen=True)
class Parts:
    """Row numbers: to learn from, to decide when to stop (may be empty), held out for the score (may be empty)."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A trained network, the rows it knows, and how its training went."""

    network: Sequential
    encoder: TableEncoder
    parts: Parts
    history: History
    best_epoch: int
    seconds: float


def find_task(settings: Settings) -> Task:
    """Read the table and see what is in it. Everything in the settings that concerns columns is checked."""
    assert settings.data is not None, "the command line asks for it"
    assert settings.target is not None, "the command line asks for it"
    table, n_unlabelled = _labelled_rows(read_table(settings.data, header=settings.header, missing=settings.missing), settings.target)
    for option, names in (("--drop", settings.drop), ("--keep", settings.keep)):
        for name in names:
            table.column(name)
            if name == settings.target:
                raise ParameterError(f"{option} {name}: this is the column to predict; name another")
    if both := sorted(set(settings.drop) & set(settings.keep)):
        raise ParameterError(f"--drop {both[0]} and --keep {both[0]} contradict each other; take one")
    values = [str(value) for value in table.column(settings.target)]
    kind, why = infer_target(settings.target, values, settings.task)
    is_classification = kind == "classification"
    if settings.class_weight is not None and not is_classification:
        raise ParameterError(f"--class-weight: {settings.target!r} is a number and has no classes (or say --task classification)")
    loss = _loss(settings, is_classification)
    if not is_classification:
        _check_range(loss, table, settings)
    return Task(
        table,
        n_unlabelled,
        settings.target,
        kind,
        why,
        column_kinds(table, settings.target, drop=settings.drop, keep=settings.keep),
        loss,
        np.unique(np.array(values), return_inverse=True)[1] if is_classification else None,
    )


def _loss(settings: Settings, is_classification: bool) -> Loss:
    default = "softmax_cross_entropy" if is_classification else "mse"
    loss: Loss = registry.resolve("losses", component(settings.loss or default))
    if loss.targets != "real" and not is_classification:
        raise ParameterError(f"--loss {settings.loss} is for classes, and {settings.target!r} is a number (or say --task classification)")
    if not is_classification:
        _check_one_output(loss, settings)
    return loss


def _check_one_output(loss: Loss, settings: Settings) -> None:
    """The network has one output for a number."""
    try:
        n_targets = loss.n_targets(1)
    except (ParameterError, ShapeError):
        raise ParameterError(
            f"--loss {settings.loss} needs several outputs for each number, and nncore train makes one; use it in Python, or another loss"
        ) from None
    if n_targets != 1:
        raise ParameterError(f"--loss {settings.loss} compares with {n_targets} columns, and nncore train has one; use it in Python")


def _check_range(loss: Loss, table: Table, settings: Settings) -> None:
    """All numbers to predict are such as the loss takes."""
    if loss.target_range is None:
        return
    assert settings.target is not None, "the command line asks for it"
    numbers = parse_numbers(settings.target, table.column(settings.target), table.place)
    if (outside := ~is_inside(numbers, loss.target_range)).any():
        row = int(outside.argmax())
        where = f"column {settings.target!r}, {table.place(row)}: {numbers[row]:g}"
        raise DataError(f"{where} is outside {loss.target_range}, which --loss {settings.loss} takes; choose another loss")


def _labelled_rows(table: Table, target: str) -> tuple[Table, int]:
    """The rows that have a target, and how many have not."""
    rows = [row for row, value in enumerate(table.column(target)) if value is not None]
    if len(rows) < 2:
        raise DataError(f"{table.source} has {len(rows)} rows with a value for {target!r}; training needs at least 2")
    n_unlabelled = table.n_rows - len(rows)
    return (table.select_rows(rows) if n_unlabelled else table), n_unlabelled


def divide(task: Task, settings: Settings) -> Parts:
    """Hold rows out at random, of each class alike."""
    rng = np.random.default_rng(settings.seed)
    rows, test = hold_out(np.arange(task.table.n_rows), settings.test_fraction, rng, task.classes)
    return _set_aside(task, settings, rows, test, rng)


def divide_in_folds(task: Task, settings: Settings) -> list[Parts]:
    """Every row is held out once, in one of ``settings.cv`` parts that have the classes in the same proportions."""
    assert settings.cv is not None, "asked for only with --cv"
    n_rows = task.table.n_rows
    if n_rows < settings.cv:
        raise DataError(f"--cv {settings.cv}: {task.table.source} has {n_rows} rows, one for each part is needed")
    rng = np.random.default_rng(settings.seed)
    tests = folds(n_rows, settings.cv, rng, task.classes)
    return [_set_aside(task, settings, np.setdiff1d(np.arange(n_rows), test), test, rng) for test in tests]


def _set_aside(task: Task, settings: Settings, rows: np.ndarray, test: np.ndarray, rng: np.random.Generator) -> Parts:
    """The rows to learn from without those that decide when to stop."""
    if settings.patience == 0 or len(rows) < FEWEST_ROWS_TO_DIVIDE:
        return Parts(rows, np.empty(0, dtype=np.int64), test)
    training, validation = hold_out(rows, VALIDATION_FRACTION, rng, None if task.classes is None else task.classes[rows])
    return Parts(training, validation, test)


def batch_size(n_rows: int) -> int:
    """Small batches where there are few rows, so that an epoch has steps enough; large ones where there are many."""
    return 32 if n_rows < 4_000 else 128 if n_rows < 40_000 else 256


def make_encoder(task: Task, rows: Sequence[int]) -> TableEncoder:
    """How columns become inputs, from the rows to learn from alone."""
    return TableEncoder.fit(task.table, task.columns, task.target, task.kind, rows, target_range=task.loss.target_range)


def n_outputs(target: ClassTarget | RealTarget, loss: Loss) -> int:
    """Outputs of a network for a column: what the loss wants for classes, one for each of them that it compares with 0 or 1."""
    if isinstance(target, RealTarget):
        return 1
    n_classes = len(target.classes)
    one_for_each = loss.targets == "real" or (loss.targets == "both" and loss.has_yes_no_outputs)
    return n_classes if one_for_each else loss.n_outputs(n_classes)


def make_network(settings: Settings, encoder: TableEncoder, loss: Loss) -> Sequential:
    """The network asked for, not yet built; it ends as its loss needs."""
    from nncore.layers.activation import ActivationLayer
    from nncore.layers.dense import Dense
    from nncore.layers.dropout import Dropout
    from nncore.layers.embedding import Embedding
    from nncore.network import Sequential

    activation = registry.resolve("activations", component(settings.activation))
    layers: list[Layer] = []
    if coded := encoder.coded():
        layers.append(Embedding(list(coded.values()), columns=list(coded)))
    for width in settings.hidden:
        if settings.normalization is None:
            layers.append(Dense(width, activation=activation))
        else:
            layers += [Dense(width), registry.resolve("layers", component(settings.normalization)), ActivationLayer(activation)]
        if settings.dropout:
            layers.append(Dropout(settings.dropout))
    n_last = n_outputs(encoder.target, loss)
    return Sequential(*layers, Dense(n_last, activation=activation_for(loss, n_last)))


def fit(settings: Settings, task: Task, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
    """Train a network on ``parts.training``; `epochs` replaces those of the settings."""
    began = time.perf_counter()
    encoder = make_encoder(task, parts.training.tolist())
    network = make_network(settings, encoder, task.loss)
    rate = {} if settings.lr is None else {"lr": settings.lr}
    optimizer = registry.resolve("optimizers", component(settings.optimizer) | rate)
    metric = None if settings.metric is None else registry.resolve("metrics", component(settings.metric))
    X, _ = encoder.transform(task.table)
    y = encoder.transform_target(task.table)
    if task.loss.targets == "real" and isinstance(encoder.target, ClassTarget):
        y = np.eye(len(encoder.target.classes), dtype=np.float32)[y]
    is_divided = len(parts.validation) > 0
    stopping = _early_stopping(settings, metric) if is_divided else None
    limit = None if settings.time_limit is None else {"name": "time_limit", "seconds": settings.time_limit}
    history = network.fit(
        X[parts.training],
        y[parts.training],
        loss=task.loss,
        optimizer=optimizer,
        schedule=None if settings.schedule is None else {path: component(text) for path, text in settings.schedule.items()},
        groups=settings.group,
        sampler=None if settings.sampler is None else component(settings.sampler),
        transforms=[component(text) for text in settings.transform],
        epochs=settings.epochs if epochs is None else epochs,
        batch_size=settings.batch_size or batch_size(len(parts.training)),
        validation=(X[parts.validation], y[parts.validation]) if is_divided else None,
        metrics=None if metric is None else [metric],
        sample_weight=_weights(settings, encoder, task, parts.training),
        callbacks=[callback for callback in (stopping, limit) if callback is not None],
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        rng=settings.seed,
        n_threads=settings.threads,
        progress=progress,
    )
    best = 0 if stopping is None else stopping.best_epoch
    return Fitted(network, encoder, parts, history, best or len(history), time.perf_counter() - began)


def _early_stopping(settings: Settings, metric: Any) -> EarlyStopping:
    from nncore.callbacks.early_stopping import EarlyStopping

    return EarlyStopping(monitor="val_loss" if metric is None else f"val_{metric_name(metric)}", patience=settings.patience)


def _weights(settings: Settings, encoder: TableEncoder, task: Task, rows: np.ndarray) -> np.ndarray | None:
    """How much each of `rows` counts, by its class, so that the mean is 1; None if all count alike."""
    if settings.class_weight is None or not isinstance(encoder.target, ClassTarget):
        return None
    labels = encoder.transform_target(task.table)[rows]
    counts = np.bincount(labels, minlength=len(encoder.target.classes))
    if isinstance(settings.class_weight, str):  # "balanced"
        weights = 1 / np.maximum(counts, 1)
    else:
        asked = settings.class_weight
        if unknown := sorted(asked.keys() - set(encoder.target.classes)):
            known = ", ".join(map(repr, encoder.target.classes[:10]))
            raise ParameterError(f"--class-weight: {encoder.target.name!r} has no class {unknown[0]!r}; it has {known}")
        weights = np.array([asked.get(label, 1.0) for label in encoder.target.classes])
    weights = weights[labels]
    return weights / weights.mean()
