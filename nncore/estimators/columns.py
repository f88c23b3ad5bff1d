"""Convert users' data to checked samples, with a column of numbers or codes for each feature."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, check_X_y, validate_data

from nncore.arguments import shown
from nncore.blocks import blocks
from nncore.contract import Means, Missing, block_rows
from nncore.data import Samples, admitted, sparse_samples
from nncore.errors import DataError, DataWarning, ParameterError, warn_user
from nncore.estimators.categories import Categories
from nncore.estimators.dates import Dates
from nncore.estimators.frames import Columns, as_mask, column_label, frame_columns, numbers_explained
from nncore.estimators.plain_numbers import are_plain, learn_plain, plain_columns, plain_numbers
from nncore.estimators.sparse_means import SparseMeans

#: Text with a greater share of distinct values identifies rows.
IDENTIFIER_SHARE = 0.7
#: With at most this many distinct texts, the share says nothing.
FEW = 20

#: Bytes of codes written at a time.
AT_ONCE = 2 * 2**20

#: Other dtypes become the first.
DTYPES = (np.float64, np.float32)

#: `validate_data`'s marker for "no y to check".
NO_Y = "no_validation"


class TableColumns:
    """Detects the kinds of columns in the `X` of a fit, and converts every later `X` in the same way.

    Numbers are not changed. A category becomes a code from 0. Missing values are the last level if training had some; unknown levels are
    -1. A date becomes several columns of numbers in its place. If there are only numbers, `X` is only checked by scikit-learn's
    ``validate_data``, and not copied unless necessary.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        "from_dtype" selects the columns of a data frame with categories, enumerations or text, and none of an array. A boolean mask of
        shape ``(n_features,)``, indices or column names select others. None selects none.

    Attributes
    ----------
    is_categorical : ndarray of shape (n_features,), bool, or None
        Mask of categorical columns; None if there are none.
    categories : dict of int to Categories
        Categories of each categorical column of `X`, by number, in order.
    dates : dict of int to Dates
        Encodings of each date column of `X`, by number, in order.
    names : list or None
        Names of the columns of samples, if `X` is a data frame.
    n_columns : int
        Number of columns of samples: those of `X`, and more for dates.
    starts : ndarray of int64
        First column in samples of each column of `X`.
    number_columns : ndarray of int64
        Columns of samples that hold numbers.
    has_missing : ndarray of shape (n_columns,), bool
        Mask of the columns with NaN in training. NaN stays NaN there.
    means : ndarray of shape (n_columns,), float64
        Means without NaN. They replace NaN in numeric columns without NaN in training.

    Notes
    -----
    Infinity raises an error, also where NaN is allowed. A sparse matrix may have neither.
    """

    def __init__(self, categorical_features: Any = "from_dtype") -> None:
        self.categorical_features = categorical_features

    # ---- learning -----------------------------------------------------------------------------------------------------------

    def fit_transform(self, estimator: Any, X: Any, y: Any = NO_Y, **check_params: Any) -> Any:
        """Fit to `X`, and return samples, or samples and checked `y`, like ``validate_data(estimator, X, y, reset=True, **check_params)``.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``.
        X : array-like, sparse matrix or frame of shape (n_samples, n_features)
        y : array-like, optional
        **check_params
            Arguments of ``validate_data``.

        Raises
        ------
        DataError
            If a numeric column holds other values, or a column holds durations.
        ParameterError
            If `categorical_features` does not fit `X`.
        """
        columns = frame_columns(X)
        self.is_categorical = self.categorical(columns, X)
        self.categories: dict[int, Categories] = {}
        self.dates: dict[int, Dates] = {}
        is_time = [] if columns is None else [i for i in range(len(columns)) if self.is_time(columns, i)]
        if self.is_categorical is None and not is_time:
            result = self._validate_plain(estimator, X, columns, y, reset=True, **check_params)
        else:
            columns = self.checked_columns(estimator, X, columns, reset=True)
            parts: dict[int, NDArray[Any]] = {}
            for i in [] if self.is_categorical is None else np.flatnonzero(self.is_categorical).tolist():
                values = columns[i].factorized()
                self.categories[i] = Categories.learn(values)
                self.warn_of_names(columns, i, columns.n_rows)
                parts[i] = self.categories[i].codes(columns.label(i), values)
            for i in is_time:
                self.dates[i], parts[i] = Dates.learn(columns[i])
            self.place(len(columns), columns.names)
            result = self._validate_parts(estimator, columns, parts, y, **check_params)
        samples = result[0] if isinstance(result, tuple) else result
        if self.has_numbers_alone:
            self.place(samples.shape[1], None if columns is None else columns.names)
        self._look_at_numbers(samples)
        return result

    @property
    def has_numbers_alone(self) -> bool:
        """Whether samples are the unchanged numbers of `X`."""
        return self.is_categorical is None and not self.dates

    def is_time(self, columns: Columns, index: int) -> bool:
        """Whether a column holds dates and is not declared categorical. Raises `DataError` for durations."""
        kind = columns.kind(index)
        if kind not in ("time", "duration") or (self.is_categorical is not None and self.is_categorical[index]):
            return False
        if kind == "duration":
            raise DataError(
                f"{columns.label(index)} of X holds durations: convert them to numbers, by X[{columns.names and columns.names[index]!r}]"
                ".dt.total_seconds(), or drop it"
            )
        return True

    def place(self, n_features: int, names: Sequence[Any] | None) -> None:
        """Set the positions of the `n_features` columns of `X` in samples, and their names."""
        widths = np.ones(n_features, np.int64)
        for index, dates in self.dates.items():
            widths[index] = dates.width
        self.n_columns = int(widths.sum())
        self.starts = np.cumsum(widths) - widths
        codes = self.starts[self.is_categorical] if self.is_categorical is not None else np.empty(0, np.int64)
        self.number_columns = np.setdiff1d(np.arange(self.n_columns), codes)
        self.names: list[Any] | None = None
        if names is not None:
            self.names = [one for i, name in enumerate(names) for one in (self.dates[i].names(name) if i in self.dates else [name])]

    def warn_of_names(self, columns: Columns, index: int, n_rows: int) -> None:
        """Warn about text with too many levels that is not declared categorical."""
        n_levels = len(self.categories[index].levels)
        if self._is_guess and columns.kind(index) != "category" and n_levels > max(IDENTIFIER_SHARE * n_rows, FEW):
            warn_user(
                f"{columns.label(index)} of X has {n_levels} different texts in {n_rows} rows: it identifies rows, and a network would "
                "memorise it. Drop it, or name it in categorical_features if that is intended",
                DataWarning,
            )

    def _look_at_numbers(self, samples: Any) -> None:
        """Find columns with NaN, and the means of the other values."""
        has_missing = np.zeros(self.n_columns, bool)
        if issparse(samples):
            sparse_means = SparseMeans(self.n_columns)
            sparse_means.add(samples)
            self.take_note(has_missing, sparse_means.mean)
            return
        with np.errstate(over="ignore", invalid="ignore"):
            means = np.asarray(samples.mean(axis=0, dtype=np.float64)).ravel()
        at_once = block_rows(len(self.starts))
        for column in np.flatnonzero(~np.isfinite(means)):
            values = samples[:, [column]]
            of_all, missing = Means(1), Missing(1)
            for start in range(0, len(values), at_once):
                block = values[start : start + at_once].astype(np.float64)
                of_all.add(block, None)
                missing.add(block, None)
            has_missing[column], means[column] = missing.any[0], of_all.mean[0]
        self.take_note(has_missing, means)

    def take_note(self, has_missing: NDArray[np.bool_], means: NDArray[np.float64]) -> None:
        """Set columns with NaN and means of samples. Both have no meaning for codes. Dates are standardised, so their means are 0."""
        self.has_missing, self.means = np.zeros(self.n_columns, bool), np.zeros(self.n_columns)
        self.has_missing[self.number_columns] = has_missing[self.number_columns]
        self.means[self.plain_columns] = means[self.plain_columns]

    @property
    def plain_columns(self) -> NDArray[np.int64]:
        """Columns of samples that hold numbers of `X`, not parts of dates."""
        of_dates = [np.arange(self.starts[i], self.starts[i] + dates.width) for i, dates in self.dates.items()]
        return np.setdiff1d(self.number_columns, np.concatenate(of_dates)) if of_dates else self.number_columns

    @property
    def category_columns(self) -> list[tuple[int, Categories]]:
        """The columns of codes in samples, and their categories."""
        return [(int(self.starts[index]), one) for index, one in self.categories.items()]

    # ---- using --------------------------------------------------------------------------------------------------------------

    def rows(self, estimator: Any, X: Any) -> Samples:
        """The samples of another `X`, by `transform`. Where possible, rows are converted on access.

        Parameters
        ----------
        estimator, X
            See `transform`; `X` may be sparse.

        Returns
        -------
        ndarray or Rows of shape (n_samples, n_columns)
            Checked samples. Plain numbers are not converted. `X` may have no rows, like an empty partition of larger data.
        """
        if self.is_categorical is not None and not self.dates:
            plain = plain_columns(estimator, X, self.is_categorical)
            if plain is not None:
                others, values = plain
                names = estimator.feature_names_in_
                codes = {i: categories.codes(column_label(names[i]), values[i]) for i, categories in self.categories.items()}
                return self._matrix(len(others), iter(others.T), codes)
        elif self.has_numbers_alone and (numbers := plain_numbers(estimator, X)) is not None:
            return numbers
        X = admitted(X, "X", holes=True)
        samples = TableColumns.transform(self, estimator, X, accept_sparse=["csr", "csc"], ensure_min_samples=0)
        return sparse_samples(samples, "X", may_be_dense=True) if issparse(samples) else samples

    def transform(self, estimator: Any, X: Any, y: Any = NO_Y, **check_params: Any) -> Any:
        """Convert another `X`, like ``validate_data(estimator, X, y, reset=False, **check_params)``.

        NaN in a column of numbers that had none in training becomes the column's mean.

        Raises
        ------
        DataError
            If a column of numbers or dates holds other values.
        ValueError
            From scikit-learn, if columns are missing, in another order, or too many.
        """
        columns = frame_columns(X)
        if self.has_numbers_alone:
            if columns is not None:
                self.refuse_new_times(columns, self.dates)
            result = self._validate_plain(estimator, X, columns, y, reset=False, **check_params)
        else:
            columns = self.checked_columns(estimator, X, columns, reset=False)
            self.refuse_new_times(columns, self.dates)
            parts = {i: categories.codes(columns.label(i), columns[i].factorized()) for i, categories in self.categories.items()}
            parts |= {i: dates.encode(columns[i]) for i, dates in self.dates.items()}
            result = self._validate_parts(estimator, columns, parts, y, **check_params)
        return (self._filled(result[0]), result[1]) if isinstance(result, tuple) else self._filled(result)

    def samples_to_learn(self, estimator: Any, X: Any, columns: Columns, parts: dict[int, NDArray[Any]]) -> NDArray[np.floating]:
        """Samples of a block while columns are learned: a column for each of `X`. `parts` are those of categories and dates.

        Parameters
        ----------
        estimator : estimator
        X : array-like or frame of shape (n_samples, n_features)
        columns : Columns
            Checked columns of `X`.
        parts : dict of int to ndarray of shape (n_samples,)
        """
        if parts:
            return self._validate_parts(estimator, columns, parts, NO_Y)
        return self._validate_plain(estimator, X, columns, NO_Y, reset=False)

    def samples_of_parts(self, numbers: NDArray[np.floating], parts: dict[int, NDArray[Any]]) -> NDArray[np.floating]:
        """Samples in the form of `transform`, from those of `samples_to_learn` and the learned parts of categories and dates."""
        if not parts:
            return numbers
        return self._matrix(len(numbers), (numbers[:, i] for i in range(numbers.shape[1]) if i not in parts), parts)

    def _filled(self, samples: Any) -> Any:
        """Replace NaN in columns without NaN in training. Returns `samples` itself if there is none."""
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
        try:
            with numbers_explained(X=X, **{} if type(y) is str and y == NO_Y else {"y": y}):
                return validate_data(estimator, X, y, dtype=DTYPES, ensure_all_finite=True if issparse(X) else "allow-nan", **check_params)
        except (TypeError, ValueError) as error:
            # For text, scikit-learn reports only that it is not a number, and not where it is.
            if columns is None and "could not convert string" in str(error):
                columns = Columns(np.asarray(X, object))
            for column in () if columns is None else columns:
                if column.kind != "number":
                    column.numbers()
            raise

    def checked_columns(self, estimator: Any, X: Any, columns: Columns | None, *, reset: bool) -> Columns:
        """Check names and number of the columns."""
        if columns is None:
            X = check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=0, estimator=estimator, input_name="X")
            columns = Columns(X)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return columns

    def _validate_parts(
        self,
        estimator: Any,
        columns: Columns,
        parts: dict[int, NDArray[Any]],
        y: Any,
        *,
        accept_sparse: Any = False,
        **check_params: Any,
    ) -> Any:
        self.check_width()
        numbers = (columns[i].numbers() for i in range(len(columns)) if i not in parts)
        samples = self._matrix(columns.n_rows, numbers, parts)
        if isinstance(y, str) and y == NO_Y:
            return check_array(samples, ensure_all_finite="allow-nan", estimator=estimator, input_name="X", **check_params)
        return check_X_y(samples, y, ensure_all_finite="allow-nan", estimator=estimator, **check_params)

    def check_width(self) -> None:
        """Raise `DataError` if samples have no columns."""
        if not self.n_columns:
            raise DataError("X has only columns of dates, and each is the same in all rows: there is nothing to learn from")

    def _matrix(self, n_rows: int, numbers: Iterator[NDArray[Any]], parts: dict[int, NDArray[Any]]) -> NDArray[np.float64]:
        """Make samples from the numeric columns, in order, and the codes and dates of other columns, by number."""
        samples = np.empty((n_rows, self.n_columns))
        codes = {i: own for i, own in parts.items() if own.ndim == 1}
        places = self.starts[list(codes)]
        is_all = np.array_equal(places, np.arange(self.n_columns))
        for i in np.setdiff1d(np.arange(len(self.starts)), list(parts)).tolist():
            samples[:, self.starts[i]] = next(numbers)
        for i in parts.keys() - codes.keys():
            samples[:, self.starts[i] : self.starts[i] + parts[i].shape[1]] = parts[i]
        if codes:
            for rows in blocks(n_rows, samples.itemsize * len(codes), of=AT_ONCE):  # to stay in the caches
                block = np.stack([own[rows] for own in codes.values()])
                samples[rows, slice(None) if is_all else places] = block.T
        return samples

    def refuse_new_times(self, columns: Columns, known: Container[int]) -> None:
        """Raise an error for dates outside of the `known` columns of dates: they would be read as numbers."""
        for i in range(len(columns)):
            if i not in known and self.is_time(columns, i):
                raise DataError(
                    f"{columns.label(i)} of X holds dates, where training had numbers: convert the column to its type in training"
                )

    @property
    def _is_guess(self) -> bool:
        return isinstance(self.categorical_features, str)

    def categorical(self, columns: Columns | None, X: Any) -> NDArray[np.bool_] | None:
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
            raise DataError("a sparse matrix cannot have categorical columns: encode them first, or pass X.toarray()")
        return mask
