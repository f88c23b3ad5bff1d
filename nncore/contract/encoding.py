"""Encodings: how columns of a table become the numbers that a network takes, in float64, before the network."""

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
    """How columns of a table become numbers, learned from the rows to train on and then the same for all rows.

    An encoding keeps nothing itself. What it learns is a dict of arrays, which the host keeps, writes to files and hands back. One call
    works on many columns, each encoded for itself. It learns from `statistics`, which see rows in blocks: so it learns from more rows than
    memory holds as from few. The host gives finite numbers and NaN, weights above 0, and silences NumPy's warnings
    of overflow and of invalid values; a result that is infinite becomes an error that names the column.

    Attributes
    ----------
    takes : {"numbers", "levels", "times"}
        What the columns hold: float64, NaN where a number is missing; int64 codes from 0, -1 where a level is missing or unknown;
        datetime64[us], NaT where a time is missing.
    gives : {"numbers", "levels"}
        What the encoded columns hold. Levels are codes as above, written as float64, for an `nncore.Embedding`.
    learns : mapping of str to {"float64", "int64"}
        The names and dtypes of what it learns. An encoding of levels learns ``"n_levels"``, the levels of each column.
    ragged : tuple of str
        Those of `learns` that do not have one entry a column. All others have: the first dimension is the columns. What is learned of
        several columns is what is learned of each, concatenated along the first dimension, also of ragged arrays.
    draws : bool
        Learning is random, and needs `seeds`.
    invertible : bool
        There is `inverse`, as targets need it.
    """

    takes: ClassVar[str] = "numbers"
    gives: ClassVar[str] = "numbers"
    learns: ClassVar[Mapping[str, str]] = {}
    ragged: ClassVar[tuple[str, ...]] = ()
    draws: ClassVar[bool] = False
    invertible: ClassVar[bool] = False

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        """What has to be found out about columns, by going once through their rows.

        Parameters
        ----------
        n_columns : int
            Perhaps 0.

        Returns
        -------
        sequence of Statistic
            New ones: `nncore.plugin` has `Means`, `Moments`, `Extremes`, `Missing` and `RowSample`, and a class of your own is as good.
            None, if nothing is to be known of rows.
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
        """What has to be known of columns to encode them.

        Parameters
        ----------
        statistics : sequence of Statistic
            Those that the method `statistics` made, of the rows to learn from; there was at least one row. A row of weight 2 counts like
            two rows.
        n_columns : int
        n_levels : ndarray of shape (n_columns,), int64, or None
            Levels of each column; given if it takes levels.
        seeds : ndarray of shape (n_columns,), uint64, or None
            What the random numbers of each column are to come from; given if it `draws`.

        Returns
        -------
        dict of str to ndarray
            As `learns` says.
        """
        return {}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        """How many columns each column becomes: 1, unless the class says otherwise.

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
            Rows to encode, perhaps none. They cannot be written to.
        learned : dict of str to ndarray
        out : ndarray of shape (n_samples, sum of widths), float64
            Contiguous, in C or Fortran order, and holds anything. A missing number is NaN in it, unless the encoding has numbers for
            missing ones.
        """
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def inverse(self, encoded: NDArray[np.float64], learned: Learned) -> NDArray[np.float64]:
        """The columns again, as far as what is encoded tells them.

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
        """Levels of each encoded column, if the encoding gives levels.

        Returns
        -------
        ndarray of shape (sum of widths,), int64
        """
        n_levels: NDArray[np.int64] = learned["n_levels"]
        return n_levels

    def names(self, columns: Sequence[str], learned: Learned, levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        """What the encoded columns are called.

        Parameters
        ----------
        columns : sequence of str
            What the columns are called.
        learned : dict of str to ndarray
        levels : sequence of sequences of str, optional
            What the levels of each column are called.

        Returns
        -------
        list of str
            The name of the column where it stays one, else that with a number.
        """
        named = zip(columns, self.widths(learned, len(columns)).tolist(), strict=True)
        return [name if width == 1 else f"{name}_{k}" for name, width in named for k in range(width)]

    def check(self, learned: Learned, n_columns: int) -> None:
        """Refuse what cannot have been learned, such as the content of a damaged file.

        A class adds what its `encode` relies on.

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
        """For `check`: raise `FileFormatError` if something is wrong; `why` goes on from "it"."""
        if not is_right:
            raise FileFormatError(f"what {type(self).__name__} has learned is damaged: it {why}")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        """The encoding written with the primitives of `g`, for programs that predict without nncore.

        Parameters
        ----------
        g : Graph
        x : Value of shape (n, n_columns)
            Numbers, levels as numbers, or times as seconds since 1970 in float64. What is missing is NaN, or -1 of levels.
        learned : dict of str to ndarray

        Returns
        -------
        Value of shape (n, sum of widths)

        Raises
        ------
        NoFormulaError
            If the class has none.
        """
        raise NoFormulaError(f"{type(self).__name__} has no formula, so that it works in nncore only: write its method formula")

    def inverse_formula(self, g: Graph, encoded: Value, learned: Learned) -> Value:
        """`inverse` written with the primitives of `g`, for targets of programs that predict without nncore.

        Parameters
        ----------
        g : Graph
        encoded : Value of shape (n, sum of widths)
        learned : dict of str to ndarray

        Returns
        -------
        Value of shape (n, n_columns)

        Raises
        ------
        NoFormulaError
            If the class has none.
        """
        raise NoFormulaError(f"{type(self).__name__} has no formula of its inverse, so targets need nncore: write its inverse_formula")
