"""Base class of all estimators that train networks: checks of samples and targets, and unchanged estimators after an error."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_array

from nncore.contract import ExportGraph, Loss
from nncore.data import admitted, as_numbers, sparse_samples
from nncore.errors import DataError, ParameterError
from nncore.estimators.columns import TableColumns
from nncore.estimators.fit_tasks import RUNNING_CALLBACKS
from nncore.estimators.given import Given
from nncore.estimators.luggage import BringsRegistrations
from nncore.estimators.nested import NestedParameters
from nncore.estimators.turns import TakesTurns
from nncore.files import FileLike
from nncore.network import write_graph
from nncore.words import explains_calls

#: Message when numbers grew too large in a fit, in scikit-learn's words.
NOT_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."

#: Computes weights from targets and sample weights.
Weigher = Callable[[Any, NDArray[np.floating] | None], NDArray[np.floating] | None]


@explains_calls
class NetworkEstimator(TakesTurns, BringsRegistrations, NestedParameters, BaseEstimator, ABC):
    """An estimator with one or several networks. Subclasses train them; `ClassAnswers` and `RealAnswers` predict."""

    #: Arguments of ``validate_data`` for y.
    _target_checks: ClassVar[dict[str, Any]] = {}
    #: `ClassTargets` or `RealTargets`.
    _targets: Any
    _columns: TableColumns

    def _keep_arguments(self, arguments: dict[str, Any]) -> None:
        """Make each argument an attribute of its name; `arguments` are the ``locals()`` with which a constructor begins."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    @contextmanager
    def _kept_on_error(self) -> Iterator[None]:
        """Restore the estimator's attributes after an error, for training from new weights. An existing network would be changed."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            before |= {name: value for name, value in vars(self).items() if name in RUNNING_CALLBACKS}
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _checked_samples(self, X: Any, y: Any, *, learns: TableColumns | None = None, **how: Any) -> tuple[Any, Any]:
        """Samples of X by its columns, and y. `learns` fits the columns; without it, those of the fit are used. `how` are their
        arguments."""
        X, y = admitted(X, "X", holes=True), admitted(y, "y", times=not self._has_real_targets)
        checks: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "multi_output": True, **self._target_checks}
        if learns is not None:
            matrix, y = learns.fit_transform(self, X, y, **how, **checks)
            self._columns = learns
        else:
            matrix, y = self._columns.transform(self, X, y, **how, **checks)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return sparse_samples(matrix, "X", may_be_dense=True) if issparse(matrix) else matrix, y

    @property
    def _has_real_targets(self) -> bool:
        return "y_numeric" in self._target_checks

    def _checked_target(self, y: Any) -> Any:
        """The training's y in the form of `_checked_samples`."""
        y = admitted(y, "y", times=not self._has_real_targets)
        y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
        y = y.astype(np.float64) if self._has_real_targets and y.dtype.kind in "OUSV" else y
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _check_target(self, y: Any) -> None:
        """Raise `DataError` if y does not fit the trained network."""
        self._targets.check(y)

    @property
    def _names_of_columns(self) -> list[str] | None:
        """Column names of the training data, if they had any."""
        names = vars(self).get("feature_names_in_")
        return None if names is None else list(names)

    def _weigher(self, given: Given, y: Any, n_each: NDArray[np.float64] | None = None) -> Weigher:
        """Make the function that computes weights, with class weights from the training's `y`, whose rows represent `n_each` samples."""
        return lambda y, sample_weight: sample_weight

    def _counts(self, given: Given, y: Any, sample_weight: NDArray[np.floating] | None) -> NDArray[np.bool_] | None:
        """Mask of the samples of a weight above 0, before the weights of classes are known; None for all."""
        return None if sample_weight is None or sample_weight.all() else sample_weight > 0

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """Classes to stratify splits by; None for no stratification."""
        return None

    # ---- after a fit --------------------------------------------------------------------------------------------------

    @abstractmethod
    def _check_is_fitted(self) -> None:
        """Raise scikit-learn's `NotFittedError` before there is a network."""

    @property
    @abstractmethod
    def _fitted_loss(self) -> Loss:
        """The loss of the training, even if the argument `loss` has changed."""

    @property
    def _loss_of_outputs(self) -> Loss:
        """The loss with its hyperparameters in the units of `_outputs`."""
        return self._fitted_loss

    @abstractmethod
    def _answers(self, X: Any, answer: Callable[[NDArray[np.floating]], Any]) -> Any:
        """Apply `answer` to the outputs after the link of the loss, for all samples, in blocks."""

    @abstractmethod
    def _outputs_of_one(self, x: Any) -> NDArray[np.floating]:
        """Outputs after the link of the loss for one sample of shape (n_features,), shape (n_outputs,)."""

    @abstractmethod
    def _mean_loss(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Mean loss of the fitted estimator on the user's samples."""

    def _score_of_stream(self, X: Any, y: Any, sample_weight: Any) -> float | None:
        """`score` of streamed samples. None for samples in memory, and for estimators without streams."""
        if y is None:
            raise ParameterError("y is missing: score(X, y) compares the predictions for X with their targets")
        return None

    def _outputs(self, X: Any) -> NDArray[np.floating]:
        """Outputs after the link of the loss, shape (n_samples, n_outputs)."""
        outputs: NDArray[np.floating] = self._answers(X, lambda outputs: outputs)
        return outputs

    def quantize(self, X_calibration: Any, *, percentile: float | None = None, skip: Iterable[str] | None = None) -> Self:
        """Quantize the fitted estimator to int8: return a copy that predicts faster, and takes a quarter of the memory.

        This estimator is not changed. The copy predicts, scores, pickles and exports as this one does. A call of `fit` on it trains a new
        network in float.

        Parameters
        ----------
        X_calibration : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            A few hundred samples like those to be predicted: the training data will do. Their columns are those of `fit`.
        percentile : float, optional
            Percentage of a layer's inputs that its range covers, as in `Sequential.quantize`. None chooses for each layer.
        skip : iterable of str, optional
            Names of layers to leave in float. None leaves those with fewer than 32 inputs or outputs; ``()`` quantizes all.

        Returns
        -------
        estimator
            A quantized copy with the same arguments.

        Raises
        ------
        ParameterError
            If a network has no layer to quantize, as those of TabM, or for the arguments that `Sequential.quantize` refuses.
        ShapeError, DtypeError, DataError
            If `predict` does not take `X_calibration`, or it has no samples.
        """
        self._check_is_fitted()
        made = copy.copy(self)
        made.__dict__.update(self._quantized(self._columns.rows(self, X_calibration), percentile=percentile, skip=skip))
        return made

    @abstractmethod
    def _quantized(self, samples: Any, **how: Any) -> dict[str, Any]:
        """The attributes of a copy whose networks are quantized, `how` as `Sequential.quantize` is told."""

    def export(self, path: FileLike) -> None:
        """Export the fitted estimator to a file that predicts without nncore, including its encoding of columns and classes.

        The file has `predict`, and `predict_proba` if the estimator has probabilities. It takes columns by name if X had names, else X as a
        whole. Texts are compared as written. An empty or absent text is a missing value. Infinite numbers are not rejected.

        Parameters
        ----------
        path : str, path-like or binary file object
            The suffix of the name chooses the format. ``".py"`` is a module that needs only NumPy, ``".onnx"`` a model for ONNX runtimes
            (extra ``onnx``), and ``".h"`` a C99 header that needs no library. Exporters of plugins may add suffixes. An existing file is
            replaced once the new one is complete.

        Raises
        ------
        NoFormulaError
            A component cannot be exported; the message names it.
        ParameterError
            No exporter has this suffix.
        ExportError
            A column, the classes or something else cannot be exported.
        """
        write_graph(self._export_graph(), path)

    @abstractmethod
    def _export_graph(self) -> ExportGraph:
        """Make the graph to export."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def checked_weights(sample_weight: Any, X: Any) -> NDArray[np.floating] | None:
    """Check weights: one for each row of `X`, none negative."""
    if sample_weight is None:
        return None
    weights: NDArray[np.floating] = _check_sample_weight(as_numbers(sample_weight, "sample_weight"), X, dtype=np.float64)
    if (weights < 0).any():
        raise DataError("sample_weight must not be negative")
    return weights


def seed_from(random_state: np.random.RandomState) -> int:
    """Draw a seed for a network."""
    return int(random_state.randint(np.iinfo(np.int32).max))


def joined(parts: list[Any]) -> Any:
    """Concatenate arrays or sparse matrices by rows. Parts are freed one by one, so that the data never exist twice."""
    if issparse(parts[0]):
        return vstack(parts, format="csr")
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), np.result_type(*(part.dtype for part in parts)))
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole
