"""Dates learned in one pass have the results of dates in memory."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.data import DatePartsLearner, EncodingChain
from nncore.errors import DataError


@pytest.mark.parametrize("others", [["standard"], ["standard", "indicator"], []], ids=len)
def test_one_pass_learns_what_several_do(others: list[str]) -> None:
    """One pass learns what several do; only some parts of dates vary here, since the hours are always the same."""
    rng = np.random.default_rng(0)
    times = (np.datetime64("2020-02-27T08", "us") + rng.integers(0, 900, 70_000) * np.timedelta64(86_400_000_000, "us"))[:, None]
    times[::9] = np.datetime64("NaT")
    learner, n_passes = DatePartsLearner(others, lambda _: "column 'day'"), 0
    while learner.wants_rows:
        learner.add(times[:10, 0])
        distinct, codes = np.unique(times[10:, 0], return_inverse=True)
        learner.add(distinct, codes)
        learner.end_pass()
        n_passes += 1
    assert n_passes == 1
    expected = EncodingChain.learn(["date_parts", *others], times)
    assert learner.learned() == expected
    assert expected.learned[0]["kept"].sum() == 6


def test_no_rows_are_told_of() -> None:
    learner = DatePartsLearner(["standard"], lambda _: "column 'day'")
    with pytest.raises(DataError, match="there are no rows"):
        learner.end_pass()
