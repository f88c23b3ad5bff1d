"""Encodings one after the other over the columns of a table: learned, run in blocks, described for files and read back."""

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
from nncore.data.chain_learner import INFINITE, ChainLearner
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

#: Bytes of columns that are learned from at a time. These are several columns, since a row of memory holds numbers of several. The C
#: library keeps memory of this size for the next block, instead of returning it to the system.
LEARNED_AT_ONCE = 2 * BLOCK

#: What is said of a column that cannot be encoded.
TOO_LARGE = "has a number too large compared with those of training: divide the column first"

#: Bytes of rows that are encoded at a time, with what stands between encodings. An encoding reads them several times, which takes a fifth
#: of the time in the cache of a core.
ENCODED_AT_ONCE = 512 * 2**10


@dataclass(frozen=True, eq=False)
class EncodingChain:
    """Encodings, each of which takes what the one before gives, with what they have learned.

    Attributes
    ----------
    encodings : tuple of Encoding
    learned : tuple of dict of str to ndarray
        Of each encoding.
    n_columns : int
        Columns that the first encoding takes.
    """

    encodings: tuple[Encoding, ...]
    learned: tuple[Learned, ...]
    n_columns: int

    def __eq__(self, other: object) -> bool:
        """Whether the encodings and all that they have learned are the same."""
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
    ) -> Self:
        """Let each encoding learn from what the ones before make of the columns.

        Parameters
        ----------
        encodings : sequence of str, Encoding or dict
            ``["robust", "smooth_clip"]``; without any, numbers stay as they are.
        columns : ndarray of shape (n_samples, n_columns)
            Of what the first encoding takes: numbers with NaN where they are missing, codes from 0 with -1, or datetime64 with NaT.
        rows : ndarray of shape (n_rows,), int64, optional
            The rows to learn from; None is all.
        sample_weight : ndarray of shape (n_samples,), optional
            Of all samples. A weight of 2 counts like two rows, one of 0 as none.
        n_levels : sequence of int, optional
            Levels of each column, which an encoding that takes levels needs.
        rng : int, Generator or SeedSequence, default 0
            For encodings that draw random numbers. Those of a column do not depend on other columns.
        label : callable, optional
            What messages call a column, by its number: ``"column 0"``, by default.

        Raises
        ------
        ParameterError
            If an encoding does not take what the one before gives, or `n_levels` does not fit.
        DataError, DtypeError, ShapeError
            If the columns are something else than the first encoding takes, infinite, or so large that they cannot be encoded.
        """
        chain = tuple(registry.resolve("encodings", spec) for spec in several("encodings", encodings))
        _check_links(chain)
        takes = _takes(chain)
        array = checked_columns(columns, takes)
        n_samples, n_columns = array.shape
        chosen = np.arange(n_samples) if rows is None else as_row_numbers(rows, "rows", n_samples)
        if len(chosen) == 0:
            raise DataError("there are no rows to learn an encoding from: give at least one")
        weights = as_weights(sample_weight, n_samples)
        if weights is not None:
            chosen = chosen[weights[chosen] > 0]
            weights = rescaled(weights[chosen])
            if len(chosen) == 0:
                raise DataError("sample_weight is 0 for all rows to learn an encoding from")
        counts = level_counts(n_levels, n_columns) if takes == "levels" else None
        seeds = cls.seeds(chain, n_columns, rng)
        is_all = len(chosen) == n_samples and rows is None
        # A column of levels may become one for each.
        spread = 1 if counts is None or len(chain) == 1 else max(1, int(counts.sum()) // max(1, n_columns))
        learners = []
        for some in list(blocks(n_columns, 8 * len(chosen) * spread, of=LEARNED_AT_ONCE)) or [slice(0, 0)]:
            own = np.asfortranarray(array[:, some] if is_all else array[chosen, some], DTYPES[takes][1])
            own_counts, own_seeds = None if counts is None else counts[some], None if seeds is None else seeds[some]
            learner = ChainLearner(chain, np.arange(n_columns)[some], own_counts, own_seeds, label)
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
        """What `learn` does with columns in memory, for rows in blocks; `of_learners` makes the chain of it.

        Parameters
        ----------
        encodings, n_levels, rng, label
            As in `learn`.
        n_columns : int

        Raises
        ------
        ParameterError
            As in `learn`.
        """
        chain = tuple(registry.resolve("encodings", spec) for spec in several("encodings", encodings))
        _check_links(chain)
        counts = level_counts(n_levels, n_columns) if _takes(chain) == "levels" else None
        return ChainLearner(chain, np.arange(n_columns), counts, cls.seeds(chain, n_columns, rng), label)

    @staticmethod
    def seeds(encodings: Sequence[Encoding], n_columns: int, rng: Any) -> NDArray[np.uint64] | None:
        """What random numbers of each column come from, if any encoding draws some; of an int, Generator or SeedSequence."""
        return random_words(as_seed(rng), n_columns) if any(one.draws for one in encodings) else None

    @classmethod
    def of_learners(cls, learners: Sequence[ChainLearner]) -> Self:
        """What learners of the same encodings, at least one, have learned, of the columns of all side by side.

        Raises
        ------
        DataError
            If there would be too many columns.
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
        """Columns before the first encoding, between each two, and behind the last."""
        counts = [self.n_columns]
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            counts.append(int(encoding.widths(learned, counts[-1]).sum()))
        return tuple(counts)

    @property
    def n_encoded(self) -> int:
        """Encoded columns."""
        return self._counts[-1]

    @property
    def widths(self) -> NDArray[np.int64]:
        """How many encoded columns each column becomes, int64 of shape (n_columns,). They stand side by side."""
        widths = np.ones(self.n_columns, np.int64)
        for encoding, learned, count in zip(self.encodings, self.learned, self._counts, strict=False):
            ends = np.concatenate([[0], np.cumsum(encoding.widths(learned, count))])
            bounds = np.concatenate([[0], np.cumsum(widths)])
            widths = np.diff(ends[bounds])
        return widths

    @property
    def n_levels(self) -> NDArray[np.int64] | None:
        """Levels of each encoded column, int64 of shape (n_encoded,), for an `nncore.Embedding`; None if they hold numbers."""
        return self.encodings[-1].n_levels(self.learned[-1]) if self.encodings and self.encodings[-1].gives == "levels" else None

    def names(self, columns: Sequence[str], levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        """What the encoded columns are called.

        Parameters
        ----------
        columns : sequence of str
            What the columns are called.
        levels : sequence of sequences of str, optional
            What the levels of each column are called.

        Returns
        -------
        list of str
        """
        named = list(columns)
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            named, levels = encoding.names(named, learned, levels), None
        return named

    # ---- using --------------------------------------------------------------------------------------------------------------

    def encode(
        self,
        columns: NDArray[Any],
        *,
        dtype: np.dtype | type = np.float64,
        out: NDArray[np.floating] | None = None,
        label: Label | None = None,
    ) -> NDArray[np.floating]:
        """The encoded columns, computed in float64 in blocks of rows and rounded last.

        Parameters
        ----------
        columns : ndarray of shape (n_samples, n_columns)
        dtype : dtype, default float64
            Of a new result.
        out : ndarray of shape (n_samples, n_encoded), optional
            Where to write it instead; perhaps columns of a larger matrix.
        label : callable, optional
            What messages call a column, by its number: ``"column 0"``, by default.

        Returns
        -------
        ndarray of shape (n_samples, n_encoded)

        Raises
        ------
        DataError, DtypeError, ShapeError
            If the columns are not as those learned from, hold an infinite number, or one so large that no number of the dtype is near its
            code. `out` is then written in part.
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
        """The encoded columns of one row of numbers, without the checks of `encode`, which take longer than the rest.

        Parameters
        ----------
        row : ndarray of shape (n_columns,)

        Returns
        -------
        ndarray of shape (n_encoded,), float64
            Infinite where a number is infinite, or too large compared with those of training.
        """
        encoded: NDArray[np.float64] = self._run(row[np.newaxis].astype(np.float64, copy=False))[0]
        return encoded

    def _run(self, block: NDArray[Any]) -> NDArray[Any]:
        """Some rows through all encodings."""
        for encoding, learned, following, width in zip(
            self.encodings, self.learned, (*self.encodings, None)[1:], self._counts[1:], strict=True
        ):
            block.flags.writeable = False
            out = np.empty((len(block), width))
            encoding.encode(block, learned, out)
            block = out.astype(np.int64) if following is not None and following.takes == "levels" else out
        return block

    def inverse(self, encoded: NDArray[np.floating]) -> NDArray[np.float64]:
        """The columns again, in the unit of the file: for targets, whose predictions are encoded ones.

        Parameters
        ----------
        encoded : ndarray of shape (n_samples, n_encoded)

        Returns
        -------
        ndarray of shape (n_samples, n_columns), float64

        Raises
        ------
        ParameterError
            If an encoding has no way back.
        """
        numbers = np.asarray(encoded, np.float64)
        if numbers.ndim != 2 or numbers.shape[1] != self.n_encoded:
            raise ShapeError(f"the encoded columns have shape {numbers.shape}, (n_samples, {self.n_encoded}) is needed")
        for encoding, learned in zip(reversed(self.encodings), reversed(self.learned), strict=True):
            if not encoding.invertible:
                raise ParameterError(f"{encoding!r} has no way back: encode targets by others, as 'standard'")
            with np.errstate(over="ignore", invalid="ignore"):
                numbers = encoding.inverse(numbers, learned)
        return numbers

    def formula(self, g: Graph, x: Value) -> Value:
        """The encodings written with the primitives of `g`.

        Parameters
        ----------
        g : Graph
        x : Value of shape (n, n_columns)
            Numbers, or codes of levels as numbers.

        Returns
        -------
        Value of shape (n, n_encoded)

        Raises
        ------
        NoFormulaError
            If an encoding has none.
        """
        for encoding, learned in zip(self.encodings, self.learned, strict=True):
            x = encoding.formula(g, x, learned)
        return x

    def inverse_formula(self, g: Graph, encoded: Value) -> Value:
        """`inverse` written with the primitives of `g`.

        Raises
        ------
        NoFormulaError
            If an encoding has none.
        """
        for encoding, learned in zip(reversed(self.encodings), reversed(self.learned), strict=True):
            encoded = encoding.inverse_formula(g, encoded, learned)
        return encoded

    # ---- files --------------------------------------------------------------------------------------------------------------

    def description(self) -> list[dict[str, Any]]:
        """The encodings as JSON holds them."""
        return [registry.config_of("encodings", encoding) for encoding in self.encodings]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What they have learned: ``"0.mean"`` is ``mean`` of the first."""
        return {f"{number}.{name}": array for number, own in enumerate(self.learned) for name, array in own.items()}

    def to_json(self) -> dict[str, Any]:
        """`description` and `arrays` as lists, dicts, texts and numbers."""
        learned = {name: plain(array) for name, array in self.arrays().items()}
        return {"encodings": self.description(), "learned": learned}

    @classmethod
    def from_json(cls, value: object, n_columns: int) -> Self:
        """What `to_json` gave. Nothing of a file is trusted.

        Raises
        ------
        FileFormatError
            For anything else.
        UnknownComponentError, PluginError
            If an encoding is not here.
        """
        if not isinstance(value, dict) or value.keys() != {"encodings", "learned"} or not isinstance(value["learned"], dict):
            raise FileFormatError("the description of encodings is damaged: it must have 'encodings' and what they have 'learned'")
        encodings = value["encodings"]
        # JSON does not say of what an empty array is.
        dtypes = {
            f"{number}.{name}": dtype
            for number, one in enumerate(encodings if isinstance(encodings, list) else [])
            for name, dtype in learns_of(one).items()
        }
        arrays = {str(name): array_of(str(name), numbers, dtypes.get(name, "float64")) for name, numbers in value["learned"].items()}
        return cls.read(encodings, arrays, n_columns)

    @classmethod
    def read(cls, description: object, arrays: Mapping[str, NDArray[Any]], n_columns: int) -> Self:
        """What `description` and `arrays` describe. Nothing of a file is trusted.

        Parameters
        ----------
        description : list
            What `description` gave; an encoding may stand there in place of its description.
        arrays : mapping of str to ndarray
            What `arrays` gave, and nothing else.
        n_columns : int
            As many as the reader knows the columns to be.

        Raises
        ------
        FileFormatError
            If they do not go together.
        UnknownComponentError, PluginError
            If an encoding is not here.
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
            # In float, where a sum of hostile counts does not wrap.
            if not 0 <= (total := float(encoding.widths(own, count).sum(dtype=np.float64))) <= MOST_COLUMNS:
                raise FileFormatError(f"what {type(encoding).__name__} has learned is damaged: it would make {total:.0f} columns")
            count = int(total)
        return cls(chain, tuple(learned), n_columns)


def _check_links(chain: Sequence[Encoding]) -> None:
    """Each encoding takes what the one before gives."""
    for encoding, following in pairwise(chain):
        if following.takes != encoding.gives:
            raise ParameterError(
                f"encodings: {following!r} takes {following.takes}, but {encoding!r} before it gives {encoding.gives}: "
                "use other encodings, or another order"
            )


def _takes(chain: Sequence[Encoding]) -> str:
    """What columns hold that a chain is for."""
    return chain[0].takes if chain else "numbers"
