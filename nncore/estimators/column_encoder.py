"""From what users hand an estimator of one network to its inputs, and the front layers that the network needs for them."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

from nncore.contract import Layer
from nncore.data import EncodingChain, Samples, check_finite, warn_of_lost_digits
from nncore.ensembles import EncodedRows, InputColumns, InputLayout, dtype_of
from nncore.estimators.columns import NO_Y, TableColumns
from nncore.estimators.columns_learner import Passes, learn_columns
from nncore.estimators.plain_numbers import plain_row
from nncore.layers.fill_missing import FillMissing
from nncore.registry import resolve

#: A column for each level, also of two, so that one that is missing or unknown is like none of them.
ONE_HOT = ({"name": "one_hot", "binary": False},)


class ColumnEncoder(TableColumns):
    """Samples whose columns are encoded as the rows of a fit say, in their order.

    Numbers stay as they are or are standardised; categories become columns of zeros and ones or codes in their place, dates their parts.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        As in `TableColumns`.
    max_one_hot : int, default 9
        Columns with more levels, "missing" included, become codes that a network learns a vector for.
    standardize : bool, default False
        Numbers get the mean 0 and the standard deviation 1 that they have in the rows given to `fit_transform`. A sparse matrix is
        made dense for it.

    Attributes
    ----------
    inputs : InputColumns or None
        None if samples stay as they are.
    """

    def __init__(self, categorical_features: Any = "from_dtype", max_one_hot: int = 9, standardize: bool = False) -> None:
        super().__init__(categorical_features)
        self.max_one_hot, self.standardize = max_one_hot, standardize

    def fit_transform(
        self, estimator: Any, X: Any, y: Any = NO_Y, sample_weight: Any = None, *, dtype: np.dtype | None = None, **check_params: Any
    ) -> Any:
        """Inputs for `X`, or inputs and checked `y`.

        Parameters
        ----------
        estimator, X, y, **check_params
            As in `TableColumns.fit_transform`.
        sample_weight : array-like of shape (n_samples,), optional
            Of the rows in mean and standard deviation.
        dtype : dtype, optional
            Of the inputs, rounded to it last; None is that of `X` if it is float32 or float64, else float64.

        Raises
        ------
        DataError
            If numbers are so large that they cannot be standardised.
        """
        result = super().fit_transform(estimator, X, y, **check_params)
        samples = result[0] if isinstance(result, tuple) else result
        self.inputs: InputColumns | None = None
        if self.standardize or self.categories:
            samples = samples.toarray() if issparse(samples) else samples
            weights = None
            if self.standardize and sample_weight is not None:
                weights = _check_sample_weight(sample_weight, samples, dtype=np.float64)
            self.inputs = InputColumns.learn(self._layout, samples, weights, self._of_numbers, ONE_HOT)
        if not self.standardize and dtype is not None and not issparse(samples):
            warn_of_lost_digits(samples, "X", dtype)
        self._makes_rows = self.has_numbers_alone and not self.has_missing.any()
        inputs = self._encoded(samples, dtype, X)
        return (inputs, result[1]) if isinstance(result, tuple) else inputs

    @property
    def _layout(self) -> InputLayout:
        hot = [start for start, one in self.category_columns if one.n_levels <= self.max_one_hot]
        return InputLayout.of(self, hot, missing_is_level=True, in_place=True, names=self.names)

    @property
    def _of_numbers(self) -> list[str]:
        """The encodings of columns of numbers."""
        return ["standard"] if self.standardize else []

    def learn_blocks(self, estimator: Any, passes: Passes) -> np.dtype:
        """What `fit_transform` learns, from blocks, with its bits; `transform` makes inputs of them.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``.
        passes : callable
            Gives the blocks again each time: their `X` as `transform` takes it, and their weights.

        Returns
        -------
        dtype
            float32 or float64: that of the samples of the first block.

        Raises
        ------
        DataError, ParameterError
            As in `fit_transform`.
        """
        self.inputs = None
        self._makes_rows = False
        encodings = tuple(resolve("encodings", one) for one in self._of_numbers)
        learner, dtype = learn_columns(self, estimator, passes, encodings)
        if self.standardize or self.categories:
            layout = self._layout
            numbers = EncodingChain.of_learners([learner]) if learner else EncodingChain.learn((), np.zeros((1, len(layout.numbers))))
            self.inputs = InputColumns.of_numbers(layout, numbers, np.full((1, len(layout.hot)), -1), None, ONE_HOT)
        self._makes_rows = self.has_numbers_alone and not self.has_missing.any()
        return dtype

    def transform(self, estimator: Any, X: Any, y: Any = NO_Y, *, dtype: np.dtype | None = None, **check_params: Any) -> Any:
        """The same for another `X`. A category that training did not have is all zero, or -1 for the embedding."""
        result = super().transform(estimator, X, y, **check_params)
        if isinstance(result, tuple):
            return self._encoded(result[0], dtype, X), result[1]
        return self._encoded(result, dtype, X)

    def _encoded(self, samples: Any, dtype: np.dtype | None, X: Any) -> Any:
        """Inputs in the dtype of the network: the last step, after all that needs the digits of the numbers.

        The samples are written to if they are a copy of `X`: of integers, such as pixels, and of codes there need not be two.
        """
        if dtype is not None and dtype != samples.dtype and not self.standardize and not issparse(samples):
            check_finite(samples, "X", dtype, allow_nan=True)
        if self.inputs is None:
            return samples if dtype is None else samples.astype(dtype, copy=False)
        samples = samples.toarray() if issparse(samples) else samples
        dtype = dtype_of(samples) if dtype is None else dtype
        is_copy = not self.has_numbers_alone or (isinstance(X, np.ndarray) and not np.may_share_memory(samples, X))
        fits = samples.dtype == dtype and samples.shape[1] == self.inputs.n_inputs
        return self.inputs.encode(samples, dtype, out=samples if is_copy and fits else None)

    def rows(self, estimator: Any, X: Any) -> Samples:
        """The inputs for another `X`, encoded as they are asked for."""
        samples = super().rows(estimator, X)
        return samples if self.inputs is None else EncodedRows(samples, self.inputs)

    def row(self, estimator: Any, x: Any) -> NDArray[np.floating] | None:
        """The inputs for one sample, if that is an array of plain numbers; None if `transform` has to look at it.

        Whether the numbers are finite is left to the network.
        """
        row = plain_row(estimator, x) if self._makes_rows else None
        if row is None or self.inputs is None:
            return row
        return self.inputs.numbers.encode_row(row).astype(row.dtype, copy=False)

    @property
    def n_inputs(self) -> int:
        """Columns of the inputs."""
        return self.n_columns if self.inputs is None else self.inputs.n_inputs

    @property
    def number_inputs(self) -> NDArray[np.int64]:
        """Which of the inputs are numbers, standardised or as they were."""
        return self.number_columns if self.inputs is None else self.inputs.places[0]

    def front_layers(self) -> list[Layer]:
        """Layers to put before the first one of a network that takes the inputs: for missing numbers, which begin as their column's
        mean, then for categories."""
        if self.inputs is not None:
            fills, embeddings = self.inputs.front_layers(None, self.means)
            return [*fills, *embeddings]
        missing = np.flatnonzero(self.has_missing)
        return [FillMissing(missing.tolist(), values=self.means[missing])] if len(missing) else []
