"""What all estimators that train networks have in common: samples and targets in, and an estimator that an error leaves as it was."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_array

from nncore.contract import ExportGraph, Loss
from nncore.data import CONVERT_AT_ONCE, admitted, as_numbers, sparse_samples
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

#: What a fit ends with when numbers grew too large, in scikit-learn's words.
NOT_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."

#: Makes weights of targets and of weights of samples.
Weigher = Callable[[Any, NDArray[np.floating] | None], NDArray[np.floating] | None]


@explains_calls
class NetworkEstimator(TakesTurns, BringsRegistrations, NestedParameters, BaseEstimator, ABC):
    """An estimator of one network or several. Subclasses say how they are trained, `ClassAnswers` and `RealAnswers` what is predicted."""

    #: Arguments of ``validate_data`` for y.
    _target_checks: ClassVar[dict[str, Any]] = {}
    #: Whether networks begin with layers that read sparse samples, unless the user asks for others.
    _reads_sparse: ClassVar[bool] = False
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
        """An estimator that cannot be trained stays what it was. For training that starts over: a network that goes on is changed."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            before |= {name: value for name, value in vars(self).items() if name in RUNNING_CALLBACKS}
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _checked_samples(self, X: Any, y: Any, *, learns: TableColumns | None = None, **how: Any) -> tuple[Any, Any]:
        """What the columns make of X, and y. They are learnt by `learns`; without, they are those of before. They are told `how`."""
        X, y = admitted(X, "X", holes=True), admitted(y, "y", times=not self._has_real_targets)
        checks: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "multi_output": True, **self._target_checks}
        if learns is not None:
            matrix, y = learns.fit_transform(self, X, y, **how, **checks)
            self._columns = learns
        else:
            matrix, y = self._columns.transform(self, X, y, **how, **checks)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return self._of_sparse(matrix) if issparse(matrix) else matrix, y

    def _of_sparse(self, matrix: Any) -> Any:
        """Samples of a sparse matrix: dense where that is not large, unless networks read them as they are."""
        n_bytes = matrix.shape[0] * matrix.shape[1] * matrix.dtype.itemsize
        is_small = not self._reads_sparse and n_bytes <= CONVERT_AT_ONCE
        return matrix.toarray() if is_small else sparse_samples(matrix, "X", may_be_dense=True)

    @property
    def _has_real_targets(self) -> bool:
        return "y_numeric" in self._target_checks

    def _checked_target(self, y: Any) -> Any:
        """y of the training as `_checked_samples` leaves it."""
        y = admitted(y, "y", times=not self._has_real_targets)
        y = check_array(y, accept_sparse="csr", ensure_2d=False, dtype=None, input_name="y")
        y = y.astype(np.float64) if self._has_real_targets and y.dtype.kind in "OUSV" else y
        return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _check_target(self, y: Any) -> None:
        """Raise `DataError` if y does not fit what is trained already."""
        self._targets.check(y)

    @property
    def _names_of_columns(self) -> list[str] | None:
        """What the columns of the training were called, if they had names."""
        names = vars(self).get("feature_names_in_")
        return None if names is None else list(names)

    def _weigher(self, given: Given, y: Any, n_each: NDArray[np.float64] | None = None) -> Weigher:
        """What weighs samples: with the weights of their classes, as `y` of the training has them, or as often as `n_each` says."""
        return lambda y, sample_weight: sample_weight

    def _strata(self, target: np.ndarray) -> np.ndarray | None:
        """What a split is to keep the proportions of."""
        return None

    # ---- what a fit leaves --------------------------------------------------------------------------------------------------

    @abstractmethod
    def _check_is_fitted(self) -> None:
        """Raise scikit-learn's `NotFittedError` before there is a network."""

    @property
    @abstractmethod
    def _fitted_loss(self) -> Loss:
        """The loss that was trained with, whatever `loss` says by now."""

    @property
    def _loss_of_outputs(self) -> Loss:
        """The loss with its numbers in the units of `_outputs`."""
        return self._fitted_loss

    @abstractmethod
    def _answers(self, X: Any, answer: Callable[[NDArray[np.floating]], Any]) -> Any:
        """What `answer` makes of the outputs after the link of the loss, for all samples, some at a time."""

    @abstractmethod
    def _outputs_of_one(self, x: Any) -> NDArray[np.floating]:
        """Outputs after the link of the loss for one sample of shape (n_features,), shape (n_outputs,)."""

    @abstractmethod
    def _mean_loss(self, X: Any, y: Any, sample_weight: Any) -> float:
        """Of the trained on samples as users hold them."""

    def _score_of_stream(self, X: Any, y: Any, sample_weight: Any) -> float | None:
        """`score` of what goes by in blocks; None for samples in memory, which have their targets beside them, and of estimators that take
        no other."""
        if y is None:
            raise ParameterError("y is missing: score(X, y) compares the predictions for X with their targets")
        return None

    def _outputs(self, X: Any) -> NDArray[np.floating]:
        """Outputs after the link of the loss, shape (n_samples, n_outputs)."""
        outputs: NDArray[np.floating] = self._answers(X, lambda outputs: outputs)
        return outputs

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
        """What is exported."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def checked_weights(sample_weight: Any, X: Any) -> NDArray[np.floating] | None:
    """One weight for each row of `X`, none negative."""
    if sample_weight is None:
        return None
    weights: NDArray[np.floating] = _check_sample_weight(as_numbers(sample_weight, "sample_weight"), X, dtype=np.float64)
    if (weights < 0).any():
        raise DataError("sample_weight must not be negative")
    return weights


def seed_from(random_state: np.random.RandomState) -> int:
    """A seed for a network."""
    return int(random_state.randint(np.iinfo(np.int32).max))


def joined(parts: list[Any]) -> Any:
    """Arrays or sparse matrices one below the other; they are given up one by one, so that there are never two of everything."""
    if issparse(parts[0]):
        return vstack(parts, format="csr")
    whole = np.empty((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole
