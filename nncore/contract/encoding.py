"""Encodings: turn columns of a table into numbers for a network, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nncore.contract.configurable import Configurable
from nncore.contract.formula import Graph, Value
from nncore.contract.statistics import Statistic
from nncore.errors import FileFormatError, NoFormulaError

#: What an encoding has learned: arrays of float64 or int64 by name. It is plain data, which files hold.
Learned: TypeAlias = "dict[str, NDArray[Any]]"  # a text: sphinx takes a generic alias for a function


class Encoding(Configurable):
    """Base class of encodings: turn columns of a table into numbers, learned from the training rows.

    An encoding has no state. It learns a dict of arrays, which the host stores, writes to files and passes back. One call works on many
    columns, each encoded independently. It learns from `statistics`, which see rows in blocks, so data may be larger than memory. The host
    passes finite numbers and NaN, and weights above 0, and silences NumPy's warnings of overflow and invalid values. If a result is
    infinite, the host raises an error that names the column.

    Attributes
    ----------
    takes : {"numbers", "levels", "times"}
        Type of the columns. ``"numbers"``: float64, NaN where missing. ``"levels"``: int64 codes from 0, -1 where missing or unknown.
        ``"times"``: datetime64[us], NaT where missing.
    gives : {"numbers", "levels"}
        Type of the encoded columns. Levels are codes as above in float64, for an `nncore.Embedding`.
    learns : mapping of str to {"float64", "int64"}
        Names and dtypes of the learned arrays. An encoding of levels learns ``"n_levels"``, the number of levels of each column.
    ragged : tuple of str
        Learned arrays without one entry for each column. In all others the first dimension is the columns. The arrays of several columns
        are those of each, concatenated along the first dimension, also ragged ones.
    draws : bool
        Whether learning is random, and needs `seeds`.
    invertible : bool
        Whether there is `inverse`, which targets need.
    """

    takes: ClassVar[str] = "numbers"
    gives: ClassVar[str] = "numbers"
    learns: ClassVar[Mapping[str, str]] = {}
    ragged: ClassVar[tuple[str, ...]] = ()
    draws: ClassVar[bool] = False
    invertible: ClassVar[bool] = False

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        """Return the statistics of columns to compute in one pass over the rows.

        Parameters
        ----------
        n_columns : int
            Number of columns, perhaps 0.

        Returns
        -------
        sequence of Statistic
            New instances. `nncore.plugin` has `Means`, `Moments`, `Extremes`, `Missing` and `RowSample`; you may write your own. Empty if
            nothing depends on rows.
        """
        return ()

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        """Learn from the training rows what `encode` needs.

        Parameters
        ----------
        statistics : sequence of Statistic
            The statistics of the method `statistics`, after at least one row. A row of weight 2 counts like two rows.
        n_columns : int
            Number of columns.
        n_levels : ndarray of shape (n_columns,), int64, or None
            Number of levels of each column, if the encoding takes levels.
        seeds : ndarray of shape (n_columns,), uint64, or None
            Seeds of the random numbers of each column, if it `draws`.

        Returns
        -------
        dict of str to ndarray
            The arrays that `learns` names.
        """
        return {}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        """Number of encoded columns of each column; 1 by default.

        Parameters
        ----------
        learned : dict of str to ndarray
        n_columns : int

        Returns
        -------
        ndarray of shape (n_columns,), int64
            0 for a column that is dropped.
        """
        return np.ones(n_columns, np.int64)

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        """Write the encoded columns into `out`, those of the first column first.

        Parameters
        ----------
        columns : ndarray of shape (n_samples, n_columns)
            Rows to encode, perhaps none. They are read-only.
        learned : dict of str to ndarray
            The learned arrays.
        out : ndarray of shape (n_samples, sum of widths), float64
            Array to fill, contiguous in C or Fortran order, with arbitrary content. Write NaN for a missing number, unless the encoding
            replaces missing numbers.
        """
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        """Decode: compute the columns from the encoded ones.

        Parameters
        ----------
        encoded : ndarray of shape (n_samples, sum of widths), float64
        learned : dict of str to ndarray

        Returns
        -------
        ndarray of shape (n_samples, n_columns), float64
        """
        raise NotImplementedError(f"{type(self).__name__}.inverse")

    def n_levels(self, learned: Learned) -> NDArray[np.int64]:
        """Number of levels of each encoded column, if the encoding gives levels.

        Returns
        -------
        ndarray of shape (sum of widths,), int64
        """
        n_levels: NDArray[np.int64] = learned["n_levels"]
        return n_levels

    def names(self, columns: Sequence[str], learned: Learned, levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        """Names of the encoded columns.

        Parameters
        ----------
        columns : sequence of str
            Names of the columns.
        learned : dict of str to ndarray
            The learned arrays.
        levels : sequence of sequences of str, optional
            Names of the levels of each column.

        Returns
        -------
        list of str
            The name of the column if it becomes one column, else the name and a number.
        """
        named = zip(columns, self.widths(learned, len(columns)).tolist(), strict=True)
        return [name if width == 1 else f"{name}_{k}" for name, width in named for k in range(width)]

    def check(self, learned: Learned, n_columns: int) -> None:
        """Raise an error for arrays that cannot have been learned, such as those of a damaged file.

        A class adds checks of what its `encode` relies on.

        Parameters
        ----------
        learned : dict of str to ndarray
        n_columns : int

        Raises
        ------
        FileFormatError
            If names, dtypes or lengths are not those of `learns`, or a number is not finite.
        """
        self.require(learned.keys() == self.learns.keys(), f"has {sorted(learned)}, not {sorted(self.learns)}")
        for name, dtype in self.learns.items():
            array = learned[name]
            self.require(array.dtype == dtype and array.ndim >= 1, f"has {name} of {array.dtype}{array.shape}, not of {dtype}")
            self.require(name in self.ragged or len(array) == n_columns, f"has {name} of {len(array)} columns, not of {n_columns}")
            self.require(bool(np.isfinite(array).all()), f"has {name} that is not finite")

    def require(self, is_right: bool, why: str) -> None:
        """For `check`: raise `FileFormatError` unless a condition holds; `why` continues a sentence after "it"."""
        if not is_right:
            raise FileFormatError(f"the learned state of {type(self).__name__} is damaged: it {why}")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        """Write the encoding with the primitives of `g`, for exports that predict without nncore.

        Parameters
        ----------
        g : Graph
            Its methods, and the operators of values, are all that a formula may use.
        x : Value of shape (n, n_columns)
            Numbers, levels as numbers, or times as seconds since 1970 in float64. Missing is NaN, or -1 for levels.
        learned : dict of str to ndarray
            The learned arrays.

        Returns
        -------
        Value of shape (n, sum of widths)

        Raises
        ------
        NoFormulaError
            If the class has none.
        """
        raise NoFormulaError(f"{type(self).__name__} has no formula, so it cannot be exported: write its method formula")

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        """Write `inverse` with the primitives of `g`, for targets of exports that predict without nncore.

        Parameters
        ----------
        g : Graph
            Its methods, and the operators of values, are all that a formula may use.
        encoded : Value of shape (n, sum of widths)
            The encoded targets.
        learned : dict of str to ndarray
            The learned arrays.

        Returns
        -------
        Value of shape (n, n_columns)

        Raises
        ------
        NoFormulaError
            If the class has none.
        """
        raise NoFormulaError(
            f"{type(self).__name__} has no formula of its inverse, so targets cannot be exported: write its inverse_formula"
        )
