"""What classifiers of two classes by one hyperplane have in common."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from nncore._core import as_c_array
from nncore.arguments import plain, shown, whole_numbers
from nncore.contract import ExportGraph
from nncore.data import admitted, as_labels, as_weights, in_terms_of
from nncore.errors import DataError, ParameterError
from nncore.estimators.exporting import graph_of_hyperplane
from nncore.estimators.frames import numbers_explained
from nncore.estimators.luggage import BringsRegistrations
from nncore.estimators.nested import NestedParameters
from nncore.estimators.plain_numbers import only_row, plain_numbers, plain_row
from nncore.estimators.turns import TakesTurns
from nncore.files import FileLike
from nncore.network import write_graph
from nncore.words import explains_calls

#: With features up to this size, no sum of products of weights and features leaves float64's range.
LARGEST_FEATURE = 1e140


@explains_calls(but=("predict_one",))
class LinearBinaryClassifier(ClassifierMixin, TakesTurns, BringsRegistrations, NestedParameters, BaseEstimator):
    """A linear classifier of two classes: the second where w·x + b > 0. A subclass's ``fit`` sets the attributes.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features), float64
    intercept_ : ndarray of shape (1,), float64
    classes_ : ndarray of shape (2,)
        In sorted order; the second is the positive one.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,), object
        Only if `X` had column names, all strings.
    """

    coef_: NDArray[np.float64]
    intercept_: NDArray[np.float64]
    classes_: NDArray[Any]

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return w·x + b of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Positive for the second class.

        Raises
        ------
        DataError
            `X` has NaN or infinite numbers.
        ValueError
            `X` has another number of features than the training data.
        """
        self._check_is_fitted()
        numbers = plain_numbers(self, X)
        samples = self._validate_samples(X) if numbers is None else as_c_array(numbers, np.dtype(np.float64))
        check_finite(samples)
        return self._scores(samples)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each sample: the second one where ``decision_function(X) > 0``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(np.intp)]

    def predict_one(self, x: ArrayLike) -> Any:
        """Predict the class of a single sample, faster than `predict`, which checks a whole array.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            Features of the sample, in the order of the training data.

        Returns
        -------
        label
            The prediction that `predict` returns for it.
        """
        score = self._score_of_one(x)
        return self.classes_[int(score > 0)]

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weight of each sample.

        Returns
        -------
        float
        """
        self._check_is_fitted()
        y = np.atleast_1d(in_terms_of(self.classes_, as_labels(y)))
        sample_weight = as_weights(sample_weight, len(y))
        accuracy: float = super().score(X, y, sample_weight)
        return accuracy

    def export(self, path: FileLike) -> None:
        """Export the fitted estimator to a file that predicts without nncore: w·x + b and the classes.

        The file has `predict`, and `predict_proba` if the estimator has probabilities. It takes columns by name if X had names, else X as a
        whole. NaN and infinite numbers are not rejected.

        Parameters
        ----------
        path : str, path-like or binary file object
            The suffix of the name chooses the format. ``".py"`` is a module that needs only NumPy, ``".onnx"`` a model for ONNX runtimes
            (extra ``onnx``), and ``".h"`` a C99 header that needs no library. Exporters of plugins may add suffixes. An existing file is
            replaced once the new one is complete.

        Raises
        ------
        ParameterError
            No exporter has this suffix.
        ExportError
            The classes cannot be exported.
        """
        write_graph(self._export_graph(), path)

    def _export_graph(self) -> ExportGraph:
        self._check_is_fitted()
        return graph_of_hyperplane(self, has_probabilities=hasattr(self, "predict_proba"))

    def _check_is_fitted(self) -> None:
        if "coef_" not in vars(self):
            check_is_fitted(self)  # which reads tags and takes its time

    def _scores(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """w·x + b of checked samples."""
        scores: NDArray[np.float64] = samples @ self.coef_[0] + self.intercept_[0]
        return scores

    def _score_of_one(self, x: Any) -> float:
        """The same for one sample that is not checked yet."""
        self._check_is_fitted()
        row = plain_row(self, x)
        if row is not None:
            row = row.astype(np.float64, copy=False)
            with np.errstate(over="ignore"):
                squares = np.dot(row, row)
            if squares <= LARGEST_FEATURE**2:  # so that none is larger; if this is, `check_finite` decides
                return float(self._scores(row[np.newaxis])[0])
        return float(self.decision_function(only_row(x))[0])

    def _validate_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """`X` as a C-contiguous float64 matrix; itself if it is one already."""
        X = admitted(X, "X", holes=True)
        with numbers_explained(X=X):
            checks: dict[str, Any] = {"order": "C", "ensure_all_finite": False, "ensure_min_samples": 0}
            samples: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False, **checks)
        return samples

    def _validate_training_data(self, X: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[Any]]:
        """Samples, whether each is of the second class, and the two classes."""
        X, y = admitted(X, "X", holes=True), as_labels(y)
        with numbers_explained(X=X):
            samples, labels = validate_data(self, X, y, dtype=np.float64, order="C", ensure_all_finite=False)
        check_finite(samples)
        check_classification_targets(labels)
        classes, encoded = np.unique(labels, return_inverse=True)
        if len(classes) > 2:
            raise DataError(
                f"Only binary classification is supported. The type of the target is {type_of_target(labels)}, with {len(classes)} "
                "classes: use nncore.estimators.MLPClassifier, or sklearn.multiclass.OneVsRestClassifier around this estimator"
            )
        if len(classes) < 2:
            raise DataError(f"y has only one class, {classes.tolist()[0]!r}: two are needed")
        return samples, encoded.astype(bool), classes

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def check_finite(X: NDArray[np.float64]) -> None:
    """Raise `DataError` for NaN, infinity, or numbers whose products would overflow, naming the first one's place."""
    # With NaN anywhere, both are NaN and the comparison is false; unlike isfinite, they need no array of their own.
    if max(-X.min(initial=0), X.max(initial=0)) <= LARGEST_FEATURE:
        return
    row, column = np.argwhere(~(np.abs(X) <= LARGEST_FEATURE))[0]
    value = X[row, column]
    where = f"row {row}, column {column}"
    if np.isfinite(value):
        raise DataError(f"X contains {value:g} at {where}: scale the features so that none exceeds {LARGEST_FEATURE:g}")
    raise DataError(f"X contains {'NaN' if np.isnan(value) else value} at {where}: impute or drop it first")


def generator(random_state: int | np.random.Generator | np.random.RandomState | None) -> np.random.Generator:
    """A generator from what scikit-learn's users write as `random_state`."""
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype=np.uint32))
    seed: Any = plain(random_state)
    if isinstance(seed, (list, tuple, range, np.ndarray)):
        seed = whole_numbers(seed)  # NumPy crashes on a list that holds itself
        if seed is None:
            raise ParameterError(f"random_state must be a seed, a RandomState, a Generator or None, got {shown(random_state)}")
    try:
        return np.random.default_rng(seed)
    except Exception as error:  # of NumPy, or of an object that claims to be a number
        raise ParameterError(f"random_state must be a seed, a RandomState, a Generator or None, got {shown(random_state)}") from error
