"""Fit an ensemble: make its members, train them together, and keep their best epochs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nncore.callbacks.time_limit import TimeLimit
from nncore.contract import SAMPLE_SIZE, Callback, History, Loss, Metric, copied_deeply, decided_mode
from nncore.data import Fold, SparseSamples, as_targets, some_rows
from nncore.ensembles.best_epoch import BestAlone, BestTogether, Score
from nncore.ensembles.calibration import check_averages, mean_loss
from nncore.ensembles.families import Family
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.members import Members, together
from nncore.ensembles.recipes import Recipe
from nncore.ensembles.target_scale import TargetScale
from nncore.errors import DataError, NonFiniteError, ParameterError
from nncore.network import Sequential, each, fit_many, metric_name
from nncore.program import looked_at, plan_network
from nncore.registry import get, resolve

#: Outputs for validation rows after the link of the loss, their encoded targets, and their weights.
Validated: TypeAlias = tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]


@dataclass
class Samples:
    """Training and validation data of an ensemble.

    Attributes
    ----------
    matrix : ndarray or SparseSamples of shape (n_samples, n_columns)
        Numbers, and codes for categories.
    target : ndarray
        Targets as the loss takes them, in the user's units.
    weights : ndarray of shape (n_samples,) or None
    n_train : int
        Number of training rows. The rows after them are the user's validation data.
    """

    matrix: Any
    target: np.ndarray
    weights: NDArray[np.floating] | None
    n_train: int

    def of(self, rows: NDArray[np.int64]) -> tuple[Any, np.ndarray, NDArray[np.floating] | None]:
        """Matrix, target and weights of some rows."""
        return some_rows(self.matrix, rows), self.target[rows], None if self.weights is None else self.weights[rows]

    def with_validation(self, matrix: Any, target: np.ndarray, weights: NDArray[np.floating] | None) -> Samples:
        """Append the user's validation data, in the form of the training data: sparse or dense."""
        both = (self.weights, weights)
        if any(some is not None for some in both):
            lengths = (len(self.matrix), len(matrix))
            whole = np.concatenate([np.ones(n) if some is None else some for some, n in zip(both, lengths, strict=True)])
        else:
            whole = None
        if isinstance(self.matrix, SparseSamples):
            own = matrix if isinstance(matrix, SparseSamples) else SparseSamples.of_dense(matrix)
            both_matrices: Any = self.matrix.followed_by(own)
        else:
            both_matrices = np.concatenate([self.matrix, matrix[:]])
        return Samples(both_matrices, np.concatenate([self.target, target]), whole, self.n_train)


@dataclass(frozen=True)
class FitOptions:
    """Options of training that are not part of the recipe.

    Attributes
    ----------
    metrics : sequence of Metric
        The metric that selects the best epoch; empty for the validation loss.
    time_limit : float or None
        Seconds for the training of all networks together.
    callbacks : sequence
        Callbacks, copied for each network.
    dtype : dtype
        Dtype of the networks.
    n_threads : int or None
    progress : bool
        Show a progress bar.
    scorer : callable or None
        Called with members and the numbers of their validation rows. Returns a `Score` that selects the best epoch instead of loss or
        metric.
    followers : callable or None
        Called for each network. Returns a callback that runs after all others.
    precision : str or None
        Precision of matrix products in training: see `Sequential.fit`.
    """

    metrics: Sequence[Metric] = ()
    time_limit: float | None = None
    callbacks: Sequence[Any] = ()
    dtype: Any = "float32"
    n_threads: int | None = None
    progress: bool = False
    scorer: Callable[[Members, NDArray[np.int64]], Score] | None = None
    followers: Callable[[Sequential], Sequence[Callback]] | None = None
    precision: Any = None


class StopAfter(Callback):
    """Stop a fit early, after `epochs` of the epochs that schedules run over.

    Parameters
    ----------
    epochs : int
        Epochs of this fit.
    goes_on : bool, default False
        Whether a later fit continues from there.
    """

    def __init__(self, epochs: int, goes_on: bool = False) -> None:
        self.epochs, self.goes_on = epochs, goes_on

    def epochs_ahead(self, training: Any) -> int:
        return max(1, self.epochs - int(training.epoch) + 1)

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch >= self.epochs:
            training.stop(f"trained for {self.epochs} epochs", cut_short=self.goes_on)


def train_together(
    networks: list[Sequential], arguments: list[dict[str, Any]], callbacks: list[list[Callback]], options: FitOptions
) -> list[Any]:
    """Train networks together, each with its own callbacks and arguments. Returns the history of each, or the error that ended it."""
    own: dict[str, Any] = {name: each([one[name] for one in arguments]) for name in arguments[0]}
    followers = [options.followers(network) if options.followers else () for network in networks]
    callbacks = [[*some, *copied_deeply(list(options.callbacks)), *last] for some, last in zip(callbacks, followers, strict=True)]
    X, y = own.pop("X"), own.pop("y")
    shared: dict[str, Any] = {"metrics": list(options.metrics), "precision": options.precision, "callbacks": each(callbacks)}
    return fit_many(networks, X, y, **own, **shared, n_threads=options.n_threads, progress=options.progress, on_error="return")


class EnsembleFit:
    """One fit of an ensemble: makes and trains members, and holds the results.

    Parameters
    ----------
    family : Family
        The kind of network.
    options : FitOptions
    recipe : Recipe
    layout : InputLayout
    samples : Samples
    loss : Loss
    scales_targets : bool
        Whether targets are real numbers, which each fold scales.
    n_outputs : int
        Outputs of a network.
    began : float
        Start time by `time.monotonic`.
    encoded : dict, optional
        Cache of columns and encoded rows, which several fits on the same samples and folds share. The fit fills it.

    Attributes
    ----------
    recipe : Recipe
    loss : Loss
    options : FitOptions
    monitor : str
        The column of histories that selects the best epoch.
    n_iter : int
        Epochs of the longest training.
    histories : list of History
        Histories of the networks that are kept.
    best_epochs : list of int
    scores : list of float
        Score of each member on its validation rows, at its best epoch.
    diverged : list of str
        Messages about members whose training diverged after their best epochs.
    """

    def __init__(
        self,
        family: Family,
        options: FitOptions,
        recipe: Recipe,
        layout: InputLayout,
        samples: Samples,
        loss: Loss,
        *,
        scales_targets: bool,
        n_outputs: int,
        began: float,
        encoded: dict[Any, tuple[InputColumns, Any]] | None = None,
    ) -> None:
        self._family, self.recipe = family, recipe
        self._layout, self.loss, self._samples = layout, loss, samples
        self.options, self._began, self._dtype = options, began, np.dtype(options.dtype)
        self._scales_targets, self._n_outputs = scales_targets, n_outputs
        self.monitor = f"val_{metric_name(options.metrics[0])}" if options.metrics else "val_loss"
        self._optimizer = _optimizer(recipe)
        self._splits: list[Any] = []
        self._matrices: list[Any] = []
        self._started_with: dict[Sequential, dict[str, Any]] = {}
        self._encoded = {} if encoded is None else encoded
        self.n_iter = 0
        self.histories: list[History] = []
        self.best_epochs: list[int] = []
        self.scores: list[float] = []
        self.diverged: list[str] = []

    def members(self, splits: list[Fold], n_starts: int, new_seed: Callable[[], int]) -> list[Members]:
        """Make the members of each fold: encodings fitted to its training rows, and networks initialised with a new seed each."""
        made = []
        self._splits, self._matrices, self._started_with = splits, [], {}
        for number, fold in enumerate(splits):
            target = self._samples.target[fold.train]
            weights = None if self._samples.weights is None else self._samples.weights[fold.train]
            columns, inputs = self._columns_of(number, fold, weights, new_seed())
            scale = None
            if self._scales_targets:
                scale = TargetScale.fit(target, weights, self.loss, self._n_outputs, clips=self.recipe.clip_target)
            networks = [self._built(columns, inputs, fold.train, new_seed()) for _ in range(n_starts)]
            self._matrices.append(inputs)
            made.append(Members(columns, scale, networks))
        return made

    def _columns_of(self, number: int, fold: Fold, weights: NDArray[np.floating] | None, seed: int) -> tuple[InputColumns, Any]:
        """Encodings fitted to the training rows of a fold, and all rows encoded. Fits that share `encoded` use the result of the first
        one."""
        encodings = self.recipe.number_encodings, self.recipe.level_encodings
        matrix = self._samples.matrix
        key = number, fold.validation is None, isinstance(matrix, SparseSamples), repr(encodings)
        if key not in self._encoded:
            rows: Any = some_rows(matrix, fold.train)
            columns = InputColumns.learn(self._layout, rows, weights, *encodings, rng=seed)
            self._encoded[key] = columns, columns.inputs_of(matrix, self._dtype)
        return self._encoded[key]

    def _built(self, columns: InputColumns, inputs: Any, rows: NDArray[np.int64], seed: int) -> Sequential:
        """Build and initialise a network, and note the arguments of its fit."""
        network = Sequential(*self._family.layers(self.recipe, columns, some_rows(inputs, rows), self.loss, self._n_outputs))
        blueprint = plan_network(network.layers, network.layer_names, inputs.shape[1:])
        batch = inputs[rows[looked_at(len(rows), inputs[0].nbytes, blueprint)]]
        network.build(inputs.shape[1], loss=self.loss, rng=seed, dtype=self._dtype, batch=batch)
        self._started_with[network] = self._family.started(network, self.recipe, seed)
        return network

    @property
    def _patience(self) -> int:
        return int(min(self.recipe.n_iter_no_change, self.recipe.max_iter))

    @property
    def mode(self) -> str:
        """ "min" if a smaller `monitor` is better, else "max"."""
        known = History({metric_name(metric): metric.higher_is_better for metric in self.options.metrics})
        return decided_mode("scoring", self.monitor, "auto", known.mode(self.monitor))

    def keeper(self) -> BestAlone:
        """Make the object that keeps the best epoch of a network."""
        return BestAlone(self.monitor, self._patience, self.recipe.ties)

    def _keepers(self, members: Members, number: int) -> BestAlone | BestTogether:
        """Make the object that keeps the best epoch of the starts of a fold."""
        if len(members.networks) == 1 and self.options.scorer is None:
            return self.keeper()
        rows = self._splits[number].validation
        assert rows is not None, "a refit keeps its last epoch"
        score, sign = self._score(members, rows)
        inputs = self._inputs_of(members, number, rows)
        return BestTogether(len(members.networks), score, inputs, self._patience, self.recipe.ties, sign)

    def _inputs_of(self, members: Members, number: int, rows: NDArray[np.int64]) -> Any:
        """Some of the samples, encoded for the networks of a fold."""
        return some_rows(self._matrices[number], rows)

    def _score(self, members: Members, rows: NDArray[np.int64]) -> tuple[Score, int]:
        """The score of averaged outputs for validation rows (higher is better), and the factor that converts it to the loss or metric."""
        samples, loss, options = self._samples, self.loss, self.options
        if options.scorer is not None:
            return options.scorer(members, rows), 1
        target = samples.target[rows] if members.target is None else members.target.transform(samples.target[rows])
        weights = None if samples.weights is None else samples.weights[rows]
        if not options.metrics:
            check_averages(loss)
            return lambda outputs: -mean_loss(together(outputs, loss), target, weights, loss), -1
        (metric,) = options.metrics
        values = as_targets(target, loss, self._n_outputs, np.dtype(np.float64)).values
        sign = 1 if self.mode == "max" else -1
        return lambda outputs: sign * metric.score(together(outputs, loss), values, weights), sign

    def check(self, keeper: BestAlone | BestTogether, outcome: Any) -> None:
        """Raise the error that ended the training of a network before its first best epoch. Later errors are only noted.

        Raises
        ------
        NonFiniteError
            If the training diverged.
        DataError
            If no epoch had a score.
        """
        if isinstance(outcome, NonFiniteError):
            if not keeper.best_epoch:
                raise outcome
            self.diverged.append(f"Training of a network diverged; its best epoch, {keeper.best_epoch}, is restored. {outcome}")
        elif isinstance(outcome, Exception):
            raise outcome
        elif len(outcome) and not outcome.interrupted and keeper.is_judged and not keeper.best_epoch:
            what = self.monitor if self.options.scorer is None else "the score"
            raise DataError(f"{what} of the validation samples was never finite: use another scoring")

    def validate(self, made: list[Members]) -> bool:
        """Train members and restore the best epochs. Starts of a fold share the best epoch of their average. False if Ctrl-C interrupted
        it.

        Raises the errors of `check`.
        """
        keepers = [self._keepers(members, number) for number, members in enumerate(made)]
        outcomes = self._run(made, [[callback] for keeper in keepers for callback in keeper.callbacks])
        self.best_epochs, self.scores, left = [], [], list(outcomes)
        for members, keeper in zip(made, keepers, strict=True):
            own, left = left[: len(members.networks)], left[len(members.networks) :]
            for outcome in own:
                self.check(keeper, outcome)
            keeper.restore(members.networks)
            self.best_epochs += [keeper.best_epoch] * len(own)
            self.scores += [keeper.best_value] * len(own)
        self.balance(made)
        return self._keep(outcomes)

    @property
    def splits(self) -> list[Any]:
        """The folds of the kept members."""
        return self._splits

    def validated(self, made: list[Members]) -> Validated:
        """Outputs for the validation rows of all folds after the link of the loss, their encoded targets, and their weights."""
        outputs, targets, chosen = [], [], [fold.validation for fold in self._splits if fold.validation is not None]
        for members, rows in zip(made, chosen, strict=True):
            matrix, target, _ = self._samples.of(rows)
            outputs.append(together(members.scaled_outputs(matrix), self.loss))
            targets.append(target if members.target is None else members.target.transform(target))
        target = np.concatenate(targets)
        weights = None if self._samples.weights is None else self._samples.weights[np.concatenate(chosen)]
        return np.concatenate(outputs), target if target.dtype.kind in "iu" else target.reshape(len(target), -1), weights

    def balance(self, made: list[Members]) -> None:
        """Scale predicted rates, so that those for the training samples of a fold add up to their targets.

        Those of a linear Poisson regression do. Networks that stop early predict too little or too much in total. With rare counts they
        predict too little, since Adam shortens rare large gradients more than frequent small ones.
        """
        if not self.loss.predicts_rates:
            return
        for members, fold in zip(made, self._splits, strict=True):
            if members.target is not None:
                members.target = members.target.balanced(self._rates(members, fold))

    def _rates(self, members: Members, fold: Any) -> Iterator[tuple[np.ndarray, NDArray[np.floating], NDArray[np.float64] | None]]:
        """Targets of the training samples of a fold, rates in the scale of the networks, and weights, in blocks."""
        for matrix, target, weights in self._training_blocks(fold):
            yield target, together(members.scaled_outputs(matrix), self.loss), None if weights is None else np.asarray(weights, np.float64)

    def _training_blocks(self, fold: Any) -> Iterator[tuple[Any, np.ndarray, NDArray[np.floating] | None]]:
        """Matrix, targets and weights of the training samples of a fold, in blocks."""
        for start in range(0, len(fold.train), SAMPLE_SIZE):
            yield self._samples.of(fold.train[start : start + SAMPLE_SIZE])

    def refit(self, made: list[Members]) -> bool:
        """Train members on all rows, for the mean number of best epochs. False if Ctrl-C interrupted it."""
        epochs = max(1, round(float(np.mean(self.best_epochs))))
        outcomes = self._run(made, [[StopAfter(epochs)] for members in made for _ in members.networks])
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        self.balance(made)
        return self._keep(outcomes)

    def _keep(self, outcomes: list[Any]) -> bool:
        self.histories = [outcome for outcome in outcomes if isinstance(outcome, History)]
        self.n_iter = max([self.n_iter, *map(len, self.histories)])
        return not any(history.interrupted for history in self.histories)

    def _run(self, made: list[Members], own_callbacks: list[list[Callback]]) -> list[Any]:
        """Train all networks together. Returns the history of each, or the error that ended it."""
        networks = [network for members in made for network in members.networks]
        limit = self._limit(len(networks))
        outcomes = train_together(networks, self.arguments(made), [[*own, *limit()] for own in own_callbacks], self.options)
        self.put_away(networks)
        self._encoded.clear()
        return outcomes

    def arguments(self, made: list[Members]) -> list[dict[str, Any]]:
        """Arguments of `fit_many` for each network, by name."""
        samples, found = self._samples, list[dict[str, Any]]()
        for members, matrix, fold in zip(made, self._matrices, self._splits, strict=True):
            shared = {
                "X": matrix,
                "y": samples.target if members.target is None else members.target.transform(samples.target),
                "rows": fold.train,
                "validation_rows": fold.validation,
                "sample_weight": samples.weights,
                **self._steps(len(fold.train)),
            }
            found += [shared | self._started_with[network] for network in members.networks]
        return found

    def _steps(self, n_train: int) -> dict[str, Any]:
        """Arguments of a fit on `n_train` samples, by name."""
        recipe = self.recipe
        return {
            "loss": self.loss,
            "optimizer": self._optimizer,
            "epochs": recipe.max_iter,
            "batch_size": recipe.batch_size_for(n_train),
            "drop_last": recipe.drop_last,
            "clip_norm": recipe.clip_norm,
        }

    def take(self, members: Members, networks: list[Sequential]) -> None:
        """Replace networks by others with the same layers."""
        for old, new in zip(members.networks, networks, strict=True):
            self._started_with[new] = self._started_with.pop(old)
        members.networks = networks

    def put_away(self, networks: list[Sequential]) -> None:
        """Free what only training needs, after these networks are trained."""
        self._matrices, self._started_with = [], {}
        for network in networks:
            network.forget_fit()
            network.reset_optimizer()

    def _limit(self, n_networks: int) -> Callable[[], list[Callback]]:
        """Callbacks that enforce the time limit. They give these networks their share of the time left for all untrained networks."""
        if self.options.time_limit is None:
            return list
        left = max(float(self.options.time_limit) - (time.monotonic() - self._began), 0.001)
        still = n_networks + (self.recipe.n_refit if not self.best_epochs else 0)
        return lambda: [TimeLimit(left * n_networks / still)]


def _optimizer(recipe: Recipe) -> Any:
    """The optimizer of a recipe. One given by name, or as a dict without them, gets the recipe's learning rate and weight decay."""
    if not isinstance(recipe.solver, (str, Mapping)):
        return resolve("optimizers", recipe.solver)
    described = {"name": recipe.solver} if isinstance(recipe.solver, str) else dict(recipe.solver)
    known = get("optimizers", described.get("name", "")).argument_names
    if recipe.weight_decay and "weight_decay" not in known:
        raise ParameterError(f"solver={recipe.solver!r} has no weight decay: use solver='adamw', or weight_decay=0")
    numbers = {"lr": recipe.learning_rate_init, "weight_decay": recipe.weight_decay}
    return resolve("optimizers", {name: value for name, value in numbers.items() if name in known} | described)
