"""Detect numeric columns that only identify the rows of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from nncore.data import level_key
from nncore.tabular.column import as_column

#: With fewer rows, all numbers may be distinct by chance.
FEWEST_ROWS = 10

#: Numbers that are checked before all of them.
LOOKED_AT = 256

#: float64 represents all whole numbers below this.
EXACT = 2.0**53

#: This many whole numbers without gaps are not a measurement, whatever the first one is.
RUN_ROWS = 50

#: Words at the start or end of names of identifiers.
_WORDS = frozenset(
    {
        "id",
        "ids",
        "pid",
        "uid",
        "gid",
        "cid",
        "oid",
        "fid",
        "uuid",
        "guid",
        "idx",
        "index",
        "rowid",
        "rownum",
        "rowname",
        "rownames",
        "seqn",
    }
)
#: Words at the end of such names.
_LAST_WORDS = frozenset({"key", "no", "nr"})
#: Whole names.
_NAMES = frozenset({"case", "nr", "number", "obs", "observation", "record", "row", "rows", "serial"})
_WRITTEN_TOGETHER = re.compile(
    r"(account|applicant|case|client|customer|employee|house|item|member|object|observation|order|parcel|passenger|patient|person|player|"
    r"product|record|row|sample|student|subject|transaction|user)_?(id|no|nr|num|number|index)"
)
#: pandas' names of an index without a name in a file.
_OF_PANDAS = re.compile(r"Unnamed: \d+(\.\d+|_level_\d+)?|__index_level_\d+__|level_\d+", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: Names of measurements that may be whole, distinct and without gaps.
_TIMES = frozenset(
    {
        "year",
        "years",
        "yr",
        "month",
        "week",
        "day",
        "date",
        "time",
        "t",
        "hour",
        "minute",
        "second",
        "quarter",
        "step",
        "age",
        "rank",
        "period",
    }
)


def name_words(name: str) -> list[str]:
    """Split a name into words: ``"PassengerId"`` into ``["passenger", "id"]``."""
    return re.findall(r"[a-z]+|\d+", _CAMEL.sub(" ", name).lower())


def is_index_of_pandas(name: str) -> bool:
    """Whether a column has pandas' name of an index without a name."""
    return _OF_PANDAS.fullmatch(name) is not None


def sounds_like_identifier(name: str) -> bool:
    """Whether a column has a name typical of identifiers."""
    words = name_words(name)
    if is_index_of_pandas(name) or not words:
        return bool(words)
    return (
        not _WORDS.isdisjoint((words[0], words[-1]))
        or words[-1] in _LAST_WORDS
        or (len(words) == 1 and words[0] in _NAMES)
        or _WRITTEN_TOGETHER.fullmatch("".join(words)) is not None
    )


def identifier_reason(name: str, cells: Sequence[str | None], *, is_marked: bool = False) -> str:
    """Why a numeric column only identifies rows, or "" if it may be a measurement.

    It identifies rows if no number is missing, all are whole and distinct, and

    - the name says so: ``id``, ``PassengerId``, ``rownames``, an empty name (`is_marked`), or pandas' name of an index; or
    - they have no gaps, in any order: from 0 or 1, or from any number in at least `RUN_ROWS` rows. A name of a time, such as ``year``,
      excludes this.

    Parameters
    ----------
    name : str
    cells : sequence of (str or None)
    is_marked : bool
        Whether the column has no name, or is the index of a data frame.
    """
    column = as_column(cells)
    n = len(column)
    if n < FEWEST_ROWS or column.n_missing or column.n_words:
        return ""
    numbers = column.numbers
    some = numbers[:LOOKED_AT]
    if (some != np.floor(some)).any() or (numbers != np.floor(numbers)).any():
        return ""
    if (highest := max(numbers.max(), -numbers.min())) < EXACT and numbers.max() - numbers.min() < n - 1:
        return ""  # too few whole numbers in the range
    if len(np.unique(numbers)) < n:  # long identifiers may be equal in float64
        if highest < EXACT:
            return ""
        counts = column.counts
        if len(counts) < n or len({level_key(text) for text in counts}) < n:
            return ""
    ordered = np.sort(numbers)
    if is_marked or sounds_like_identifier(name):
        return "an identifier: whole numbers, all different"
    starts, has_no_gaps = float(ordered[0]), float(ordered[-1] - ordered[0]) == n - 1
    is_time = not _TIMES.isdisjoint(name_words(name))
    if has_no_gaps and (starts in (0.0, 1.0) or (n >= RUN_ROWS and not is_time)):
        return "counts the rows" if (numbers == ordered).all() else "row numbers: whole, all different, without gaps"
    return ""
