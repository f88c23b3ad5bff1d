"""What the two multi-layer perceptrons have in common: from checked data to a trained network."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from nncore.contract import History, Loss, activation_for
from nncore.data import admitted, as_numbers
from nncore.errors import DataError, NNCoreError, NonFiniteError, ParameterError
from nncore.estimators.architecture import (
    hidden_activations,
    hidden_layer_sizes_of,
    hidden_layers,
    is_scikit_learns,
    start_as_scikit_learn,
)
from nncore.estimators.columns import ColumnEncoder
from nncore.estimators.fit_tasks import RUNNING_CALLBACKS, CallbackSupportMixin, FitTasks
from nncore.estimators.held_out import HeldOut, Judge
from nncore.estimators.lbfgs import fit_lbfgs
from nncore.estimators.live_parameters import LiveParameters
from nncore.estimators.luggage import BringsRegistrations
from nncore.estimators.nested import NestedParameters
from nncore.estimators.parameters import as_random_state, check_parameters
from nncore.estimators.solver import REACTIVE, make_optimizer
from nncore.estimators.sparse_rows import SparseRows, dense_or_rows
from nncore.estimators.stochastic import fit_stochastic
from nncore.estimators.training_data import TrainingData
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.program import BATCH_ROWS
from nncore.registry import resolve

#: What a fit ends with when numbers grew too large, in scikit-learn's words.
NOT_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."


class MultilayerPerceptron(CallbackSupportMixin, LiveParameters, BringsRegistrations, NestedParameters, BaseEstimator, ABC):
    """A fully connected network with scikit-learn's habits; subclasses know the target.

    Its subclasses' documentation has the attributes that a fit leaves.
    """

    best_loss_: float | None

    # ---- the arguments of both constructors ---------------------------------------------------------------------------------

    # scikit-learn reads the signature of each class, so that each spells out its own. The attributes are declared once, for type checkers.
    hidden_layer_sizes: Any
    activation: Any
    solver: Any
    alpha: float
    batch_size: int | str
    learning_rate: Any
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
    layers: Sequence[Any] | None
    dropout: Any
    normalization: Any
    scoring: Any
    callbacks: Sequence[Any] | None
    clip_norm: float | None
    time_limit: float | None
    n_threads: int | None
    progress: bool
    dtype: str
    categorical_features: Any
    max_one_hot: int
    standardize: bool
    groups: Mapping[str, Mapping[str, Any]] | None
    sampler: Any
    transforms: Sequence[Any] | None

    def _keep_arguments(self, arguments: dict[str, Any]) -> None:
        """Make each argument an attribute of its name; `arguments` are the ``locals()`` with which a constructor begins."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

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
        if parameter == "solver" and isinstance(value, str):
            try:
                return None if self._is_lbfgs else make_optimizer(self)
            except (NNCoreError, TypeError, ValueError):  # `fit` says what is wrong
                return None
        return None if parameter == "learning_rate" and isinstance(value, str) and value in REACTIVE else value

    # ---- what subclasses know of the target ---------------------------------------------------------------------------------

    #: Arguments of ``validate_data`` for y.
    _target_checks: ClassVar[dict[str, Any]] = {}
    #: `ClassTargets` or `RealTargets`.
    _targets: Any

    @abstractmethod
    def _learn_target(self, y: Any) -> None:
        """Take note, in `_targets`, of what y is; called when training starts over."""

    def _check_target(self, y: Any, *, is_warm_start: bool = False) -> None:
        """Raise `DataError` if y does not fit what is trained already; for a warm start, it has to have all classes."""
        self._targets.check(y)

    def _make_loss(self) -> Loss:
        """The loss that `loss` means for this target."""
        return self._targets.loss(self.loss)

    def _n_network_outputs(self, loss: Loss) -> int:
        """Units of the last layer."""
        return self._targets.n_outputs(loss)

    @abstractmethod
    def _out_activation(self, loss: Loss) -> str:
        """scikit-learn's name of what makes predictions of the outputs."""

    @abstractmethod
    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        """y as the loss takes it."""

    def _weights(self, y: Any, sample_weight: NDArray[np.floating] | None) -> NDArray[np.floating] | None:
        """Weights of the samples, with those of their classes."""
        return sample_weight

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """What a split is to keep the proportions of."""
        return None

    def _shown_loss(self, loss: float, network: Sequential) -> float:
        """What users see of the loss that `network` minimises, with its penalty."""
        return loss

    @abstractmethod
    def _default_scoring(self, loss: Loss) -> Any:
        """What epochs are judged by if `scoring` is None."""

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, validation: tuple[Any, Any, Any] = (None, None, None)
    ) -> Self:
        check_parameters(self)
        if incremental and self.early_stopping:
            raise ParameterError("partial_fit does not support early_stopping=True")
        starts_over = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        with self._kept_on_error() if starts_over else nullcontext():
            try:
                self._train(X, y, sample_weight, validation, starts_over=starts_over, incremental=incremental)
            except NonFiniteError as error:
                raise DataError(f"{NOT_FINITE} {error}") from error
        return self

    @contextmanager
    def _kept_on_error(self) -> Iterator[None]:
        """An estimator that cannot be trained stays what it was. For training that starts over: a network that goes on is changed."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            before |= {name: value for name, value in vars(self).items() if name in RUNNING_CALLBACKS}
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _train(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], *, starts_over: bool, incremental: bool) -> None:
        matrix, y_checked = self._validate_samples(X, y, sample_weight, reset=starts_over)
        weights = _checked_weights(sample_weight, matrix)
        if (starts_over and not incremental) or "_targets" not in self.__dict__:
            self._learn_target(y_checked)
        else:
            self._check_target(y_checked, is_warm_start=not incremental)
        loss = self._make_loss()
        random_state = as_random_state(self.random_state)
        if starts_over:
            self._start_over(matrix, loss, random_state)
        elif "network_" not in self.__dict__:
            self._take_given_parameters(matrix, loss, random_state)
        if self.best_loss_ is None and not self.early_stopping:  # it was on in the fit that this one goes on with
            self.best_loss_ = np.inf
        data = TrainingData(matrix, self._encode_target(y_checked, loss), self._weights(y_checked, weights))
        self._hold_out(data, X, y_checked, validation, loss, random_state)
        tasks = None
        if not incremental:
            self.network_.seed = _seed(random_state)
            tasks = FitTasks(self, X, y, sample_weight, max_iter=self.max_iter, fitted=self._fitted_so_far)
        if self._is_lbfgs:
            fit_lbfgs(self, data, tasks)
        else:
            fit_stochastic(self, data, [] if tasks is None else [tasks], incremental=incremental)
        if tasks is not None:
            tasks.finish()

    @property
    def _is_lbfgs(self) -> bool:
        return isinstance(self.solver, str) and self.solver == "lbfgs"

    def _validate_samples(self, X: Any, y: Any, sample_weight: Any = None, *, reset: bool) -> tuple[Any, Any]:
        """A matrix in the dtype of the training, and y; with `reset` the columns are learnt anew."""
        X, y = admitted(X, "X", holes=True), admitted(y, "y", times="y_numeric" not in self._target_checks)
        dtype = None if self.dtype == "input" else np.dtype(self.dtype)
        checks: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "multi_output": True, "dtype": dtype, **self._target_checks}
        if reset or "_columns" not in self.__dict__:
            columns = ColumnEncoder(self.categorical_features, self.max_one_hot, self.standardize)
            matrix, y = columns.fit_transform(self, X, y, sample_weight, **checks)
            self._columns = columns
        else:
            matrix, y = self._columns.transform(self, X, y, **checks)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return dense_or_rows(matrix) if issparse(matrix) else matrix, y

    def _new_network(self, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> Sequential:
        """Built, with first values."""
        front, n_outputs = self._columns.front_layers(), self._n_network_outputs(loss)
        output = Dense(n_outputs, activation=activation_for(loss, n_outputs))
        if self.layers is None:
            sizes = hidden_layer_sizes_of(self.hidden_layer_sizes)
            activations = hidden_activations(self.activation, len(sizes))
            network = Sequential(*front, *hidden_layers(sizes, activations, self.normalization, self.dropout), output)
            if is_scikit_learns(activations):
                network.build(X.shape[1], loss=loss, rng=_seed(random_state) if front else 0, dtype=X.dtype)  # embeddings are not its own
                start_as_scikit_learn(network, activations, random_state)
                return network
        else:
            network = Sequential(*front, *(resolve("layers", layer) for layer in copy.deepcopy(list(self.layers))), output)
        batch = X[:: -(-len(X) // BATCH_ROWS)]
        network.build(X.shape[1], loss=loss, rng=_seed(random_state), dtype=X.dtype, batch=batch)
        return network

    def _start_over(self, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> None:
        """A new network, and the attributes of a fit before its first epoch."""
        network = self._new_network(X, loss, random_state)
        for name in ("_coefs", "_intercepts", "_optimizer"):
            self.__dict__.pop(name, None)
        self.network_ = network
        self.n_outputs_ = self._n_network_outputs(loss)
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = self._out_activation(loss)
        self.n_iter_ = 0
        self.t_ = 0
        self.history_ = History()
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self._no_improvement_count = 0

    def _take_given_parameters(self, X: NDArray[np.floating], loss: Loss, random_state: np.random.RandomState) -> None:
        """A network for weights and biases that were assigned before there was one."""
        coefs, intercepts = self.__dict__.pop("_coefs"), self.__dict__.pop("_intercepts")
        self.network_ = self._new_network(X, loss, random_state)
        self.coefs_, self.intercepts_ = coefs, intercepts
        self.history_ = History()

    def _hold_out(
        self, data: TrainingData, X: Any, y: Any, validation: tuple[Any, Any, Any], loss: Loss, random_state: np.random.RandomState
    ) -> None:
        """Give `data` its validation samples: those of the user, or some of its own."""
        judge = Judge(self.scoring, self._default_scoring(loss))
        X_val, y_val, weights_val = validation
        if (X_val is None) != (y_val is None):
            raise ParameterError("X_val and y_val go together: pass both, or neither")
        if X_val is not None:
            matrix, y_val = self._validate_samples(X_val, y_val, reset=False)
            self._check_target(y_val)
            weights_val = _checked_weights(weights_val, matrix)
            data.held_out = HeldOut(X_val, matrix, y_val, self._encode_target(y_val, loss), self._weights(y_val, weights_val), judge)
        elif self.early_stopping and not self._is_lbfgs:
            if self.validation_fraction == 0:
                raise ParameterError("early_stopping=True needs samples to judge by: validation_fraction above 0, or X_val and y_val")
            rows, stratify = np.arange(len(data)), self._strata(data.target)
            train, val = train_test_split(rows, random_state=random_state, test_size=self.validation_fraction, stratify=stratify)
            if len(val) < 2:
                raise DataError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
            held_out = data.rows(val)
            shown = X.tocsr()[val] if issparse(X) else _safe_indexing(X, val)  # not all kinds of sparse matrices have rows to choose
            data.held_out = HeldOut(shown, held_out.X, y[val], held_out.target, held_out.weights, judge)
            kept = data.rows(train)
            data.X, data.target, data.weights = kept.X, kept.target, kept.weights
        if data.held_out is not None and self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -np.inf

    def _extend_history(self, history: History) -> None:
        """Add the epochs of another call."""
        if len(self.history_) == 0:
            self.history_ = history
            return
        columns = history.to_dict()
        for index in range(len(history)):
            self.history_.append(**{name: values[index] for name, values in columns.items()})
        self.history_.stop_reason, self.history_.interrupted = history.stop_reason, history.interrupted

    def _fitted_so_far(self) -> dict[str, Any]:
        """What makes a copy of this estimator one that is fitted as far as the training has come."""
        fitted = {name: value for name, value in vars(self).items() if name.endswith("_") and not name.startswith("_")}
        return copy.deepcopy(fitted)

    # ---- using --------------------------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> NDArray[np.floating]:
        """Outputs of the network after the link of its loss, shape (n_samples, n_outputs)."""
        check_is_fitted(self, "network_")
        X = self._columns.transform(self, admitted(X, "X", holes=True), accept_sparse=["csr", "csc"])
        if not issparse(X):
            return self.network_.predict_proba(X)
        return np.concatenate([self.network_.predict_proba(block) for block in SparseRows(X).blocks()])

    @property
    def _fitted_loss(self) -> Loss:
        """The loss that the network was trained with, whatever `loss` says by now."""
        assert self.network_.loss is not None, "an estimator builds its network with a loss"
        return self.network_.loss

    def _mean_loss(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Of the network on samples as users hold them."""
        check_is_fitted(self, "network_")
        matrix, y = self._validate_samples(X, y, reset=False)
        target = self._encode_target(y, self._fitted_loss)
        return self.network_.evaluate(matrix, target, sample_weight=_checked_weights(sample_weight, matrix), metrics=[])["loss"]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _checked_weights(sample_weight: Any, X: NDArray[np.floating]) -> NDArray[np.floating] | None:
    """One weight for each row of `X`, none negative."""
    if sample_weight is None:
        return None
    weights: NDArray[np.floating] = _check_sample_weight(as_numbers(sample_weight, "sample_weight"), X, dtype=np.float64)
    if (weights < 0).any():
        raise DataError("sample_weight must not be negative")
    return weights


def _seed(random_state: np.random.RandomState) -> int:
    return int(random_state.randint(np.iinfo(np.int32).max))
