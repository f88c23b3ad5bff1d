"""Encode users' samples as inputs of a network, and make the first layers that the network needs for them."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight

from nncore.contract import Layer, Learned
from nncore.data import EncodingChain, Samples, StreamBlock, check_finite, warn_of_lost_digits
from nncore.ensembles import EncodedRows, InputColumns, InputLayout, as_slice, dtype_of, label_of_number
from nncore.errors import ParameterError
from nncore.estimators.columns import NO_Y, TableColumns
from nncore.estimators.columns_learner import learn_columns
from nncore.estimators.plain_numbers import plain_row
from nncore.estimators.sparse_columns import learn_sparse_columns
from nncore.layers.fill_missing import FillMissing
from nncore.registry import resolve

#: One column for each level, also for two levels, so that a missing or unknown value is distinct from all levels.
ONE_HOT = ({"name": "one_hot", "binary": False},)

#: What ``standard`` learns where it changes nothing.
_UNCHANGED = {"mean": 0.0, "std": 1.0}


class ColumnEncoder(TableColumns):
    """Encoding of columns that is fitted to training rows and keeps their order.

    Numbers are unchanged or standardised. Categories become one-hot columns or codes, and dates become their parts.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default "from_dtype"
        See `TableColumns`.
    max_one_hot : int, default 9
        Columns with more levels, including "missing", become codes for an embedding layer.
    standardize : bool, default False
        Standardise numbers by mean and standard deviation of the rows in `fit_transform`. A sparse matrix becomes dense.

    Attributes
    ----------
    inputs : InputColumns or None
        None if samples are not changed.
    """

    def __init__(self, categorical_features: Any = "from_dtype", max_one_hot: int = 9, standardize: bool = False) -> None:
        super().__init__(categorical_features)
        self.max_one_hot, self.standardize = max_one_hot, standardize

    def fit_transform(
        self, estimator: Any, X: Any, y: Any = NO_Y, sample_weight: Any = None, *, dtype: np.dtype | None = None, **check_params: Any
    ) -> Any:
        """Fit the encoding to `X`, and return the inputs, or inputs and checked `y`.

        Parameters
        ----------
        estimator, X, y, **check_params
            See `TableColumns.fit_transform`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of rows for mean and standard deviation.
        dtype : dtype, optional
            Dtype of the inputs, rounded at the end. None: that of `X` if it is float32 or float64, else float64.

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
            layout, plain = self._layout, self.plain_columns
            label = partial(label_of_number, plain, self.names)
            numbers = EncodingChain.learn(self._of_numbers, samples[:, as_slice(plain)], sample_weight=weights, label=label)
            self.inputs = self._inputs_of(layout, numbers)
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
        """Encodings of numeric columns."""
        return ["standard"] if self.standardize else []

    def _inputs_of(self, layout: InputLayout, plain: EncodingChain) -> InputColumns:
        """Inputs with this chain for the numbers of `X`. Parts of dates are standardised already, and stay as they are."""
        places = np.searchsorted(layout.numbers, self.plain_columns)
        learned: list[Learned] = []
        for own in plain.learned:
            spread = {name: np.full(len(layout.numbers), _UNCHANGED[name]) for name in own}
            for name, values in own.items():
                spread[name][places] = values
            learned.append(spread)
        numbers = EncodingChain(plain.encodings, tuple(learned), len(layout.numbers))
        return InputColumns.of_numbers(layout, numbers, np.full((1, len(layout.hot)), -1), None, ONE_HOT)

    def learn_blocks(self, estimator: Any, blocks: Iterable[StreamBlock], *, is_sparse: bool = False) -> np.dtype:
        """Fit the encoding to blocks, with the same result as `fit_transform` to the last bit. `transform` then encodes blocks.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``.
        blocks : iterable of StreamBlock
            `X` for `transform`, and weights.
        is_sparse : bool, default False
            Whether blocks are sparse.

        Returns
        -------
        dtype
            float32 or float64: the dtype of the first block.

        Raises
        ------
        DataError, ParameterError
            See `fit_transform`.
        """
        self.inputs = None
        self._makes_rows = False
        if is_sparse:
            if self.standardize:
                raise ParameterError(
                    "standardize=True turns zeros into other numbers, but X gives sparse batches: scale them by "
                    "sklearn.preprocessing.MaxAbsScaler, or give dense batches"
                )
            dtype = learn_sparse_columns(self, estimator, blocks)
            self._makes_rows = True
            return dtype
        encodings = tuple(resolve("encodings", one) for one in self._of_numbers)
        learner, dtype = learn_columns(self, estimator, blocks, encodings)
        if self.standardize or self.categories:
            numbers = EncodingChain.of_learners([learner]) if learner else EncodingChain.learn((), np.zeros((1, len(self.plain_columns))))
            self.inputs = self._inputs_of(self._layout, numbers)
        self._makes_rows = self.has_numbers_alone and not self.has_missing.any()
        return dtype

    def transform(self, estimator: Any, X: Any, y: Any = NO_Y, *, dtype: np.dtype | None = None, **check_params: Any) -> Any:
        """Encode another `X`. An unknown category is 0 in all its columns, or -1 for the embedding."""
        result = super().transform(estimator, X, y, **check_params)
        if isinstance(result, tuple):
            return self._encoded(result[0], dtype, X), result[1]
        return self._encoded(result, dtype, X)

    def _encoded(self, samples: Any, dtype: np.dtype | None, X: Any) -> Any:
        """Inputs in the dtype of the network. This is the last step, after everything that needs full precision.

        Samples that are a copy of `X` are overwritten, so that integers (such as pixels) and codes are not copied twice.
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
        """The inputs for another `X`, encoded on access."""
        samples = super().rows(estimator, X)
        return samples if self.inputs is None else EncodedRows(samples, self.inputs)

    def row(self, estimator: Any, x: Any) -> NDArray[np.floating] | None:
        """The inputs for one sample, if it is an array of plain numbers; None if it needs `transform`.

        The network checks whether the numbers are finite.
        """
        row = plain_row(estimator, x) if self._makes_rows else None
        if row is None or self.inputs is None:
            return row
        return self.inputs.numbers.encode_row(row).astype(row.dtype, copy=False)

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.n_columns if self.inputs is None else self.inputs.n_inputs

    @property
    def number_inputs(self) -> NDArray[np.int64]:
        """Indices of the inputs that are numbers, standardised or not."""
        return self.number_columns if self.inputs is None else self.inputs.places[0]

    def front_layers(self) -> list[Layer]:
        """First layers of a network for these inputs: one that replaces missing numbers, initially by the column's mean, and embeddings."""
        if self.inputs is not None:
            fills, embeddings = self.inputs.front_layers(None, self.means)
            return [*fills, *embeddings]
        missing = np.flatnonzero(self.has_missing)
        return [FillMissing(missing.tolist(), values=self.means[missing])] if len(missing) else []
