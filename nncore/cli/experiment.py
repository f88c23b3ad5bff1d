"""One training as `nncore train` does it: which rows are for what, a network fitted to some of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore import registry
from nncore.cli.answers import EpochScore, epoch_score
from nncore.cli.arguments import component
from nncore.cli.launcher import collective
from nncore.cli.search_outcome import SearchOutcome
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.contract import activation_for
from nncore.data import EncodingChain, Fold, level_key
from nncore.ensembles import FAMILIES, BestTogether, NetworkModel, TableModel, n_outputs
from nncore.errors import DataError, ParameterError
from nncore.network import metric_name
from nncore.tabular import ClassTarget, RealTarget, TableEncoder, parse_numbers

if TYPE_CHECKING:
    from nncore.callbacks.early_stopping import EarlyStopping
    from nncore.contract import History, Layer, Loss
    from nncore.network import Sequential

#: Part of the rows to learn from that decides when to stop, and the fewest rows worth dividing for it.
VALIDATION_FRACTION = 0.15
FEWEST_ROWS_TO_DIVIDE = 40


@dataclass(frozen=True)
class Parts:
    """Row numbers: to learn from, to decide when to stop (may be empty), held out for the score (may be empty)."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """What was trained, the rows it knows, and how its training went.

    Attributes
    ----------
    model : TableModel
    parts : Parts
    histories : list of History
        One for each network.
    best_epochs : list of int
        Of each network, the epoch that it is kept from.
    most_epochs : int
        That each was to have.
    seconds : float
    shape : tuple of int
        Folds, and networks for each of them.
    search : SearchOutcome or None
        What came of the trials of ``--tune``.
    n_refit : int
        Networks of a recipe that learnt from all rows, for the mean of the best epochs of those of the folds; 0 if none did.
    interruption : str or None
        What Ctrl-C cut short, and what is kept, where histories do not say it.
    n_streamed : int
        Rows to learn from that went by, of which ``parts.training`` has a sample; 0 if they were in memory.
    """

    model: TableModel
    parts: Parts
    histories: Sequence[History]
    best_epochs: Sequence[int]
    most_epochs: int
    seconds: float
    shape: tuple[int, int] = (1, 1)
    search: SearchOutcome | None = None
    n_refit: int = 0
    interruption: str | None = None
    n_streamed: int = 0

    @property
    def n_training(self) -> int:
        """Rows that were learned from."""
        return self.n_streamed or len(self.parts.training)

    @property
    def encoder(self) -> TableEncoder:
        return self.model.encoder

    @property
    def history(self) -> History:
        """Of the first network."""
        return self.histories[0]

    @property
    def n_epochs(self) -> int:
        """Epochs of the longest training."""
        return max(map(len, self.histories))

    @property
    def best_epoch(self) -> int:
        """Of several networks the median."""
        return round(float(np.median(self.best_epochs)))

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C cut the training short."""
        return self.interruption is not None or any(history.interrupted for history in self.histories)


def divide(task: Task, settings: Settings) -> Parts:
    """Hold rows out at random, of each class alike; whole groups, or the latest, where rows have such."""
    rng = np.random.default_rng(settings.seed)
    fold = task.splitter.hold_out(np.arange(task.table.n_rows), settings.test_fraction, rng)
    return _set_aside(task, settings, fold, rng)


def divide_in_folds(task: Task, settings: Settings) -> list[Parts]:
    """Every row is held out once, in one of ``settings.cv`` parts that have the classes in the same proportions.

    Where rows have a time, the parts are of the latest rows, and each is learnt for from the rows before it.
    """
    assert settings.cv is not None, "asked for only with --cv"
    rng = np.random.default_rng(settings.seed)
    try:
        folds = task.splitter.folds(np.arange(task.table.n_rows), settings.cv, rng)
    except DataError as error:
        raise DataError(f"--cv {settings.cv}: {error}") from None
    return [_set_aside(task, settings, fold, rng) for fold in folds]


def _set_aside(task: Task, settings: Settings, fold: Fold, rng: np.random.Generator) -> Parts:
    """The rows to learn from without those that decide when to stop; ensembles have folds of their own for that."""
    is_divided = settings.model not in FAMILIES and settings.mlp.patience > 0 and len(fold.train) >= FEWEST_ROWS_TO_DIVIDE
    aside = task.splitter.hold_out(fold.train, VALIDATION_FRACTION if is_divided else 0.0, rng)
    parts = Parts(aside.train, aside.held_out, fold.held_out)
    check_weights(task, parts)
    return parts


def check_weights(task: Task, parts: Parts) -> None:
    """Raise `DataError` if all rows for one purpose have the weight 0."""
    for some in (parts.training, parts.validation, parts.test):
        weight = task.row_values.weight_of(some)
        if weight is not None and len(weight) and not weight.any():
            name, where = task.row_columns.weight, f"{len(weight)} rows of one part of the split"
            raise DataError(f"column {name!r} gives {where} the weight 0; choose another --seed, or remove rows of weight 0 from the file")


def batch_size(n_rows: int) -> int:
    """Small batches where there are few rows, so that an epoch has steps enough; large ones where there are many."""
    return 32 if n_rows < 4_000 else 128 if n_rows < 40_000 else 256


def make_encoder(task: Task, rows: np.ndarray, **options: Any) -> TableEncoder:
    """How columns become inputs, from the rows to learn from alone. A target of counts with exposures is scaled by their mean rate.

    `options` are of `TableEncoder.fit`.
    """
    encoder = TableEncoder.fit(
        task.table,
        task.columns,
        task.target,
        task.kind,
        rows,
        target_range=task.loss.target_range,
        missing=task.missing,
        missing_target=task.missing_target,
        **options,
    )
    exposure = task.row_values.exposure
    if exposure is None or not isinstance(encoder.target, RealTarget):
        return encoder
    counts = parse_numbers(task.target, task.table.column(task.target), task.table.place)[rows]
    rates = EncodingChain.learn(["unit_mean"], (counts / exposure[rows])[:, None], sample_weight=task.row_values.scale(rows))
    return replace(encoder, target=replace(encoder.target, chain=rates))


def targets(encoder: TableEncoder, task: Task, rows: np.ndarray) -> np.ndarray:
    """What the network is to answer for some rows, as its loss takes it: classes, or standardised numbers, of counts the rates."""
    y = encoder.transform_target(task.table)[rows]
    if task.row_values.exposure is not None:
        y = y / task.row_values.exposure[rows]
    if task.loss.targets == "real" and isinstance(encoder.target, ClassTarget):
        return np.eye(len(encoder.target.classes), dtype=np.float32)[y]
    return y


def make_network(settings: Settings, encoder: TableEncoder, loss: Loss) -> Sequential:
    """The network asked for, not yet built; it ends as its loss needs."""
    from nncore.layers.activation import ActivationLayer
    from nncore.layers.dense import Dense
    from nncore.layers.dropout import Dropout
    from nncore.layers.embedding import Embedding
    from nncore.network import Sequential

    own = settings.mlp
    activation = registry.resolve("activations", component(own.activation))
    layers: list[Layer] = []
    if coded := encoder.coded():
        layers.append(Embedding(list(coded.values()), columns=list(coded)))
    for width in own.hidden:
        if settings.normalization is None:
            layers.append(Dense(width, activation=activation))
        else:
            layers += [Dense(width), registry.resolve("layers", component(settings.normalization)), ActivationLayer(activation)]
        if own.dropout:
            layers.append(Dropout(own.dropout))
    n_last = n_outputs(encoder.target, loss)
    return Sequential(*layers, Dense(n_last, activation=activation_for(loss, n_last)))


def fit(
    settings: Settings,
    task: Task,
    parts: Parts,
    *,
    epochs: int | None = None,
    encoder: TableEncoder | None = None,
    progress: bool = False,
) -> Fitted:
    """Train a network on ``parts.training``; `epochs` replaces those of the settings, `encoder` what is learned of columns."""
    began, encoder = time.perf_counter(), encoder or make_encoder(task, parts.training)
    X, _ = encoder.transform(task.table)
    given = X[parts.training], targets(encoder, task, parts.training), row_weights(settings, encoder, task, parts.training)
    model = fit_network(settings, task, parts, encoder, X[parts.validation], given, epochs=epochs, progress=progress)
    return replace(model, seconds=time.perf_counter() - began)


def fit_network(
    settings: Settings,
    task: Task,
    parts: Parts,
    encoder: TableEncoder,
    X_validation: np.ndarray,
    given: tuple[Any, Any, Any],
    *,
    n_streamed: int = 0,
    memory_limit: int | None = None,
    epochs: int | None = None,
    progress: bool = False,
) -> Fitted:
    """Train a network on inputs, targets and weights as its fit takes them, of `n_streamed` rows if they are a stream."""
    began, own = time.perf_counter(), settings.mlp
    most_epochs = own.epochs if epochs is None else epochs
    X, y, sample_weight = given
    network = make_network(settings, encoder, task.loss)
    rate = {} if settings.lr is None else {"lr": settings.lr}
    optimizer = registry.resolve("optimizers", component(own.optimizer) | rate)
    metric = None if task.metric is None else task.metric.judge
    is_divided = len(parts.validation) > 0
    score = epoch_score(task, encoder.target, task.loss)
    stopping: EarlyStopping | None = None
    keeper: BestTogether | None = None
    if is_divided and score is None:
        stopping = _early_stopping(settings, metric)
    elif is_divided:
        keeper = _keeper(settings, score, X_validation, parts.validation)
    limit = None if settings.time_limit is None else {"name": "time_limit", "seconds": settings.time_limit}
    history = network.fit(
        X,
        y,
        loss=task.loss,
        optimizer=optimizer,
        schedule=None if settings.schedule is None else {path: component(text) for path, text in settings.schedule.items()},
        groups=settings.group,
        sampler=None if settings.sampler is None else component(settings.sampler),
        transforms=[component(text) for text in settings.transform],
        epochs=most_epochs,
        batch_size=settings.batch_size or batch_size(n_streamed or len(parts.training)),
        validation=_validation(encoder, task, X_validation, parts.validation) if is_divided else None,
        metrics=None if metric is None else [metric],
        sample_weight=sample_weight,
        callbacks=[*(() if keeper is None else keeper.callbacks), *(one for one in (stopping, limit) if one is not None)],
        weight_decay=own.weight_decay,
        clip_norm=settings.clip_norm,
        rng=settings.seed,
        precision=settings.precision,
        n_threads=settings.threads,
        progress=progress,
        collective=collective(),
        memory_limit=memory_limit,
    )
    best = 0 if stopping is None else stopping.best_epoch
    if keeper is not None:
        keeper.restore([network])
        best = keeper.best_epoch
    network.forget_fit()
    network.reset_optimizer()
    seconds = time.perf_counter() - began
    return Fitted(NetworkModel(encoder, network), parts, [history], [best or len(history)], most_epochs, seconds, n_streamed=n_streamed)


def _early_stopping(settings: Settings, metric: Any) -> EarlyStopping:
    from nncore.callbacks.early_stopping import EarlyStopping

    return EarlyStopping(monitor="val_loss" if metric is None else f"val_{metric_name(metric)}", patience=settings.mlp.patience)


def _keeper(settings: Settings, score: EpochScore | None, X: np.ndarray, rows: np.ndarray) -> BestTogether:
    assert score is not None, "there is one where no network computes it"
    patience = min(settings.mlp.patience, settings.mlp.epochs)
    return BestTogether(1, lambda outputs: score(outputs[0], rows), X, patience, "first", 1)


def _validation(encoder: TableEncoder, task: Task, X: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    y, scale = targets(encoder, task, rows), task.row_values.scale(rows)
    return (X, y) if scale is None else (X, y, scale / scale.mean())


def row_weights(settings: Settings, encoder: TableEncoder, task: Task, rows: np.ndarray) -> np.ndarray | None:
    """How much each of `rows` counts in training, by its class, weight and exposure, so that the mean is 1; None if all count alike."""
    found = [w for w in (_class_weights(settings, encoder, task, rows), task.row_values.scale(rows)) if w is not None]
    if not found:
        return None
    weights: np.ndarray = np.prod([weights / weights.mean() for weights in found], axis=0)
    return weights / weights.mean()


def _class_weights(settings: Settings, encoder: TableEncoder, task: Task, rows: np.ndarray) -> np.ndarray | None:
    if settings.class_weight is None or not isinstance(encoder.target, ClassTarget):
        return None
    labels = encoder.transform_target(task.table)[rows]
    weights = weights_of_classes(settings, encoder.target, np.bincount(labels, minlength=len(encoder.target.classes)))
    return weights[labels]


def weights_of_classes(settings: Settings, target: ClassTarget, counts: np.ndarray) -> np.ndarray:
    """How much a row counts by its class, shape ``(n_classes,)``, of how often each class is there.

    Raises
    ------
    ParameterError
        If a class is named that there is not.
    """
    if isinstance(settings.class_weight, str):  # "balanced"
        return np.asarray(1 / np.maximum(counts, 1))
    asked = settings.class_weight or {}
    of_classes = {level_key(label): weight for label, weight in asked.items()}
    known_classes = set(map(level_key, target.classes))
    if unknown := sorted(label for label in asked if level_key(label) not in known_classes):
        known = ", ".join(map(repr, target.classes[:10]))
        raise ParameterError(f"--class-weight: {target.name!r} has no class {unknown[0]!r}; it has {known}")
    return np.array([of_classes.get(level_key(label), 1.0) for label in target.classes])
