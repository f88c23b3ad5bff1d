"""Words for missing values, and reports of where they were found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from nncore.errors import ParameterError

#: Words that mean a missing value in a text file, in any case; an empty cell is missing too. Formats that mark missing cells, such as
#: Parquet, have no such words.
USUAL = frozenset({"?", "-", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"})


def missing_words(usual: Collection[str], more: Sequence[str] = (), but: Sequence[str] = ()) -> tuple[str, ...]:
    """The words that apply, in lower case: `usual` and `more` without `but`.

    Raises
    ------
    ParameterError
        If a word of `but` does not mean a missing value anyway, or is in `more` too.
    """
    words = {*usual, *(word.strip().lower() for word in more)} - {""}
    for word in but:
        if word in more:
            raise ParameterError(f"--missing {word} and --not-missing {word} contradict each other; use one of them")
        if word.strip().lower() not in words:
            known = ", ".join(sorted(words)) or "no word"
            raise ParameterError(f"--not-missing {word}: it is not treated as missing, but {known}; leave it out")
    return tuple(sorted(words - {word.strip().lower() for word in but}))


def missing_in_words(found: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One message for each word that was read as missing: where and how often."""
    by_word: dict[str, list[tuple[str, int]]] = {}
    for column, counts in found.items():
        for word, count in counts.items():
            by_word.setdefault(word, []).append((column, count))
    return [f"{word!r} is treated as missing in {_places(places)}" for word, places in sorted(by_word.items())]


def _places(places: Sequence[tuple[str, int]], most: int = 5) -> str:
    shown = ", ".join(f"{column!r} ({count})" for column, count in places[:most])
    n_more = sum(count for _, count in places[most:])
    return shown if not n_more else f"{shown} and {len(places) - most} more columns ({n_more})"


def added(one: Mapping[str, Counter[str]], other: Iterable[tuple[str, Counter[str]]]) -> dict[str, Counter[str]]:
    """Add the counts of both."""
    total = {column: Counter(counts) for column, counts in one.items()}
    for column, counts in other:
        total.setdefault(column, Counter()).update(counts)
    return total
