"""Information that a conversion to NumPy would lose is kept, or raises a clear error."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from nncore.data import admitted, as_numbers, is_missing
from nncore.data.containers import LAZY
from nncore.errors import DataError, DtypeError


class Quantity(np.ndarray):
    """A stand-in for quantities of astropy."""

    unit = "km"


@pytest.mark.parametrize("value", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "ns")], ids=str)
def test_missing(value: object) -> None:
    assert is_missing(value)
    assert not any(is_missing(present) for present in (0, "", "nan", False, np.str_("a"), [np.nan], (1, 2)))


@pytest.mark.parametrize(
    "data",
    [np.ones(3), [1, 2], pd.Series([1]), pd.DataFrame({"a": [1]}), range(3), "text", 1.5, None],
    ids=lambda data: type(data).__name__,
)
def test_what_numpy_reads_as_it_is_meant_is_passed_on_itself(data: object) -> None:
    assert admitted(data, "X") is data


def test_masked_numbers_are_missing_or_refused() -> None:
    masked = np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [1, 0]])
    np.testing.assert_array_equal(admitted(masked, "X", holes=True), [[1, 2], [np.nan, 4]])
    assert admitted(masked.astype(np.float32), "X", holes=True).dtype == np.float32
    with pytest.raises(DataError, match=r"y has 1 masked values, the first at 1, 0: leave these samples out.*y\.data"):
        admitted(masked, "y")


def test_masked_texts_and_objects_become_none() -> None:
    assert admitted(np.ma.array(["a", "b"], mask=[0, 1]), "X", holes=True).tolist() == ["a", None]
    assert admitted(np.ma.array([Decimal(1), 2], mask=[1, 0]), "X", holes=True).tolist() == [None, 2]


def test_a_mask_that_hides_nothing_is_no_obstacle() -> None:
    data = admitted(np.ma.array([1.0, 2.0], mask=[False, False]), "y")
    assert type(data) is np.ndarray
    assert data.tolist() == [1, 2]


@pytest.mark.parametrize(
    "rows", [[np.ma.array([1.0, 2.0], mask=[0, 1]), np.ma.array([3.0, 4.0])], [1.0, np.ma.masked]], ids=["rows", "items"]
)
def test_masks_inside_a_list_count(rows: list[object]) -> None:
    with pytest.raises(DataError, match="masked"):
        admitted(rows, "X")
    assert np.isnan(admitted(rows, "X", holes=True)).sum() == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((x for x in [1]), "X is a generator, but must be a whole array: collect the values first"),
        (iter([1]), "list_iterator, but must be a whole array"),
        ({1, 2}, "X is a set, which has no order: pass a list"),
        ({"a": [1]}, r"X is a dict: pass a frame, or numpy.column_stack\(list\(X.values\(\)\)\)"),
        (np.zeros(3, [("a", int), ("b", float)]), "structured array with the fields a, b: convert it to columns"),
        (np.rec.array([(1, 2.0)], names="u,v"), "structured array with the fields u, v"),
        (np.ones(2).view(Quantity), "X is a Quantity in km, and networks ignore units"),
    ],
    ids=["generator", "iterator", "set", "dict", "structured", "record", "quantity"],
)  # fmt: skip
def test_what_is_no_array_of_numbers(data: object, message: str) -> None:
    with pytest.raises(DtypeError, match=message):
        admitted(data, "X")


def test_what_numpy_cannot_read_names_the_remedy() -> None:
    class Tensor:
        """A stand-in for tensors of PyTorch that record gradients."""

        def detach(self) -> None: ...

        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    with pytest.raises(DtypeError, match=r"X is a Tensor that NumPy cannot read.*pass X\.detach\(\)\.cpu\(\)\.numpy\(\)"):
        admitted(Tensor(), "X")


def test_a_lazy_frame_is_to_be_collected() -> None:
    polars = pytest.importorskip("polars")
    with pytest.raises(DtypeError, match=r"X is a LazyFrame that is not loaded yet: pass X\.collect\(\)"):
        admitted(polars.LazyFrame({"a": [1]}), "X")


@pytest.mark.parametrize(("attribute", "call"), LAZY.items(), ids=LAZY)
def test_each_kind_of_lazy_table_names_its_own_remedy(attribute: str, call: str) -> None:
    for own in ("columns", "to_frame"):  # for a frame, and for one of its columns
        relation = type("Relation", (), {own: (), attribute: ()})()
        with pytest.raises(DtypeError, match=rf"y is a Relation that is not loaded yet: pass y\.{re.escape(call)}"):
            admitted(relation, "y")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_with_their_rows_are_none(library: str) -> None:
    module = pytest.importorskip(library)
    frame = (module.table if library == "pyarrow" else module.DataFrame)({"a": [1, 2]})
    assert admitted(frame, "X") is frame
    assert len(admitted(frame["a"], "y")) == 2


def test_what_is_missing_among_objects_is_nan() -> None:
    X = np.array([[1, None], [pd.NA, Decimal("2.5")]], object)
    np.testing.assert_array_equal(as_numbers(X, "X"), [[1, np.nan], [np.nan, 2.5]])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.array([10**400], object), DataError, "too large for float64"),
        (np.array(["2020-01-01"], "datetime64[D]"), DtypeError, "convert it to numbers"),
        (np.array([1j]), DtypeError, "X.real and X.imag"),
        (np.array(["1"]), DtypeError, r"X\.astype\(float\)"),
    ],
    ids=["huge", "dates", "complex", "text"],
)
def test_other_values(data: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_numbers(data, "X")
