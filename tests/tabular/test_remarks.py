from __future__ import annotations

from hypothesis import given, strategies as st

from nncore.tabular.remarks import Remark, examples, merged


def unseen(values: list[str]) -> Remark:
    return Remark("x", len(values), "unknown", examples(set(values)))


def test_words() -> None:
    assert str(Remark("x", 3, "the median 2")) == "column 'x': 3 missing, replaced by the median 2"
    assert "5 rows with values that training did not have (a, b, c), treated as unknown" in str(unseen(["a", "b", "c", "a", "a"]))
    assert "(a, b, c, d, e and others)" in str(unseen(list("gfedcba")))


def test_kinds_and_columns_stay_apart() -> None:
    remarks = [Remark("x", 1, "the median 2"), unseen(["a"]), Remark("y", 1, "0"), Remark("x", 2, "the median 2")]
    assert [(r.column, r.n_rows, r.unseen) for r in merged(remarks)] == [("x", 3, ()), ("x", 1, ("a",)), ("y", 1, ())]


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=5), min_size=1, max_size=6))
def test_blocks_of_any_size_say_the_same(blocks: list[list[str]]) -> None:
    assert merged(map(unseen, blocks)) == [unseen([value for block in blocks for value in block])]
