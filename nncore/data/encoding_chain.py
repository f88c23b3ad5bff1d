"""Chains of encodings for columns of a table: fitted, applied in blocks, saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore import registry
from nncore.arguments import as_seed, rescaled, several, shown
from nncore.blocks import BLOCK, blocks
from nncore.contract import Encoding, Graph, Learned, Value
from nncore.data.chain_learner import INFINITE, NOTHING_TO_LEARN, ChainLearner, SampleLearner
from nncore.data.encoding_json import array_of, learns_of, plain
from nncore.data.encoding_part import (
    DTYPES,
    MOST_COLUMNS,
    Label,
    Part,
    check_codes,
    checked_columns,
    has_infinite,
    level_counts,
    random_words,
    refuse_infinite,
)
from nncore.data.source import as_row_numbers
from nncore.data.targets import as_weights
from nncore.errors import DataError, FileFormatError, ParameterError, ShapeError

#: Bytes of the columns that are fitted at a time: several columns, since a cache line holds numbers of several. The C library reuses memory
#: of this size for the next block instead of returning it to the system.
LEARNED_AT_ONCE = 2 * BLOCK

#: Message about a column that cannot be encoded.
TOO_LARGE = "has a number too large compared with those of training: divide the column first"

#: Bytes of rows that are encoded at a time, with the intermediate results. Encodings read them several times, five times as fast from the
#: cache of a core.
ENCODED_AT_ONCE = 512 * 2**10


@dataclass(frozen=True, eq=False)
class EncodingChain:
    """Fitted encodings, applied one after the other.

    Attributes
    ----------
    encodings : tuple of Encoding
    learned : tuple of dict of str to ndarray
        What each encoding has learned.
    n_columns : int
        Number of input columns.
    """

    encodings: tuple[Encoding, ...]
    learned: tuple[Learned, ...]
    n_columns: int

    def __eq__(self, other: object) -> bool:
        """Whether the encodings and what they have learned are equal."""
        if not isinstance(other, EncodingChain):
            return NotImplemented
        one, two = self.arrays(), other.arrays()
        is_alike = (self.n_columns, self.description(), one.keys()) == (other.n_columns, other.description(), two.keys())
        return is_alike and all(np.array_equal(array, two[name]) for name, array in one.items())

    __hash__ = None  # type: ignore[assignment]  # what holds arrays has none

    # ---- learning -----------------------------------------------------------------------------------------------------------

    @classmethod
    def learn(
        cls,
        encodings: Any,
        columns: NDArray[Any],
        *,
        rows: NDArray[np.integer] | None = None,
        sample_weight: NDArray[np.floating] | None = None,
        n_levels: Sequence[int] | NDArray[np.integer] | None = None,
        rng: Any = 0,
        label: Label | None = None,
        width: int | None = None,
    ) -> Self:
        """Fit the encodings to columns in memory, each to the output of the one before.

        Parameters
        ----------
        encodings : sequence of str, Encoding or dict
            ``["robust", "smooth_clip"]``. An empty list leaves numbers unchanged.
        columns : ndarray of shape (n_samples, n_columns)
            Columns of the kind that the first encoding takes. Missing values are NaN in numbers, -1 in category codes and NaT in
            datetime64.
        rows : ndarray of shape (n_rows,), int64, optional
            Rows to fit to; None: all.
        sample_weight : ndarray of shape (n_samples,), optional
            Weights of all samples. A weight of 2 counts like two rows, a weight of 0 like none.
        n_levels : sequence of int, optional
            Number of levels of each column, for encodings of categories.
        rng : int, Generator or SeedSequence, default 0
            Seed for encodings that draw random numbers. The numbers of a column do not depend on other columns.
        label : callable, optional
            Returns a column's name in messages, given its number; by default ``"column 0"``.
        width : int, optional
            Number of columns of the table, if these are only some of them: fewer rows of wide tables are sampled for quantiles.

        Raises
        ------
        ParameterError
            If an encoding does not accept the output of the one before, or `n_levels` does not fit.
        DataError, DtypeError, ShapeError
            If the first encoding does not accept the columns, or values are infinite or too large to be encoded.
        """
        chain = _linked(encodings)
        takes = _takes(chain)
        array = checked_columns(columns, takes)
        n_samples, n_columns = array.shape
        chosen = np.arange(n_samples) if rows is None else as_row_numbers(rows, "rows", n_samples)
        if len(chosen) == 0:
            raise DataError(NOTHING_TO_LEARN)
        weights = as_weights(sample_weight, n_samples)
        if weights is not None:
            chosen = chosen[weights[chosen] > 0]
            weights = rescaled(weights[chosen])
            if len(chosen) == 0:
                raise DataError("sample_weight is 0 for all rows to learn an encoding from")
        counts = level_counts(n_levels, n_columns) if takes == "levels" else None
        seeds = cls.seeds(chain, n_columns, rng)
        is_all = len(chosen) == n_samples and rows is None
        learners = []
        for some in _blocks_of_columns(chain, len(chosen), counts, n_columns):
            own = np.asfortranarray(array[:, some] if is_all else array[chosen, some], DTYPES[takes][1])
            own_counts, own_seeds = None if counts is None else counts[some], None if seeds is None else seeds[some]
            learner = ChainLearner(chain, np.arange(n_columns)[some], own_counts, own_seeds, label, n_columns if width is None else width)
            while learner.wants_rows:
                learner.add(own, weights)
                learner.end_pass()
            learners.append(learner)
        return cls.of_learners(learners)

    @classmethod
    def learner(
        cls,
        encodings: Any,
        n_columns: int,
        *,
        n_levels: Sequence[int] | NDArray[np.integer] | None = None,
        rng: Any = 0,
        label: Label | None = None,
    ) -> ChainLearner:
        """Start to fit the encodings to rows in blocks. `of_learners` makes the fitted chain.

        Parameters
        ----------
        encodings, n_levels, rng, label
            See `learn`.
        n_columns : int

        Raises
        ------
        ParameterError
            See `learn`.
        """
        chain = _linked(encodings)
        counts = level_counts(n_levels, n_columns) if _takes(chain) == "levels" else None
        return ChainLearner(chain, np.arange(n_columns), counts, cls.seeds(chain, n_columns, rng), label)

    @classmethod
    def of_sample(
        cls,
        encodings: Any,
        sample: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
        edges: NDArray[Any],
        *,
        n_levels: Sequence[int] | NDArray[np.integer] | None = None,
        rng: Any = 0,
        label: Label | None = None,
    ) -> Self:
        """Fit the encodings to a sample of rows and to the extremes of all: see `SampleLearner`.

        Parameters
        ----------
        encodings, n_levels, rng, label
            See `learn`.
        sample : ndarray of shape (n_sampled, n_columns)
        sample_weight : ndarray of shape (n_sampled,), float64, or None
            Weights above 0.
        edges : ndarray of shape (n_edges, n_columns)

        Raises
        ------
        DataError
            If there are no rows, or a number is infinite or too large to be encoded.
        """
        if not len(sample):
            raise DataError(NOTHING_TO_LEARN)
        chain = _linked(encodings)
        n_columns, takes = sample.shape[1], _takes(chain)
        counts = level_counts(n_levels, n_columns) if takes == "levels" else None
        seeds = cls.seeds(chain, n_columns, rng)
        learners = []
        for some in _blocks_of_columns(chain, len(sample), counts, n_columns):
            own_counts, own_seeds = None if counts is None else counts[some], None if seeds is None else seeds[some]
            origins = np.arange(n_columns)[some]
            parts = (Part(np.asfortranarray(rows[:, some], DTYPES[takes][1]), origins, label, own_seeds) for rows in (sample, edges))
            learners.append(SampleLearner(chain, next(parts), sample_weight, next(parts), own_counts))
        return cls.of_learners(learners)

    @staticmethod
    def seeds(encodings: Sequence[Encoding], n_columns: int, rng: Any) -> NDArray[np.uint64] | None:
        """Seeds of the columns, from an int, Generator or SeedSequence; None if no encoding draws random numbers."""
        return random_words(as_seed(rng), n_columns) if any(one.draws for one in encodings) else None

    @classmethod
    def of_learners(cls, learners: Sequence[ChainLearner | SampleLearner]) -> Self:
        """Join the results of one or more learners of the same encodings: the chain for the columns of all, side by side.

        Raises
        ------
        DataError
            If there are too many columns.
        """
        found, n_columns = [learner.learned for learner in learners], sum(learner.n_columns for learner in learners)
        learned = tuple({name: np.concatenate([one[name] for one in each]) for name in each[0]} for each in zip(*found, strict=True))
        made = cls(learners[0].encodings, learned, n_columns)
        if max(made._counts) > MOST_COLUMNS:
            raise DataError(
                f"{n_columns} columns would become {max(made._counts)}, more than {MOST_COLUMNS}: use another encoding for those of many "
                "levels"
            )
        return made

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """Number of columns before the first encoding, between encodings, and after the last."""
        counts = [self.n_columns]
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            counts.append(int(encoding.widths(learned, counts[-1]).sum()))
        return tuple(counts)

    @property
    def n_encoded(self) -> int:
        """Number of encoded columns."""
        return self._counts[-1]

    @property
    def widths(self) -> NDArray[np.int64]:
        """Number of encoded columns of each column, int64 of shape (n_columns,). They are side by side."""
        widths = np.ones(self.n_columns, np.int64)
        for encoding, learned, count in zip(self.encodings, self.learned, self._counts, strict=False):
            ends = np.concatenate([[0], np.cumsum(encoding.widths(learned, count))])
            bounds = np.concatenate([[0], np.cumsum(widths)])
            widths = np.diff(ends[bounds])
        return widths

    @property
    def n_levels(self) -> NDArray[np.int64] | None:
        """Number of levels of each encoded column, int64 of shape (n_encoded,), for an `nncore.Embedding`; None if the columns hold
        numbers."""
        return self.encodings[-1].n_levels(self.learned[-1]) if self.encodings and self.encodings[-1].gives == "levels" else None

    def names(self, columns: Sequence[str], levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        """Names of the encoded columns.

        Parameters
        ----------
        columns : sequence of str
            Names of the columns.
        levels : sequence of sequences of str, optional
            Names of the levels of each column.

        Returns
        -------
        list of str
        """
        named = list(columns)
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            named, levels = encoding.names(named, learned, levels), None
        return named

    # ---- applying --------------------------------------------------------------------------------------------------------------

    def encode(
        self,
        columns: NDArray[Any],
        *,
        dtype: np.dtype | type = np.float64,
        out: NDArray[np.floating] | None = None,
        label: Label | None = None,
    ) -> NDArray[np.floating]:
        """Encode columns, in float64 and in blocks of rows; results are rounded to `dtype`.

        Parameters
        ----------
        columns : ndarray of shape (n_samples, n_columns)
        dtype : dtype, default float64
            Dtype of a new result.
        out : ndarray of shape (n_samples, n_encoded), optional
            Array to write to instead; it may be some columns of a larger matrix.
        label : callable, optional
            Returns a column's name in messages, given its number; by default ``"column 0"``.

        Returns
        -------
        ndarray of shape (n_samples, n_encoded)

        Raises
        ------
        DataError, DtypeError, ShapeError
            If the columns differ in kind from those fitted to, or hold a number that is infinite or whose code exceeds the range of the
            dtype. Some of `out` may have been written then.
        """
        takes = _takes(self.encodings)
        array = checked_columns(columns, takes)
        if array.shape[1] != self.n_columns:
            raise ShapeError(f"there are {array.shape[1]} columns, the encodings were learned from {self.n_columns}")
        result = np.empty((len(array), self.n_encoded), dtype) if out is None else out
        for rows in blocks(len(array), 8 * sum(self._counts), of=ENCODED_AT_ONCE):
            block = np.ascontiguousarray(array[rows], DTYPES[takes][1])
            if has_infinite(block):
                refuse_infinite(Part(block, np.arange(self.n_columns), label), INFINITE)
            if takes == "levels":
                check_codes(Part(block, np.arange(self.n_columns), label), self.learned[0]["n_levels"])
            with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
                result[rows] = self._run(block)
            if has_infinite(result[rows]):
                origins = np.repeat(np.arange(self.n_columns), self.widths)
                refuse_infinite(Part(result[rows], origins, label), TOO_LARGE)
        return result

    def encode_row(self, row: NDArray[np.floating]) -> NDArray[np.float64]:
        """Encode one row of numbers, without the checks of `encode`, which would take longer than the encoding.

        Parameters
        ----------
        row : ndarray of shape (n_columns,)

        Returns
        -------
        ndarray of shape (n_encoded,), float64
            Infinite where a number is infinite, or too large compared with the training data.
        """
        encoded: NDArray[np.float64] = self._run(row[np.newaxis].astype(np.float64, copy=False))[0]
        return encoded

    def _run(self, block: NDArray[Any]) -> NDArray[Any]:
        """Apply all encodings to some rows."""
        for encoding, learned, following, width in zip(
            self.encodings, self.learned, (*self.encodings, None)[1:], self._counts[1:], strict=True
        ):
            block.flags.writeable = False
            out = np.empty((len(block), width))
            encoding.encode(block, learned, out)
            block = out.astype(np.int64) if following is not None and following.takes == "levels" else out
        return block

    def inverse(self, encoded: NDArray[np.floating]) -> NDArray[np.float64]:
        """Decode columns: convert predictions of encoded targets to the unit of the targets.

        Parameters
        ----------
        encoded : ndarray of shape (n_samples, n_encoded)

        Returns
        -------
        ndarray of shape (n_samples, n_columns), float64

        Raises
        ------
        ParameterError
            If an encoding has no inverse.
        """
        numbers = np.asarray(encoded, np.float64)
        if numbers.ndim != 2 or numbers.shape[1] != self.n_encoded:
            raise ShapeError(f"the encoded columns have shape {numbers.shape}, (n_samples, {self.n_encoded}) is needed")
        for encoding, learned in zip(reversed(self.encodings), reversed(self.learned), strict=True):
            if not encoding.invertible:
                raise ParameterError(f"{encoding!r} has no inverse: encode targets by another encoding, such as 'standard'")
            with np.errstate(over="ignore", invalid="ignore"):
                numbers = encoding.inverse(numbers, learned)
        return numbers

    def formula(self, g: Graph, x: Value) -> Value:
        """The encodings as a formula, written with the primitives of `g`.

        Parameters
        ----------
        g : Graph
        x : Value of shape (n, n_columns)
            Numbers, or category codes as numbers.

        Returns
        -------
        Value of shape (n, n_encoded)

        Raises
        ------
        NoFormulaError
            If an encoding has no formula.
        """
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            x = encoding.formula(g, x, learned)
        return x

    def inverse_formula(self, g: Graph, encoded: Value) -> Value:
        """`inverse` as a formula, written with the primitives of `g`.

        Raises
        ------
        NoFormulaError
            If an encoding has no formula.
        """
        for encoding, learned in zip(reversed(self.encodings), reversed(self.learned), strict=True):
            encoded = encoding.inverse_formula(g, encoded, learned)
        return encoded

    # ---- files --------------------------------------------------------------------------------------------------------------

    def description(self) -> list[dict[str, Any]]:
        """The encodings in a form for JSON."""
        return [registry.config_of("encodings", encoding) for encoding in self.encodings]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the encodings have learned. ``"0.mean"`` is ``mean`` of the first encoding."""
        return {f"{number}.{name}": array for number, own in enumerate(self.learned) for name, array in own.items()}

    def to_json(self) -> dict[str, Any]:
        """`description` and `arrays` as lists, dicts, texts and numbers."""
        learned = {name: plain(array) for name, array in self.arrays().items()}
        return {"encodings": self.description(), "learned": learned}

    @classmethod
    def from_json(cls, value: object, n_columns: int) -> Self:
        """Restore a chain from `to_json`. The input may come from a file, so all of it is checked.

        Raises
        ------
        FileFormatError
            If `value` is not what `to_json` returns.
        UnknownComponentError, PluginError
            If an encoding is not installed.
        """
        if not isinstance(value, dict) or value.keys() != {"encodings", "learned"} or not isinstance(value["learned"], dict):
            raise FileFormatError("the description of encodings is damaged: it must have 'encodings' and what they have 'learned'")
        encodings = value["encodings"]
        # JSON has no dtype for an empty array.
        dtypes = {
            f"{number}.{name}": dtype
            for number, one in enumerate(encodings if isinstance(encodings, list) else [])
            for name, dtype in learns_of(one).items()
        }
        arrays = {str(name): array_of(str(name), numbers, dtypes.get(name, "float64")) for name, numbers in value["learned"].items()}
        return cls.read(encodings, arrays, n_columns)

    @classmethod
    def read(cls, description: object, arrays: Mapping[str, NDArray[Any]], n_columns: int) -> Self:
        """Restore a chain from `description` and `arrays`. They may come from a file, so all of them are checked.

        Parameters
        ----------
        description : list
            Result of `description`. It may hold encodings instead of their descriptions.
        arrays : mapping of str to ndarray
            Result of `arrays`, without other entries.
        n_columns : int
            Number of input columns that the caller expects.

        Raises
        ------
        FileFormatError
            If description and arrays do not fit together.
        UnknownComponentError, PluginError
            If an encoding is not installed.
        """
        if not isinstance(description, (list, tuple)):
            raise FileFormatError(f"the description of encodings is damaged: it must be a list, got {shown(description)}")
        try:
            chain = tuple(registry.resolve("encodings", one) for one in description)
            _check_links(chain)
        except ParameterError as error:
            raise FileFormatError(f"the description of encodings is damaged: {error}") from error
        learned: list[Learned] = [{} for _ in chain]
        for key, array in arrays.items():
            number, _, name = key.partition(".")
            if not number.isascii() or not number.isdigit() or len(number) > 9 or int(number) >= len(chain):
                raise FileFormatError(f"what encodings have learned is damaged: there is an array {shown(key)}")
            learned[int(number)][name] = array
        count = n_columns
        for encoding, own in zip(chain, learned, strict=True):
            encoding.check(own, count)
            # In float, where the sum of counts from a malicious file cannot overflow.
            if not 0 <= (total := float(encoding.widths(own, count).sum(dtype=np.float64))) <= MOST_COLUMNS:
                raise FileFormatError(f"what {type(encoding).__name__} has learned is damaged: it would make {total:.0f} columns")
            count = int(total)
        return cls(chain, tuple(learned), n_columns)


def _linked(encodings: Any) -> tuple[Encoding, ...]:
    """The encodings that a user names. Each accepts the output of the one before."""
    chain = tuple(registry.resolve("encodings", spec) for spec in several("encodings", encodings))
    _check_links(chain)
    return chain


def _check_links(chain: Sequence[Encoding]) -> None:
    """Check that each encoding accepts the output of the one before."""
    for encoding, following in pairwise(chain):
        if following.takes != encoding.gives:
            raise ParameterError(
                f"encodings: {following!r} takes {following.takes}, but {encoding!r} before it gives {encoding.gives}: "
                "use other encodings, or another order"
            )


def _blocks_of_columns(chain: Sequence[Encoding], n_rows: int, n_levels: NDArray[np.int64] | None, n_columns: int) -> list[slice]:
    """The columns that are fitted at a time."""
    # A column of categories may become one column for each level.
    spread = 1 if n_levels is None or len(chain) == 1 else max(1, int(n_levels.sum()) // max(1, n_columns))
    return list(blocks(n_columns, 8 * n_rows * spread, of=LEARNED_AT_ONCE)) or [slice(0, 0)]


def _takes(chain: Sequence[Encoding]) -> str:
    """What the input columns of a chain hold."""
    return chain[0].takes if chain else "numbers"
