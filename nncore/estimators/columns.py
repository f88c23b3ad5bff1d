"""From what users hand an estimator to checked samples, with a column of numbers or of codes for each feature."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, check_X_y, validate_data

from nncore.arguments import shown
from nncore.blocks import blocks
from nncore.data import Samples, admitted
from nncore.errors import DataError, DataWarning, ParameterError, warn_user
from nncore.estimators.categories import Categories
from nncore.estimators.frames import Columns, as_mask, column_label, frame_columns, numbers_explained
from nncore.estimators.plain_numbers import are_plain, learn_plain, plain_columns, plain_numbers
from nncore.estimators.sparse_rows import SparseRows

#: Text with a greater share of different values names its rows rather than grouping them.
IDENTIFIER_SHARE = 0.7
#: So few different texts may be anything.
FEW = 20

#: Others become the first.
DTYPES = (np.float64, np.float32)

#: What `validate_data` takes for "there is no y to check".
NO_Y = "no_validation"


class TableColumns:
    """Learns from the `X` of a fit what its columns are, and makes samples of every later `X` likewise.

    Numbers stay as they are. A category becomes a code from 0; a missing one is the level after the others, if training had such. Others
    that training did not have are -1. If nothing is categorical, `X` goes through scikit-learn's ``validate_data`` alone, and is not
    copied if it need not be.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        "from_dtype" takes the columns of a frame that hold categories, enumerations or text, and none of an array. A boolean mask
        of shape ``(n_features,)``, indices or column names say which. None says that there are none.

    Attributes
    ----------
    is_categorical : ndarray of shape (n_features,), bool, or None
        None if no column is.
    categories : dict of int to Categories
        Of each categorical column, by its number, in their order.
    names : list or None
        What a frame calls its columns.
    n_columns : int
        Features.
    number_columns : ndarray of int64
        Columns of numbers.
    has_missing : ndarray of shape (n_columns,), bool
        Columns of numbers in which training had NaN, which stays NaN.
    means : ndarray of shape (n_columns,), float64
        Of what is there. NaN in a column of numbers without NaN in training becomes this.

    Notes
    -----
    Infinity is refused, also where NaN is not. A sparse matrix may have neither.
    """

    def __init__(self, categorical_features: Any = "from_dtype") -> None:
        self.categorical_features = categorical_features

    # ---- learning -----------------------------------------------------------------------------------------------------------

    def fit_transform(self, estimator: Any, X: Any, y: Any = NO_Y, **check_params: Any) -> Any:
        """Samples of `X`, or samples and checked `y`; what ``validate_data(estimator, X, y, reset=True, **check_params)`` returns.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``.
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like, optional
        **check_params
            Of ``validate_data``.

        Raises
        ------
        DataError
            If a numeric column holds something else, or a column of dates is not declared categorical.
        ParameterError
            If `categorical_features` does not fit `X`.
        """
        columns = frame_columns(X)
        self.names = None if columns is None else columns.names
        self.is_categorical = self._categorical(columns, X)
        self.categories: dict[int, Categories] = {}
        if self.is_categorical is None:
            result = self._validate_plain(estimator, X, columns, y, reset=True, **check_params)
        else:
            columns = self._checked_columns(estimator, X, columns, reset=True)
            codes = {}
            for i in np.flatnonzero(self.is_categorical).tolist():
                values = columns[i].factorized()
                self.categories[i] = Categories.learn(values)
                self._warn_of_names(columns, i)
                codes[i] = self.categories[i].codes(columns.label(i), values)
            result = self._validate_coded(estimator, columns, codes, y, **check_params)
        self._look_at_numbers(result[0] if isinstance(result, tuple) else result)
        return result

    def _warn_of_names(self, columns: Columns, index: int) -> None:
        """Say so if text that nobody called categorical has too many levels."""
        n_levels, n_rows = len(self.categories[index].levels), columns.n_rows
        if self._is_guess and columns.kind(index) != "category" and n_levels > max(IDENTIFIER_SHARE * n_rows, FEW):
            warn_user(
                f"{columns.label(index)} of X has {n_levels} different texts in {n_rows} rows: it names the rows, and a network learns "
                "such names by heart. Drop it, or name it in categorical_features if it is meant",
                DataWarning,
            )

    def _look_at_numbers(self, samples: Any) -> None:
        """Which columns hold numbers, which of them have NaN, and the means of what is there."""
        self.n_columns = samples.shape[1]
        self.number_columns = np.setdiff1d(np.arange(self.n_columns), list(self.categories))
        self.has_missing = np.zeros(self.n_columns, bool)
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.asarray(samples.mean(axis=0, dtype=np.float64)).ravel()
        for column in np.flatnonzero(~np.isfinite(means)):
            values = samples[:, [column]].toarray() if issparse(samples) else samples[:, column]
            present = values[~np.isnan(values)].astype(np.float64)
            self.has_missing[column] = len(present) < len(values)
            means[column] = (present / max(len(present), 1)).sum()  # a sum of huge numbers may overflow, their mean does not
        self.means = means

    @property
    def category_columns(self) -> list[tuple[int, Categories]]:
        """The columns of codes, and their categories."""
        return list(self.categories.items())

    # ---- using --------------------------------------------------------------------------------------------------------------

    def rows(self, estimator: Any, X: Any) -> Samples:
        """The samples of another `X`, by `transform`; what can be made of some rows at a time is made when they are asked for.

        Parameters
        ----------
        estimator, X
            As in `transform`; `X` may be sparse.

        Returns
        -------
        ndarray or Rows of shape (n_samples, n_columns)
            Checked. Plain numbers are not converted.
        """
        if self.is_categorical is not None:
            plain = plain_columns(estimator, X, self.is_categorical)
            if plain is not None:
                others, values = plain
                names = estimator.feature_names_in_
                codes = {i: categories.codes(column_label(names[i]), values[i]) for i, categories in self.categories.items()}
                return self._coded(len(others), iter(others.T), codes)
        elif (numbers := plain_numbers(estimator, X)) is not None:
            return numbers
        samples = TableColumns.transform(self, estimator, admitted(X, "X", holes=True), accept_sparse=["csr", "csc"])
        return SparseRows(samples) if issparse(samples) else samples

    def transform(self, estimator: Any, X: Any, y: Any = NO_Y, **check_params: Any) -> Any:
        """The same for another `X`; what ``validate_data(estimator, X, y, reset=False, **check_params)`` returns.

        NaN in a column of numbers that had none in training becomes the column's mean.

        Raises
        ------
        DataError
            If a numeric column holds something else.
        ValueError
            By scikit-learn, if columns are missing, in another order, or too many.
        """
        columns = frame_columns(X)
        if self.is_categorical is None:
            result = self._validate_plain(estimator, X, columns, y, reset=False, **check_params)
        else:
            columns = self._checked_columns(estimator, X, columns, reset=False)
            codes = {i: categories.codes(columns.label(i), columns[i].factorized()) for i, categories in self.categories.items()}
            result = self._validate_coded(estimator, columns, codes, y, **check_params)
        return (self._filled(result[0]), result[1]) if isinstance(result, tuple) else self._filled(result)

    def _filled(self, samples: Any) -> Any:
        """Without NaN where training had none; itself if there is none at all."""
        with np.errstate(over="ignore", invalid="ignore"):
            if issparse(samples) or not np.isnan(samples.sum()):
                return samples
        holes = np.isnan(samples)
        holes[:, self.has_missing] = False
        return np.where(holes, self.means.astype(samples.dtype), samples) if holes.any() else samples

    # ---- checking -----------------------------------------------------------------------------------------------------------

    def _validate_plain(self, estimator: Any, X: Any, columns: Columns | None, y: Any, **check_params: Any) -> Any:
        if columns is None and check_params.get("reset") and are_plain(X, y):
            learn_plain(estimator, X)
            return X, y
        if columns is not None:
            self._refuse_times(columns)
        try:
            with numbers_explained(X=X, **{} if type(y) is str and y == NO_Y else {"y": y}):
                return validate_data(estimator, X, y, dtype=DTYPES, ensure_all_finite=True if issparse(X) else "allow-nan", **check_params)
        except (TypeError, ValueError) as error:
            # Of text, scikit-learn says only that it is no number, and not where it is.
            if columns is None and "could not convert string" in str(error):
                columns = Columns(np.asarray(X, object))
            for column in () if columns is None else columns:
                if column.kind != "number":
                    column.numbers()
            raise

    def _checked_columns(self, estimator: Any, X: Any, columns: Columns | None, *, reset: bool) -> Columns:
        """Columns of which names and number are right, and none holds dates that are meant as numbers."""
        if columns is None:
            X = check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=0, estimator=estimator, input_name="X")
            columns = Columns(X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        self._refuse_times(columns)
        return columns

    def _validate_coded(
        self,
        estimator: Any,
        columns: Columns,
        codes: dict[int, NDArray[Any]],
        y: Any,
        *,
        accept_sparse: Any = False,
        **check_params: Any,
    ) -> Any:
        numbers = (columns[i].numbers() for i in range(len(columns)) if i not in self.categories)
        samples = self._coded(columns.n_rows, numbers, codes)
        if isinstance(y, str) and y == NO_Y:
            return check_array(samples, ensure_all_finite="allow-nan", estimator=estimator, input_name="X", **check_params)
        return check_X_y(samples, y, ensure_all_finite="allow-nan", estimator=estimator, **check_params)

    def _coded(self, n_rows: int, numbers: Iterator[NDArray[Any]], codes: dict[int, NDArray[Any]]) -> NDArray[np.float64]:
        """Samples of the columns of numbers, one after the other, and of the codes of the others by their numbers."""
        assert self.is_categorical is not None, "plain numbers are not coded"
        samples = np.empty((n_rows, len(self.is_categorical)))
        for i in np.flatnonzero(~self.is_categorical).tolist():
            samples[:, i] = next(numbers)
        for rows in blocks(n_rows, samples.itemsize * samples.shape[1]):  # so that they stay in the caches from column to column
            for i, own in codes.items():
                samples[rows, i] = own[rows]
        return samples

    def _refuse_times(self, columns: Columns) -> None:
        for i in range(len(columns)):
            if columns.kind(i) == "time" and (self.is_categorical is None or not self.is_categorical[i]):
                raise DataError(
                    f"{columns.label(i)} of X holds dates or times: make numbers of it (year, month, hours since …), or drop it"
                )

    @property
    def _is_guess(self) -> bool:
        return isinstance(self.categorical_features, str)

    def _categorical(self, columns: Columns | None, X: Any) -> NDArray[np.bool_] | None:
        """Mask of the categorical columns, or None if there are none."""
        if self._is_guess:
            if self.categorical_features != "from_dtype":
                raise ParameterError(f"categorical_features must be 'from_dtype', a list or None, got {shown(self.categorical_features)}")
            mask = np.array([] if columns is None else [columns.looks_categorical(i) for i in range(len(columns))], bool)
        elif self.categorical_features is None:
            return None
        else:
            mask = as_mask(np.asarray(self.categorical_features), columns, np.shape(X))
        if not mask.any():
            return None
        if issparse(X):
            raise DataError("categories are not taken from a sparse matrix: encode them before, or pass X.toarray()")
        return mask
