from __future__ import annotations

from collections import Counter

import pytest

from nncore.errors import ParameterError
from nncore.tabular.column import as_column
from nncore.tabular.missing import USUAL, added, missing_in_words, missing_words
from nncore.tabular.table import Table


def test_words_are_added_and_taken_off() -> None:
    assert set(missing_words(USUAL)) == USUAL
    assert set(missing_words(USUAL, ["n.d.", "Missing "])) == USUAL | {"n.d.", "missing"}
    assert set(missing_words(USUAL, (), ["None", "-"])) == USUAL - {"none", "-"}
    assert missing_words((), [""]) == ()  # an empty cell always is


def test_contradictions_and_words_that_are_not_there() -> None:
    with pytest.raises(ParameterError, match="--missing NA and --not-missing NA contradict each other"):
        missing_words(USUAL, ["NA"], ["NA"])
    with pytest.raises(ParameterError, match="--not-missing unknown: it is not treated as missing, but #n/a, -, "):
        missing_words(USUAL, (), ["unknown"])
    with pytest.raises(ParameterError, match="--not-missing NA: it is not treated as missing, but no word"):
        missing_words((), (), ["NA"])


@pytest.mark.parametrize("cell", ["?", "NA", "n/a", "NaN", "nan", "null", "NULL", "None", "-", "#N/A", "<NA>"])
def test_case_does_not_matter_and_what_was_found_is_counted_as_it_is_written(cell: str) -> None:
    assert as_column([cell, "x", None, cell]).without(USUAL) == ([None, "x", None, None], Counter({cell: 2}))


@pytest.mark.parametrize("cell", ["0", "no", "nano", "None of them", "--", "unknown", "missing", "+"])
def test_other_words_are_none(cell: str) -> None:
    assert as_column([cell]).without(USUAL) == ([cell], Counter())


def table() -> Table:
    return Table("t.csv", ["a", "b", "y"], [["NA", "1"], ["x", "NA"], ["NA", "z"]], range(2, 4), True, ",")


def test_columns_are_separate_questions() -> None:
    taken = table().take_missing(USUAL, ["a"])
    assert taken.columns == [[None, "1"], ["x", "NA"], ["NA", "z"]]
    assert taken.words == {"a": Counter({"NA": 1})}
    assert taken.take_missing(USUAL, ["b"]).words == {"a": Counter({"NA": 1}), "b": Counter({"NA": 1})}


def test_what_is_said() -> None:
    found = {"a": Counter({"NA": 2, "?": 1}), "b": Counter({"NA": 3})}
    assert missing_in_words(found) == ["'?' is treated as missing in 'a' (1)", "'NA' is treated as missing in 'a' (2), 'b' (3)"]
    many = {f"c{i}": Counter({"NA": 2}) for i in range(8)}
    assert missing_in_words(many)[0].endswith("'c4' (2) and 3 more columns (6)")
    assert missing_in_words(added(found, [("a", Counter({"NA": 1})), ("c", Counter({"-": 1}))])) == [
        "'-' is treated as missing in 'c' (1)",
        "'?' is treated as missing in 'a' (1)",
        "'NA' is treated as missing in 'a' (3), 'b' (3)",
    ]
    assert found["a"]["NA"] == 2
