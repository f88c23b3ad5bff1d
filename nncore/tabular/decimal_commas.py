"""Detect and replace decimal commas in columns, by the rules of `values` for single texts."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from nncore._core import MISSING, ODD
from nncore.tabular.column import DECIMALS, CodedColumn, Column, NumberColumn, are_mostly_numbers
from nncore.tabular.texts import Texts
from nncore.tabular.values import has_decimal_commas, proves_decimal_comma, with_point

_COMMA = ord(",")


def may_hold(column: Column, character: str) -> bool:
    """Whether a column may contain a comma or a point. False only if it certainly does not."""
    if isinstance(column, NumberColumn):
        return (character == "." and _has_points(column)) or may_hold(column.odd, character)
    texts = column.coded.texts
    return character.encode() in texts.data if isinstance(texts, Texts) else any(character in text for text in texts)


def _has_points(column: NumberColumn) -> bool:
    """Whether any number except odd ones is written with a point."""
    forms = column.forms
    return bool(((forms & DECIMALS > 0) & (forms != MISSING) & (forms != ODD)).any())


def present_texts(column: Column, missing: Collection[str] = ()) -> list[str]:
    """Distinct texts of a column in the order of the file, without words for missing values."""
    texts = column.texts if isinstance(column, CodedColumn) else column.counts
    return [text for text in texts if text.lower() not in missing]


def has_commas(column: Column, missing: Collection[str]) -> bool:
    """Whether a column contains numbers with decimal commas, and otherwise only words for missing values."""
    if isinstance(column, NumberColumn):
        return has_commas(column.odd, missing)  # only odd cells can have a comma
    if not may_hold(column, ","):
        return False
    texts = column.coded.texts
    if isinstance(texts, Texts) and (found := _plain(texts)) is not None:
        words = found[1]
        return all(word.lower() in missing for word in words) and any(map(proves_decimal_comma, texts))
    return has_decimal_commas(present_texts(column, missing))


def with_points_for_commas(column: Column) -> Column:
    """Apply `with_point` to each text of a column."""
    if not may_hold(column, ",") and not may_hold(column, "."):
        return column
    if isinstance(column, NumberColumn) and not _has_points(column):
        return column.with_odd(_mapped(column.odd))
    mapped = _mapped(column.coded)
    return NumberColumn.of_coded(mapped) if isinstance(mapped.texts, Texts) and are_mostly_numbers(mapped.texts) else mapped


def _mapped(column: CodedColumn) -> CodedColumn:
    found = _plain(column.texts) if isinstance(column.texts, Texts) else None
    return column.mapped(with_point) if found is None else CodedColumn(column.codes, found[0])


def _plain(texts: Texts) -> tuple[Texts, set[str]] | None:
    """Replace commas by points if `with_point` would change nothing else. Returns the texts and the words among them, or None.

    That is the case if there is no point, each comma is before a digit, and no word has a comma.
    """
    if b"." in texts.data:
        return None
    data = np.frombuffer(texts.data, np.uint8)
    behind = np.flatnonzero(data == _COMMA) + 1
    if not len(behind) or behind[-1] >= len(data) or not ((data[behind] >= ord("0")) & (data[behind] <= ord("9"))).all():
        return None
    if np.isin(behind, texts.offsets).any():  # the digit belongs to the next text
        return None
    found = texts.replaced(b",", b".")
    words = {found[i] for i in np.flatnonzero(np.isnan(found.numbers())).tolist()}
    return None if any("." in word for word in words) else (found, words)
