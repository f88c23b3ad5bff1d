"""Common base of the multi-layer perceptrons: train a network on checked data."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from nncore.arguments import rescaled
from nncore.contract import ExportGraph, History, Loss, Value, activation_for
from nncore.data import SparseSamples, Stream, some_rows
from nncore.ensembles import TargetStatistics, hidden_activations, hidden_layer_sizes_of, hidden_layers
from nncore.errors import DataError, NNCoreError, NonFiniteError, ParameterError
from nncore.estimators.architecture import is_scikit_learns, start_as_scikit_learn
from nncore.estimators.column_encoder import ColumnEncoder
from nncore.estimators.exporting import graph_of_estimator
from nncore.estimators.fit_tasks import CallbackSupportMixin, FitTasks
from nncore.estimators.frame_streams import NO_TARGETS, raw_stream, training_stream
from nncore.estimators.given import ITS_RULES, Given, same
from nncore.estimators.held_out import LOSS, HeldOut, HeldOutStream, Judge, check_validation
from nncore.estimators.lbfgs import LbfgsFit
from nncore.estimators.live_parameters import LiveParameters
from nncore.estimators.network_estimator import NOT_FINITE, NetworkEstimator, Weigher, checked_weights, joined, seed_from
from nncore.estimators.parameters import as_random_state, asked_dtype, check_parameters
from nncore.estimators.plain_numbers import only_row, row_blocks
from nncore.estimators.real_targets import RealTargets
from nncore.estimators.solver import make_optimizer
from nncore.estimators.stochastic import StochasticFit
from nncore.estimators.stream_training import StreamedData, StreamedTable, encoded_stream, refuse_for_streams
from nncore.estimators.streamed_rows import stream_answers
from nncore.estimators.training_data import NO_FRACTION, TrainingData
from nncore.estimators.trial import check_judge
from nncore.estimators.unscaled import warn_if_hopeless
from nncore.layers.dense import Dense
from nncore.network import Sequential, metric_name, write_network
from nncore.program import ModelWriter, looked_at, plan_network
from nncore.registry import resolve
from nncore.typing import ActivationsLike, CallbackLike, LayerLike, RateLike, SamplerLike, ScoringLike, SolverLike, TransformLike
from nncore.words import explains_calls

AnyData: TypeAlias = TrainingData | StreamedData

#: The solver that is not a registered optimizer.
LBFGS = "lbfgs"

#: Arguments that ``partial_fit`` does not use.
ONLY_FIT = ("warm_start", "max_iter", "validation_fraction", "scoring")


@explains_calls
class MultilayerPerceptron(CallbackSupportMixin, LiveParameters, NetworkEstimator):
    """A fully connected network with scikit-learn's API. Subclasses handle the target.

    The subclasses document the fitted attributes.
    """

    _columns: ColumnEncoder
    best_loss_: float | None
    #: The arguments, by name, that the network was made from.
    _made_of: dict[str, Any]
    #: The `random_state` of the last call.
    _seeded_by: Any

    # ---- the arguments of both constructors ---------------------------------------------------------------------------------

    # scikit-learn reads the signature of each class, so each has its own. The attributes are declared once, for type checkers.
    hidden_layer_sizes: Any
    activation: ActivationsLike
    solver: SolverLike
    alpha: float
    batch_size: int | str
    learning_rate: RateLike
    learning_rate_init: float
    power_t: float
    max_iter: int
    loss: Any
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int
    layers: Sequence[LayerLike] | None
    dropout: Any
    normalization: LayerLike | None
    scoring: ScoringLike | None
    callbacks: Sequence[CallbackLike] | None
    clip_norm: float | None
    time_limit: float | None
    n_threads: int | None
    progress: bool
    dtype: str
    precision: str | None
    categorical_features: Any
    max_one_hot: int
    standardize: bool
    standardize_target: bool
    groups: Mapping[str, Mapping[str, Any]] | None
    sampler: SamplerLike | None
    transforms: Sequence[TransformLike] | None
    memory_limit: int | str | None

    _components: ClassVar[Mapping[str, str]] = {
        "activation": "activations",
        "solver": "optimizers",
        "learning_rate": "schedules",
        "loss": "losses",
        "layers": "layers",
        "normalization": "layers",
        "scoring": "metrics",
        "callbacks": "callbacks",
        "sampler": "samplers",
        "transforms": "transforms",
    }

    def _meant(self, parameter: str) -> Any:
        value = getattr(self, parameter)
        if parameter == "solver" and isinstance(value, (str, Mapping)):
            try:
                return None if self._is_lbfgs else make_optimizer(Given(self))
            except (NNCoreError, TypeError, ValueError):  # `fit` raises the error
                return None
        return None if parameter == "learning_rate" and isinstance(value, str) and value in ITS_RULES else value

    # ---- targets, implemented by subclasses ---------------------------------------------------------------------------------

    @abstractmethod
    def _learn_target(self, y: Any, *, incremental: bool, classes: Any) -> None:
        """Set `_targets` from y when training starts from new weights. `classes` is the argument of ``partial_fit``."""

    def _check_target(self, y: Any, *, is_warm_start: bool = False) -> None:
        """Raise `DataError` if y does not fit the trained network. For a warm start, it must have all classes."""
        self._targets.check(y)

    def _n_network_outputs(self, loss: Loss) -> int:
        """Units of the last layer."""
        return self._targets.n_outputs(loss)

    def _scale_target(self, given: Given, statistics: Callable[[], TargetStatistics], loss: Loss) -> None:
        """Set the scale of y in `_targets` if it is to be standardised, when a network is made. `statistics` returns those of all y."""

    @abstractmethod
    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        """Encode y for the loss."""

    def _shown_loss(self, loss: float, network: Sequential) -> float:
        """The loss of `network` that users see, with its penalty."""
        return loss

    @abstractmethod
    def _gain(self, X: NDArray[np.floating], target: np.ndarray) -> float | None:
        """Improvement of the network's score over the best constant prediction; None if unknown."""

    @abstractmethod
    def _default_scoring(self, loss: Loss) -> Any:
        """The score of epochs if `scoring` is None."""

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> Self:
        check_parameters(self)
        given = Given(self)
        raw = training_stream(given, X, y, sample_weight)
        if raw is not None:
            refuse_for_streams(given.memory_limit, incremental=incremental, is_lbfgs=self._is_lbfgs)
        if incremental and given.early_stopping:
            raise ParameterError("partial_fit does not support early_stopping=True")
        goes_on = incremental or given.warm_start
        starts_over = not goes_on or vars(self).keys().isdisjoint(("network_", "_assigned"))
        how = {"starts_over": starts_over, "incremental": incremental, "classes": classes}
        with self._kept_on_error() if starts_over or "network_" not in vars(self) else nullcontext():
            try:
                is_whole = self._train(given, raw, X, y, sample_weight, validation, **how)
            except NonFiniteError as error:
                raise DataError(f"{NOT_FINITE} {error}") from error
        if not is_whole:  # the estimator is partly fitted; a caller such as a search gets the interrupt
            raise KeyboardInterrupt
        return self

    def _train(
        self,
        given: Given,
        raw: Stream | None,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        *,
        starts_over: bool,
        incremental: bool,
        classes: Any,
    ) -> bool:
        """Train a network on checked data, in memory or from the blocks of `raw`. False if Ctrl-C interrupted the training."""
        builds = starts_over or "network_" not in vars(self)
        if not builds and (changed := given.changed(self._made_of)):
            self._refuse_another_network(given, changed[0], incremental=incremental)
        random_state = as_random_state(given.random_state)
        table = StreamedTable(self, raw, given, validation, random_state) if raw is not None else None
        with given.noted() as made_of:
            if table is None:
                matrix, y_checked = self._validate_samples(X, y, sample_weight, given=given if builds else None)
                weights, n_each = checked_weights(sample_weight, matrix), None
            else:
                table.look_through(self._new_columns(given) if builds else None)
                matrix, y_checked, weights, n_each = None, table.facts.y, None, table.facts.n_each
            if (starts_over and not incremental) or "_targets" not in vars(self):
                self._learn_target(y_checked, incremental=incremental, classes=classes)
            else:
                self._check_target(y_checked, is_warm_start=not incremental)
            loss = self._targets.loss(given.loss) if builds else self._fitted_loss
            if builds:
                of_memory = partial(TargetStatistics.of, y_checked, None if weights is None else rescaled(weights))
                self._scale_target(given, of_memory if table is None else table.target_statistics, loss)
            weigh = self._weigher(given, y_checked, n_each)
            if table is None:
                data: AnyData = TrainingData(matrix, self._encode_target(y_checked, loss), weigh(y_checked, weights))
            else:
                data = table.data(loss, weigh)
            some: Any = data.sample.X
            if starts_over:
                self._start_over(given, some, loss, random_state)
            elif builds:
                self._take_given_parameters(given, some, loss, random_state)
        if builds:
            self._made_of = made_of
        self._hold_out(given, data, table, X, y_checked, validation, weigh, random_state)
        is_lbfgs = isinstance(given.solver, str) and given.solver == LBFGS
        fit: LbfgsFit | StochasticFit
        fit = (
            LbfgsFit(self, given, data)
            if is_lbfgs and isinstance(data, TrainingData)
            else StochasticFit(self, given, data, incremental=incremental)
        )
        given.refuse_ignored(*(ONLY_FIT if incremental else ()))
        if isinstance(data.held_out, HeldOut):
            check_judge(self, data.held_out)

        # Everything is checked: only now an existing network changes.
        self._begin_comparison(given, data, starts_over=starts_over, incremental=incremental)
        if not incremental or builds or not same(given.random_state, self._seeded_by):
            self.network_.seed = seed_from(random_state)
        self._seeded_by = given.random_state
        tasks = None if incremental else FitTasks(self, X, y, sample_weight, max_iter=given.max_iter, fitted=self._fitted_so_far)
        is_whole = fit.run(tasks)
        if is_whole and not incremental:
            warn_if_hopeless(self, data.sample)
        if tasks is not None:
            tasks.finish()
        return is_whole

    def _refuse_another_network(self, given: Given, name: str, *, incremental: bool) -> None:
        goes_on = "partial_fit" if incremental else "fit with warm_start=True"
        remedy = "call fit, which starts over" if incremental else "fit with warm_start=False"
        raise ParameterError(
            f"{type(self).__name__}: {goes_on} continues a network made with {name}={self._made_of[name]!r}, "
            f"but now {given.shown(name)}: set it back, or {remedy}"
        )

    @property
    def _is_lbfgs(self) -> bool:
        return isinstance(self.solver, str) and self.solver == LBFGS

    def _new_network(self, given: Given, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> Sequential:
        """Make a built and initialised network."""
        front, n_outputs = self._columns.front_layers(), self._n_network_outputs(loss)
        output = Dense(n_outputs, activation=activation_for(loss, n_outputs))
        if given.layers is None:
            sizes = hidden_layer_sizes_of(given.hidden_layer_sizes)
            activations = hidden_activations(given.activation, len(sizes))
            network = Sequential(*front, *hidden_layers(sizes, activations, given.normalization, given.dropout), output)
            if is_scikit_learns(activations):
                if front or given.normalization is not None:  # their initial values are not scikit-learn's
                    network.build(X.shape[1], loss=loss, rng=seed_from(random_state) if front else 0, dtype=X.dtype)
                else:
                    loss.n_targets(n_outputs)  # raises if this loss cannot have that number of outputs
                    network.allocate((X.shape[1],), loss, None, X.dtype)
                start_as_scikit_learn(network, activations, random_state)
                return network
        else:
            network = Sequential(*front, *(resolve("layers", layer) for layer in copy.deepcopy(list(given.layers))), output)
        blueprint = plan_network(network.layers, network.layer_names, X.shape[1:])
        batch = X[looked_at(len(X), X[0].nbytes, blueprint)]
        network.build(X.shape[1], loss=loss, rng=seed_from(random_state), dtype=X.dtype, batch=batch)
        return network

    def _start_over(self, given: Given, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> None:
        """Make a new network, and set the attributes of a fit before its first epoch."""
        network = self._new_network(given, X, loss, random_state)
        for name in ("_assigned", "_optimizer"):
            self.__dict__.pop(name, None)
        self.network_ = network
        self.n_outputs_ = self._n_network_outputs(loss)
        self.n_iter_ = 0
        self.t_ = 0
        self.history_ = History()
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self.best_loss_ = np.inf
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self._no_improvement_count = 0

    def _take_given_parameters(self, given: Given, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> None:
        """Make a network for weights and biases that were assigned before."""
        self.network_ = self._new_network(given, X, loss, random_state)
        self._take_assigned()
        self.history_ = History()

    def _hold_out(
        self,
        given: Given,
        data: AnyData,
        table: StreamedTable | None,
        X: Any,
        y: Any,
        validation: tuple[Any, Any, Any],
        weigh: Weigher,
        random_state: np.random.RandomState,
    ) -> None:
        """Set the validation samples of `data`: those of the user, or a part of its own."""
        X_val, y_val, weights_val = validation
        raw = None if X_val is None else raw_stream(X_val, y_val, weights_val, "validation ", features=self._names_of_columns)
        if raw is None:
            check_validation(*validation)
        if X_val is None and not given.early_stopping and given.unread("scoring") is None:
            return
        loss = self._fitted_loss
        judge = Judge(given.unread("scoring"), self._default_scoring(loss))
        if (raw is not None or (table is not None and table.part is not None)) and judge.needs_estimator:
            raise ParameterError(f"scoring={judge.spec!r} needs validation samples in memory: pass X_val, y_val, or name a metric")
        if raw is not None:
            data.held_out = HeldOutStream(encoded_stream(self, raw, loss, weigh), judge)
        elif table is not None and table.part is not None:
            kept = table.held_out(loss, weigh)
            assert kept.y is not None, "it has been checked"
            data.held_out = HeldOut(None, kept.X, None, kept.y, kept.sample_weight, judge)
        elif X_val is not None:
            matrix, y_val = self._validate_samples(X_val, y_val)
            self._check_target(y_val)
            weights_val = weigh(y_val, checked_weights(weights_val, matrix))
            data.held_out = HeldOut(X_val, matrix, y_val, self._encode_target(y_val, loss), weights_val, judge)
        elif given.early_stopping and isinstance(data, TrainingData):
            if given.validation_fraction == 0:
                raise ParameterError(NO_FRACTION)
            rows, stratify = np.arange(len(data)), self._strata(data.target)
            train, val = train_test_split(rows, random_state=random_state, test_size=given.validation_fraction, stratify=stratify)
            if len(val) < 2:
                raise DataError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
            held_out = data.rows(val)
            if given.unread("scoring") is None and isinstance(self._targets, RealTargets) and not np.ptp(held_out.target, axis=0).any():
                judge = Judge(LOSS, LOSS)  # equal targets have no R² or D², and the user did not request one
            shown = X.tocsr()[val] if issparse(X) else _safe_indexing(X, val)  # not all sparse formats support row selection
            data.held_out = HeldOut(shown, held_out.X, y[val], held_out.target, held_out.weights, judge)
            rest = data.rows(train)
            data.X, data.target, data.weights = rest.X, rest.target, rest.weights
        if data.held_out is not None:
            given.obey("scoring")

    def _begin_comparison(self, given: Given, data: AnyData, *, starts_over: bool, incremental: bool) -> None:
        """Set what later epochs are compared with: epochs of the same call of `fit`, and the network that it continues.

        Data, weights, penalty and score may have changed since. So training losses of earlier calls do not count, and the network is scored
        again.
        """
        if incremental:
            self.best_loss_ = np.inf if self.best_loss_ is None else self.best_loss_
            return
        self.best_loss_ = None if given.early_stopping else np.inf
        self._no_improvement_count = 0
        if data.held_out is None:
            self.validation_scores_ = self.best_validation_score_ = None
        elif starts_over:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf
        else:
            score = data.held_out.score_of_network(self)
            if self.validation_scores_ is None or score != self.best_validation_score_:
                self.validation_scores_, self.validation_loss_curve_ = [], []
            self.best_validation_score_ = score

    def _extend_history(self, history: History) -> None:
        """Append the epochs of another call."""
        if len(self.history_) == 0:
            self.history_ = history
            return
        columns = history.to_dict()
        for index in range(len(history)):
            self.history_.append(**{name: values[index] for name, values in columns.items()})
        self.history_.stop_reason, self.history_.interrupted = history.stop_reason, history.interrupted

    def _fitted_so_far(self) -> dict[str, Any]:
        """Attributes that turn a copy of this estimator into one fitted so far."""
        fitted = {name: value for name, value in vars(self).items() if name.endswith("_") and not name.startswith("_")}
        return copy.deepcopy(fitted)

    def _validate_samples(self, X: Any, y: Any, sample_weight: Any = None, *, given: Given | None = None) -> tuple[Any, Any]:
        """Check samples and y. Returns a matrix in the dtype of the training, and y. With `given`, columns are fitted again."""
        if given is None:
            return self._checked_samples(X, y, dtype=self.network_.dtype)
        dtype = asked_dtype(given)
        return self._checked_samples(X, y, learns=self._new_columns(given), sample_weight=sample_weight, dtype=dtype)

    def _new_columns(self, given: Given) -> ColumnEncoder:
        return ColumnEncoder(given.categorical_features, given.max_one_hot, given.standardize)

    # ---- using --------------------------------------------------------------------------------------------------------------

    def _check_is_fitted(self) -> None:
        if "network_" not in vars(self):
            check_is_fitted(self, "network_")  # slow, since it reads tags

    def _answers(self, X: Any, answer: Callable[[NDArray[np.floating]], Any]) -> Any:
        """Apply `answer` to the network's outputs after the link of the loss, for all samples.

        Samples are processed in blocks: with many classes, the outputs of all samples would take more memory than anything else.
        """
        self._check_is_fitted()
        if (raw := raw_stream(X, None, None, features=self._names_of_columns)) is not None:
            return stream_answers(raw, self.memory_limit, lambda X: self._answers(X, answer))
        network, samples = self.network_, self._columns.rows(self, X)
        is_sparse = isinstance(samples, SparseSamples) and network.takes_sparse
        row_bytes = (0 if is_sparse else samples.shape[1] * samples.dtype.itemsize) + 2 * self.n_outputs_ * network.dtype.itemsize
        blocks = row_blocks(len(samples), row_bytes)
        if len(blocks) == 1:
            return answer(network.predict_proba(samples))
        with network.paused():  # so that all predictions come from the same weights
            return joined([answer(network.predict_proba(some_rows(samples, rows))) for rows in blocks])

    def _outputs_of_one(self, x: Any) -> NDArray[np.floating]:
        """Outputs after the link of the loss, shape (n_outputs,), for one sample of shape (n_features,)."""
        if "network_" not in self.__dict__:
            self._check_is_fitted()
        row = self._columns.row(self, x)
        if row is not None:
            try:
                output: NDArray[np.floating] = self.network_.predict_proba_one(row)
            except DataError:  # a number is missing, infinite or too large: the general way replaces it, or raises an error
                pass
            else:
                return output
        answer: NDArray[np.floating] = self._outputs(only_row(x))[0]
        return answer

    @property
    def _fitted_loss(self) -> Loss:
        """The loss of the training, even if the argument `loss` has changed."""
        loss: Loss | None = self.network_.loss
        assert loss is not None, "an estimator builds its network with a loss"
        return loss

    def _mean_loss(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Mean loss of the network on the user's samples."""
        self._check_is_fitted()
        matrix, y = self._validate_samples(X, y)
        target = self._encode_target(y, self._fitted_loss)
        return self.network_.evaluate(matrix, target, sample_weight=checked_weights(sample_weight, matrix), metrics=[])["loss"]

    @abstractmethod
    def _metric_of_score(self, loss: Loss) -> Any:
        """The registered metric that `score` computes; None for the negative loss."""

    def _score_of_stream(self, X: Any, y: Any, sample_weight: Any) -> float | None:
        raw = raw_stream(X, y, sample_weight, features=self._names_of_columns)
        if raw is None:
            return super()._score_of_stream(X, y, sample_weight)
        if not raw.has_targets:
            raise ParameterError(NO_TARGETS)
        loss = self._fitted_loss
        spec = self._metric_of_score(loss)
        metrics = [] if spec is None else [resolve("metrics", spec)]
        stream = encoded_stream(self, raw, loss, lambda y, sample_weight: sample_weight)
        found = self.network_.evaluate(stream, metrics=metrics, memory_limit=self.memory_limit)
        return found[metric_name(metrics[0])] if metrics else -found["loss"]

    def _quantized(self, samples: Any, **how: Any) -> dict[str, Any]:
        return {"network_": self.network_.quantize(samples, **how)}

    def _export_graph(self) -> ExportGraph:
        self._check_is_fitted()
        network, inputs = self.network_, self._columns.inputs
        dtype = str(network.dtype)

        def outputs(g: ModelWriter, matrix: Value) -> Value:
            if inputs is None:
                return write_network(g, network, matrix)
            with g.writing("columns"):
                encoded = inputs.formula(g, matrix)
            return write_network(g, network, g.cast(encoded, dtype))

        with network.paused():
            return graph_of_estimator(self, outputs, dtype if inputs is None else "float64", averaged=False)
