"""Columns of numbers are encoded in the same way, however many are processed at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nncore.errors import DataError
from nncore.tabular import number_columns
from nncore.tabular.column import as_column
from nncore.tabular.columns import NumericColumn
from nncore.tabular.number_columns import NumberInputs, learn_numbers

EPS = np.finfo(np.float64).eps


def place(row: int) -> str:
    return f"line {row + 7}"


def fit(name: str, values: Sequence[str | None]) -> NumericColumn:
    return learn_numbers({name: as_column(values)}, np.arange(len(values)), place)[0]


def encoded(column: NumericColumn, values: Sequence[str | None], dtype: type = np.float64) -> tuple[np.ndarray, str]:
    out = np.full((len(values), column.width), np.nan, dtype)
    (remark,) = NumberInputs([column], np.arange(column.width)).encode([as_column(values)], place, out)
    return out, "" if remark is None else str(remark)


def test_numeric_is_standardised_with_the_median_where_missing() -> None:
    values: list[str | None] = ["1", None, "2", "9"]
    column = fit("x", values)
    filled = np.array([1.0, 2.0, 2.0, 9.0])
    present = np.array([1.0, 2.0, 9.0])
    assert (column.mean, column.median, column.has_missing) == (4.0, pytest.approx(2.0), True)
    out, notices = encoded(column, values)
    np.testing.assert_allclose(out[:, 0], (filled - present.mean()) / present.std(), rtol=1e-15)
    assert out[:, 1].tolist() == [0, 1, 0, 0]
    assert notices == ""  # all values are within those of training


def test_a_number_too_large_for_the_network_has_its_place() -> None:
    column = fit("x", ["1", "2", "9"])
    with pytest.raises(DataError, match=r"column 'x', line 8: 1e300 is too large compared with the numbers of training, about 4"):
        encoded(column, ["1", "1e300"], np.float32)


def test_missing_where_training_had_no_missing_number() -> None:
    column = fit("x", ["1", "2", "9"])
    assert column.width == 1
    out, notices = encoded(column, ["4", None])
    assert out[1, 0] == (2 - 4) / np.std([1, 2, 9])
    assert notices == "column 'x': 1 missing, replaced by the median 2"
    assert encoded(column, ["3"])[1] == ""


def test_numeric_agrees_with_scikit_learn() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    numbers = np.random.default_rng(0).normal(5, 3, 200)
    texts: list[str | None] = [repr(float(number)) for number in numbers]
    out, _ = encoded(fit("x", texts), texts)
    expected = preprocessing.StandardScaler().fit_transform(numbers[:, None])
    assert np.allclose(out, expected, rtol=0, atol=200 * EPS * np.abs(expected).max())


@pytest.mark.parametrize("value", ["0", "3.3", "1e15", "-0.1"])
def test_a_constant_does_not_divide_by_zero(value: str) -> None:
    values: list[str | None] = [value] * 7
    column = fit("x", values)
    out, _ = encoded(column, values)
    assert np.abs(out).max() <= 8 * EPS * abs(float(value))


def test_a_column_without_a_value_in_training_is_zero() -> None:
    column = fit("x", [None, None])
    out, _ = encoded(column, [None, "3"])
    assert out.tolist() == [[0, 1], [3, 0]]


def test_numbers_too_large_are_refused() -> None:
    with pytest.raises(DataError, match="column 'x' holds numbers too large to be encoded"):
        fit("x", ["1e308", "-1e308", "1e308"])


def test_columns_are_learned_and_encoded_as_if_each_were_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 7)) * 10.0 ** np.arange(7)
    texts = {f"x{i}": [None if rng.random() < 0.1 * (i % 3) else f"{number:.4f}" for number in own] for i, own in enumerate(values.T)}
    columns, rows = {name: as_column(own) for name, own in texts.items()}, rng.permutation(300)[:200]
    alone = [fit(name, [own[row] for row in rows]) for name, own in texts.items()]
    for at_once in (1, 3 * 8 * 200, 2**20):
        monkeypatch.setattr(number_columns, "AT_ONCE", at_once)
        learned = learn_numbers(columns, rows, place)
        assert learned == alone
        n_inputs = sum(column.width for column in learned)
        places, out = np.arange(n_inputs)[::-1], np.empty((300, n_inputs), np.float32)
        remarks = NumberInputs(learned, places).encode(list(columns.values()), place, out)
        expected = [encoded(column, own, np.float32) for column, own in zip(alone, texts.values(), strict=True)]
        assert np.array_equal(out[:, ::-1], np.concatenate([inputs for inputs, _ in expected], axis=1))
        assert ["" if remark is None else str(remark) for remark in remarks] == [remark for _, remark in expected]


def test_the_first_column_with_a_number_too_large_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_columns, "FEWEST_ROWS", 1)
    monkeypatch.setattr(number_columns, "AT_ONCE", 1)
    columns = [fit(name, ["1", "2", "9"]) for name in "xyz"]
    cells = [as_column(own) for own in (["1", "2"], ["3", "1e200"], ["3", "4"])]
    with pytest.raises(DataError, match=r"column 'y', line 8: 1e200 is too large"):
        NumberInputs(columns, np.arange(3)).encode(cells, place, np.empty((2, 3), np.float32))
