from __future__ import annotations

import numpy as np
import pytest

from nncore.errors import DataError
from nncore.tabular.target import ClassTarget, RealTarget, infer_target


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["yes", "no"] * 5, "classification"),
        (["0", "1"] * 5, "classification"),
        (["0.5", "1.5"] * 5, "classification"),
        ([str(i % 10) for i in range(100)], "classification"),
        ([str(i % 11) for i in range(1000)], "regression"),
        (["1", "2", "3", "4"], "regression"),  # few rows: whole numbers, but nothing repeats
        ([f"{i % 5}.5" for i in range(100)], "regression"),
        ([f"{i}.5" for i in range(100)], "regression"),
    ],
)
def test_task_is_seen(values: list[str], task: str) -> None:
    found, why = infer_target("y", values)
    assert found == task
    assert why


def test_task_can_be_said() -> None:
    assert infer_target("y", ["0", "1"] * 5, "regression") == ("regression", "as asked")
    assert infer_target("y", ["1.5", "2.5", "3.5"], "classification") == ("classification", "as asked")


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["x", "x"], None, "always 'x'"),
        ([], None, "nothing to learn"),
        (["1", "2", "low"], "regression", "'low', which is no number"),
        ([f"Mr {i}" for i in range(50)], None, "too many to be classes"),
    ],
)
def test_targets_that_cannot_be(values: list[str], task: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer_target("y", values, task)


def test_classes_are_sorted_as_numbers_if_they_are() -> None:
    assert ClassTarget.fit("y", ["10", "9", "-1", "9"]).classes == ("-1", "9", "10")
    assert ClassTarget.fit("y", ["b", "10", "9"]).classes == ("10", "9", "b")


def test_classes_there_and_back() -> None:
    target = ClassTarget.fit("y", ["b", "a", "b", "c"])
    indices = target.encode(["c", "a", "b"])
    assert indices.dtype == np.int64
    assert indices.tolist() == [2, 0, 1]
    assert target.decode(np.eye(3)[indices]) == ["c", "a", "b"]
    with pytest.raises(DataError, match="classes that training did not have: 'd'"):
        target.encode(["a", "d"])


def test_numbers_there_and_back() -> None:
    texts: list[str | None] = ["10", "20", "40"]
    target = RealTarget.fit("y", texts, str)
    y = target.encode(texts, str)
    assert abs(y.mean()) < 1e-15
    assert y.std() == pytest.approx(1, rel=1e-14)
    assert target.decode(y[:, None]) == pytest.approx([10, 20, 40], rel=1e-14)
    assert target.decode(y[:, None].astype(np.float32)).dtype == np.float64


def test_a_constant_training_target_does_not_divide_by_zero() -> None:
    assert RealTarget.fit("y", ["3", "3"], str).std == 1.0
