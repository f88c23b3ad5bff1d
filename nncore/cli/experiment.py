"""One training of `nncore train`: split the rows, and fit a network."""

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

#: Fraction of the training rows for early stopping, and smallest number of rows to split for it.
VALIDATION_FRACTION = 0.15
FEWEST_ROWS_TO_DIVIDE = 40


@dataclass(frozen=True)
class Parts:
    """Row numbers for training, for early stopping (may be empty), and held out for the score (may be empty)."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """A trained model, its rows and its training history.

    Attributes
    ----------
    model : TableModel
    parts : Parts
    histories : list of History
        One for each network.
    best_epochs : list of int
        Epoch of each network whose weights are kept.
    most_epochs : int
        Largest number of epochs of each network.
    seconds : float
    shape : tuple of int
        Folds, and networks for each of them.
    search : SearchOutcome or None
        Results of the trials of ``--tune``.
    n_refit : int
        Number of networks of a recipe that were trained on all rows, for the mean best epoch of the folds; 0 if none.
    interruption : str or None
        What Ctrl-C interrupted, and what is kept, if histories do not tell it.
    n_streamed : int
        Number of streamed training rows, of which ``parts.training`` has a sample; 0 if all were in memory.
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
        """Number of training rows."""
        return self.n_streamed or len(self.parts.training)

    @property
    def encoder(self) -> TableEncoder:
        return self.model.encoder

    @property
    def history(self) -> History:
        """History of the first network."""
        return self.histories[0]

    @property
    def n_epochs(self) -> int:
        """Epochs of the longest training."""
        return max(map(len, self.histories))

    @property
    def best_epoch(self) -> int:
        """Best epoch; the median for several networks."""
        return round(float(np.median(self.best_epochs)))

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C interrupted the training."""
        return self.interruption is not None or any(history.interrupted for history in self.histories)


def divide(task: Task, settings: Settings) -> Parts:
    """Hold out random rows, stratified by class; or whole groups, or the latest rows."""
    rng = np.random.default_rng(settings.seed)
    fold = task.splitter.hold_out(np.arange(task.table.n_rows), settings.test_fraction, rng)
    return _set_aside(task, settings, fold, rng)


def divide_in_folds(task: Task, settings: Settings) -> list[Parts]:
    """Split rows into ``settings.cv`` parts with the same class proportions. Each row is held out once.

    If rows have times, the parts consist of the latest rows, and each is predicted from the rows before it.
    """
    assert settings.cv is not None, "asked for only with --cv"
    rng = np.random.default_rng(settings.seed)
    try:
        folds = task.splitter.folds(np.arange(task.table.n_rows), settings.cv, rng)
    except DataError as error:
        raise DataError(f"--cv {settings.cv}: {error}") from None
    return [_set_aside(task, settings, fold, rng) for fold in folds]


def _set_aside(task: Task, settings: Settings, fold: Fold, rng: np.random.Generator) -> Parts:
    """Set rows aside for early stopping. Ensembles have their own folds for that."""
    is_divided = settings.model not in FAMILIES and settings.mlp.patience > 0 and len(fold.train) >= FEWEST_ROWS_TO_DIVIDE
    aside = task.splitter.hold_out(fold.train, VALIDATION_FRACTION if is_divided else 0.0, rng)
    parts = Parts(aside.train, aside.held_out, fold.held_out)
    check_weights(task, parts)
    return parts


def check_weights(task: Task, parts: Parts) -> None:
    """Raise `DataError` if all rows of a part have weight 0."""
    for some in (parts.training, parts.validation, parts.test):
        weight = task.row_values.weight_of(some)
        if weight is not None and len(weight) and not weight.any():
            name, where = task.row_columns.weight, f"{len(weight)} rows of one part of the split"
            raise DataError(f"column {name!r} gives {where} the weight 0; choose another --seed, or remove rows of weight 0 from the file")


def batch_size(n_rows: int) -> int:
    """Default batch size: small for few rows, so that an epoch has enough steps; large for many rows."""
    return 32 if n_rows < 4_000 else 128 if n_rows < 40_000 else 256


def make_encoder(task: Task, rows: np.ndarray, **options: Any) -> TableEncoder:
    """Fit the encoder of columns to the training rows. A target of counts with exposures is scaled by the mean rate.

    `options` are those of `TableEncoder.fit`.
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
    """Targets of some rows for the loss: classes, standardised numbers, or rates for counts."""
    y = encoder.transform_target(task.table)[rows]
    if task.row_values.exposure is not None:
        y = y / task.row_values.exposure[rows]
    if task.loss.targets == "real" and isinstance(encoder.target, ClassTarget):
        return np.eye(len(encoder.target.classes), dtype=np.float32)[y]
    return y


def make_network(settings: Settings, encoder: TableEncoder, loss: Loss) -> Sequential:
    """Make the network of the settings, not built yet, with a last layer for its loss."""
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
    """Train a network on ``parts.training``. `epochs` replaces that of the settings, and `encoder` a newly fitted one."""
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
    """Train a network on inputs, targets and weights, possibly a stream of `n_streamed` rows."""
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
    """Training weight of each of `rows`, from class, weight and exposure, with mean 1; None if all are equal."""
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
    """Weights of classes, shape ``(n_classes,)``, from their counts.

    Raises
    ------
    ParameterError
        If a named class does not exist.
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
