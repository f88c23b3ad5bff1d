"""From what users hand an estimator to a matrix of numbers, and the front layers that a network needs for it."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, check_array, check_X_y, validate_data

from nncore.arguments import shown
from nncore.blocks import blocks
from nncore.contract import Layer
from nncore.data import Samples, Standardizer, admitted, check_finite, warn_of_lost_digits
from nncore.errors import DataError, DataWarning, ParameterError, warn_user
from nncore.estimators.categories import Categories
from nncore.estimators.frames import Columns, as_mask, column_label, frame_columns, numbers_explained
from nncore.estimators.plain_numbers import are_plain, learn_plain, plain_columns, plain_numbers, plain_row
from nncore.estimators.sparse_rows import SparseRows
from nncore.estimators.standardized_rows import StandardizedRows
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing

#: Text with a greater share of different values names its rows rather than grouping them.
IDENTIFIER_SHARE = 0.7
#: So few different texts may be anything.
FEW = 20

#: Others become the first.
DTYPES = (np.float64, np.float32)

#: What `validate_data` takes for "there is no y to check".
NO_Y = "no_validation"


class ColumnEncoder:
    """Learns from the `X` of a fit how to make a matrix of it, and makes one of every later `X` likewise.

    Numbers stay as they are, in the order of the columns; categories become columns of zeros and ones or codes in their place.
    If nothing is categorical, `X` goes through scikit-learn's ``validate_data`` alone, and is not copied if it need not be.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        "from_dtype" takes the columns of a frame that hold categories, enumerations or text, and none of an array. A boolean mask
        of shape ``(n_features,)``, indices or column names say which. None says that there are none.
    max_one_hot : int, default 9
        Columns with more levels, "missing" included, become codes that a network learns a vector for.
    standardize : bool, default False
        Numbers get the mean 0 and the standard deviation 1 that they have in the rows given to `fit_transform`. A sparse matrix is
        made dense for it.

    Attributes
    ----------
    is_categorical : ndarray of shape (n_features,), bool, or None
        None if no column is.
    n_columns : int
        Columns of the matrix.
    number_columns : ndarray of int64
        Columns of the matrix that hold numbers as they were.
    has_missing : ndarray of shape (n_columns,), bool
        Numeric columns in which training had NaN, which stays NaN: `front_layers` learn a value for it.
    standardizer : Standardizer or None
    means : ndarray of shape (n_columns,), float64
        Of what is there. NaN in a numeric column without NaN in training becomes this.

    Notes
    -----
    Infinity is refused, also where NaN is not. A sparse matrix may have neither.
    """

    def __init__(self, categorical_features: Any = "from_dtype", max_one_hot: int = 9, standardize: bool = False) -> None:
        self.categorical_features, self.max_one_hot, self.standardize = categorical_features, max_one_hot, standardize

    # ---- learning -----------------------------------------------------------------------------------------------------------

    def fit_transform(
        self, estimator: Any, X: Any, y: Any = NO_Y, sample_weight: Any = None, *, dtype: np.dtype | None = None, **check_params: Any
    ) -> Any:
        """Matrix of `X`, or matrix and checked `y`; what ``validate_data(estimator, X, y, reset=True, **check_params)`` returns.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``.
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like, optional
        sample_weight : array-like of shape (n_samples,), optional
            Of the rows in mean and standard deviation.
        dtype : dtype, optional
            Of the matrix, rounded to it last; None is that of `X` if it is float32 or float64, else float64.
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
        self.is_categorical = self._categorical(columns, X)
        self.categories: dict[int, Categories] = {}
        if self.is_categorical is None:
            result = self._validate_plain(estimator, X, columns, y, reset=True, **check_params)
        else:
            columns = self._checked_columns(estimator, X, columns, reset=True)
            codes = {}
            for i in np.flatnonzero(self.is_categorical).tolist():
                values = columns[i].factorized()
                self.categories[i] = Categories.learn(values, self.max_one_hot)
                self._warn_of_names(columns, i)
                codes[i] = self.categories[i].codes(columns.label(i), values)
            result = self._validate_encoded(estimator, columns, codes, y, **check_params)
        matrix = result[0] if isinstance(result, tuple) else result
        self._look_at_numbers(matrix)
        self.standardizer: Standardizer | None = None
        if self.standardize:
            matrix = matrix.toarray() if issparse(matrix) else matrix
            weights = None if sample_weight is None else _check_sample_weight(sample_weight, matrix, dtype=np.float64)
            labels = None if columns is None else [f"{columns.label(i)} of X" for i in range(len(columns)) if i not in self.categories]
            self.standardizer = Standardizer.fit(matrix, self.number_columns, weights, labels)
        elif dtype is not None and not issparse(matrix):
            warn_of_lost_digits(matrix, "X", dtype)
        matrix = self._rounded(matrix, dtype, X)
        return (matrix, result[1]) if isinstance(result, tuple) else matrix

    def _rounded(self, matrix: Any, dtype: np.dtype | None, X: Any = None) -> Any:
        """The matrix in the dtype of the network: the last step, after all that needs the digits of the numbers.

        With the array `X` that it was made from, it is written to if it is a copy: of integers, such as pixels, there need not be two.
        """
        if self.standardizer is not None:
            is_copy = isinstance(X, np.ndarray) and isinstance(matrix, np.ndarray) and not np.may_share_memory(matrix, X)
            return self.standardizer.transform(matrix.toarray() if issparse(matrix) else matrix, dtype, in_place=is_copy)
        if dtype is None or matrix.dtype == dtype:
            return matrix
        if not issparse(matrix):
            check_finite(matrix, "X", dtype, allow_nan=True)
        return matrix.astype(dtype)

    def _warn_of_names(self, columns: Columns, index: int) -> None:
        """Say so if text that nobody called categorical has too many levels."""
        n_levels, n_rows = len(self.categories[index].levels), columns.n_rows
        if self._is_guess and columns.kind(index) != "category" and n_levels > max(IDENTIFIER_SHARE * n_rows, FEW):
            warn_user(
                f"{columns.label(index)} of X has {n_levels} different texts in {n_rows} rows: it names the rows, and a network learns "
                "such names by heart. Drop it, or name it in categorical_features if it is meant",
                DataWarning,
            )

    def _look_at_numbers(self, matrix: Any) -> None:
        """Which columns of the matrix hold numbers, which of them have NaN, and the means of what is there."""
        self.n_columns = matrix.shape[1]
        coded = [c for start, categories in self.category_columns for c in range(start, start + categories.width)]
        columns = np.arange(self.n_columns)
        self.number_columns = np.setdiff1d(columns, coded) if coded else columns
        self.has_missing = np.zeros(self.n_columns, bool)
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.asarray(matrix.mean(axis=0, dtype=np.float64)).ravel()
        for column in np.flatnonzero(~np.isfinite(means)):
            values = matrix[:, [column]].toarray() if issparse(matrix) else matrix[:, column]
            present = values[~np.isnan(values)].astype(np.float64)
            self.has_missing[column] = len(present) < len(values)
            means[column] = (present / max(len(present), 1)).sum()  # a sum of huge numbers may overflow, their mean does not
        self.means = means
        self._makes_rows = self.is_categorical is None and not self.has_missing.any()

    @property
    def category_columns(self) -> list[tuple[int, Categories]]:
        """First column in the matrix of each categorical column, and its categories."""
        starts, shift = [], 0
        for feature, categories in self.categories.items():
            starts.append((feature + shift, categories))
            shift += categories.width - 1
        return starts

    # ---- using --------------------------------------------------------------------------------------------------------------

    def rows(self, estimator: Any, X: Any) -> Samples:
        """The matrix of another `X`, by `transform`; what can be made of some rows at a time is made when they are asked for.

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
                encoded: NDArray[np.floating] = self._rounded(self._encoded(len(others), iter(others.T), codes), None)
                return encoded
        elif (numbers := plain_numbers(estimator, X)) is not None:
            return numbers if self.standardizer is None else StandardizedRows(numbers, self.standardizer)
        matrix = self.transform(estimator, admitted(X, "X", holes=True), accept_sparse=["csr", "csc"])
        return SparseRows(matrix) if issparse(matrix) else matrix

    def row(self, estimator: Any, x: Any) -> NDArray[np.floating] | None:
        """The row of the matrix for one sample, if that is an array of plain numbers; None if `transform` has to look at it.

        Whether the numbers are finite is left to the network.
        """
        row = plain_row(estimator, x) if self._makes_rows else None
        if row is None or self.standardizer is None:
            return row
        standardized: NDArray[np.floating] = ((row - self.standardizer.mean) / self.standardizer.std).astype(row.dtype)
        return standardized

    def transform(self, estimator: Any, X: Any, y: Any = NO_Y, *, dtype: np.dtype | None = None, **check_params: Any) -> Any:
        """The same for another `X`; what ``validate_data(estimator, X, y, reset=False, **check_params)`` returns.

        A category that training did not have is all zero, or a code of its own for the embedding. NaN in a numeric column that had
        none in training becomes the column's mean.

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
            result = self._validate_encoded(estimator, columns, codes, y, **check_params)
        matrix = self._filled(self._rounded(result[0] if isinstance(result, tuple) else result, dtype, X))
        return (matrix, result[1]) if isinstance(result, tuple) else matrix

    def _filled(self, matrix: Any) -> Any:
        """Without NaN where training had none; itself if there is none at all."""
        with np.errstate(over="ignore", invalid="ignore"):
            if issparse(matrix) or not np.isnan(matrix.sum()):
                return matrix
        holes = np.isnan(matrix)
        holes[:, self.has_missing] = False
        return np.where(holes, self._first_fillings().astype(matrix.dtype), matrix) if holes.any() else matrix

    def _first_fillings(self) -> NDArray[np.float64]:
        """The means as the matrix has them, shape (n_columns,)."""
        if self.standardizer is None:
            return self.means
        fillings: NDArray[np.float64] = self.standardizer.transform(self.means[None])[0]
        return fillings

    def front_layers(self) -> list[Layer]:
        """Layers to put before the first one of a network that takes the matrix: for missing numbers, which begin as their column's
        mean, then for categories."""
        layers: list[Layer] = []
        if self.has_missing.any():
            layers.append(FillMissing(np.flatnonzero(self.has_missing).tolist(), values=self._first_fillings()[self.has_missing]))
        coded = [(start, categories.n_levels) for start, categories in self.category_columns if not categories.one_hot]
        if coded:
            layers.append(Embedding([n_levels for _, n_levels in coded], columns=[start for start, _ in coded]))
        return layers

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

    def _validate_encoded(
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
        matrix = self._encoded(columns.n_rows, numbers, codes)
        if isinstance(y, str) and y == NO_Y:
            return check_array(matrix, ensure_all_finite="allow-nan", estimator=estimator, input_name="X", **check_params)
        return check_X_y(matrix, y, ensure_all_finite="allow-nan", estimator=estimator, **check_params)

    def _encoded(self, n_rows: int, numbers: Iterator[NDArray[Any]], codes: dict[int, NDArray[Any]]) -> NDArray[np.float64]:
        """The matrix of the columns of numbers, one after the other, and of the codes of the others by their numbers."""
        assert self.is_categorical is not None, "plain numbers are not encoded"
        matrix = np.empty((n_rows, len(self.is_categorical) + sum(categories.width - 1 for categories in self.categories.values())))
        widths = [self.categories[i].width if i in self.categories else 1 for i in range(len(self.is_categorical))]
        starts = np.cumsum([0, *widths]).tolist()
        for i, start in enumerate(starts[:-1]):
            if i not in self.categories:
                matrix[:, start] = next(numbers)
        for rows in blocks(n_rows, matrix.itemsize * matrix.shape[1]):  # so that they stay in the caches from column to column
            for i, categories in self.categories.items():
                categories.write(codes[i][rows], matrix[rows, starts[i] : starts[i + 1]])
        return matrix

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
