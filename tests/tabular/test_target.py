from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from nncore.data import EncodingChain
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
        ([], None, "nothing to predict"),
        (["1", "2", "low"], "regression", "'low', which is not a number"),
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
    assert RealTarget.fit("y", ["3", "3"], str).unit == 1.0


def test_equal_values_are_one_class_written_as_most_often() -> None:
    target = ClassTarget.fit("y", ["0", "1", "0.0", "1.0", "1.0", "+1"])
    assert target.classes == ("0", "1.0")
    assert target.encode(["1", "1.0", "+1", "1e0", "0", "-0"]).tolist() == [1, 1, 1, 1, 0, 0]
    assert ClassTarget.fit("y", ["True", "TRUE", "false", "True"]).classes == ("True", "false")
    assert ClassTarget.fit("y", ["01", "1"]).classes == ("01", "1")  # codes
    assert target.indices(["2", None, "0"]).tolist() == [-1, -1, 0]


@pytest.mark.parametrize("values", [["0", "1", "0.0", "1.0"] * 9, ["True", "TRUE", "false", "False"] * 9])
def test_equal_values_are_counted_once(values: list[str]) -> None:
    assert infer_target("y", values)[0] == "classification"
    assert len(ClassTarget.fit("y", values).classes) == 2


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{}$", r"holds '0\$', which looks like a number: write '0\$' without separators and units, or add --task classification"),
        ("{} %", "looks like a number"),
        ("{},000", "looks like a number"),
        ("{} 000", "looks like a number"),
        ("{}_000", "looks like a number"),
        ("2011-01-{:02}", "a date; write it as a number"),
        ("Mr {}", "is text with 60 different values in 60 rows, too many to be classes"),
    ],
)
def test_what_is_nearly_a_number_is_told(form: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer_target("y", [form.format(i) for i in range(60)])
    with pytest.raises(DataError, match="not a number" if "Mr" in form else "looks like a number|a date"):
        infer_target("y", [form.format(i) for i in range(60)], "regression")


def test_a_few_words_among_numbers_are_named() -> None:
    with pytest.raises(DataError, match="1 of them not numbers, such as 'abc'"):
        infer_target("y", [*(str(i / 7) for i in range(60)), "abc"])


def test_few_classes_that_look_like_numbers_are_classes_and_told() -> None:
    task, why = infer_target("y", ["5 %", "10 %"] * 20)
    assert (task, why) == (
        "classification",
        "it is text; such as '5 %', which looks like a number: write '5 %' without separators and units",
    )


sizes = st.sampled_from([1e-9, 1e-3, 1.0, 2e3, 1e9, 1e12])


@given(arrays(np.float32, st.integers(1, 20), elements=st.floats(-8, 8, width=32)), sizes, st.sampled_from([0.0, 1.0, -1.0, 7.3, 1e6]))
def test_decoded_numbers_are_short_and_lose_nothing(outputs: np.ndarray, std: float, offset: float) -> None:
    learned = {"0.mean": np.array([offset * std]), "0.std": np.array([std])}
    target = RealTarget("y", EncodingChain.read(["standard"], learned, 1))
    exact = outputs.astype(np.float64) * std + offset * std
    decoded = target.decode(outputs[:, None])
    steps = np.maximum(np.spacing(np.abs(outputs)).astype(np.float64) * std, 2 * np.spacing(np.abs(exact)))
    assert (np.abs(decoded - exact) <= steps).all()


@given(arrays(np.float32, 20, elements=st.floats(-8, 8, width=32)))
def test_decoded_numbers_are_read_back_as_the_outputs(outputs: np.ndarray) -> None:
    texts = [repr(number) for number in RealTarget("y", EncodingChain.learn([], np.zeros((1, 1)))).decode(outputs[:, None]).tolist()]
    assert np.array_equal(np.array([float(text) for text in texts]).astype(np.float32), outputs)
    assert all(len(text.lstrip("-0.").replace(".", "")) <= 10 for text in texts if abs(float(text)) > 1e-3)
