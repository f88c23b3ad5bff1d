"""Decimal commas in whole columns, by the rules that `values` has for one text."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from nncore.tabular.column import CodedColumn
from nncore.tabular.texts import Texts
from nncore.tabular.values import has_decimal_commas, proves_decimal_comma, with_point

_COMMA = ord(",")


def may_hold(cells: CodedColumn | Texts, character: str) -> bool:
    """Whether a character is somewhere in a column; False only if it is not."""
    return not isinstance(cells, Texts) or character.encode() in cells.data


def present_texts(cells: CodedColumn | Texts, missing: Collection[str] = ()) -> list[str]:
    """The distinct texts of a column in the order of the file, without the words that stand for a missing value."""
    texts = dict.fromkeys(cells.texts if isinstance(cells, CodedColumn) else cells)
    return [text for text in texts if text and text.lower() not in missing]


def has_commas(cells: CodedColumn | Texts, missing: Collection[str]) -> bool:
    """Whether a column is one of numbers with a decimal comma, beside words for what is missing."""
    if not may_hold(cells, ","):
        return False
    if isinstance(cells, Texts) and (found := _plain(cells)) is not None:
        words = found[1]
        return all(word.lower() in missing for word in words) and any(map(proves_decimal_comma, cells))
    return has_decimal_commas(present_texts(cells, missing))


def with_points_for_commas(cells: CodedColumn | Texts) -> CodedColumn | Texts:
    """The column with `with_point` of each text."""
    if isinstance(cells, CodedColumn):
        return cells.mapped(with_point)
    if not may_hold(cells, ",") and not may_hold(cells, "."):
        return cells
    found = _plain(cells)
    return CodedColumn(*cells.factorized()).mapped(with_point) if found is None else found[0]


def _plain(texts: Texts) -> tuple[Texts, set[str]] | None:
    """The texts with points for commas, and the words among them, if that is all that `with_point` would change.

    It is if there is no point, each comma stands before a digit, and none in a word.
    """
    if b"." in texts.data:
        return None
    data = np.frombuffer(texts.data, np.uint8)
    behind = np.flatnonzero(data == _COMMA) + 1
    if behind[-1] >= len(data) or not ((data[behind] >= ord("0")) & (data[behind] <= ord("9"))).all():
        return None
    if np.isin(behind, texts.offsets).any():  # the digit is the next text's
        return None
    found = texts.replaced(b",", b".")
    words = set(found.take(np.flatnonzero(np.isnan(found.numbers()) & (found.lengths > 0))))
    return None if any("." in word for word in words) else (found, words)
