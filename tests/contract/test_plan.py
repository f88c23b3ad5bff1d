"""Every field of a plan is checked, with every kind of invalid value."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from each import each

import nncore as nn
from nncore.contract.plan import LARGEST
from nncore.errors import NNCoreError, PluginError
from nncore.plugin import Buffer, Layer, LayerCall, Plan, Tensor

SCALE = Tensor("scale", (4,), "scale", "zeros", 1, 1)
SOUND = Plan((4,), (SCALE,), (Buffer("mean", (4,)),), gradient_unit=2, numbers=(1, -2))
COUNT = [-1, LARGEST + 1, 1.5, True, None, "3", np.int64(3)]
FLAG = [1, 0, None, "yes", np.True_]
SHAPE = [None, 4, [4], "4", (4.0,), (0,), (-1,), (True,), (LARGEST, 2), (1,) * 33, (np.int64(4),)]

#: For each field of `Plan`, values that are always invalid.
BAD_PLANS: dict[str, list[Any]] = {
    "output_shape": SHAPE,
    "tensors": [None, [SCALE], (SCALE, SCALE), (SCALE, 1), (Buffer("mean", (4,)),)],
    "buffers": [None, [Buffer("mean", (4,))], (Buffer("scale", (4,)),), (SCALE,)],
    "activation": [42, 1.5, ["relu"]],
    "activation_rows": [0, -1, 1.5, True, 3],
    "cache": COUNT,
    "cache_per_row": COUNT,
    "work": COUNT,
    "work_per_row": COUNT,
    "codes": [None, [0], (1.5,), (True,), (-1,), (4,), (0, 0)],
    "numbers": [None, [1], (1.5,), (True,), (2**63,), (np.int64(1),), "12"],
    "split_rows": FLAG,
    "split_columns": FLAG,
    "gradient_unit": [*COUNT, 3, 8],
    "gradient_bound": [-1.0, np.inf, np.nan, None, "1", True],
    "gradient_terms": [0, *COUNT],
    "batch_sums": COUNT,
    "is_view": [*FLAG, True],  # with tensors
    "training_only": FLAG,
    "reads_parameters_in_gradient": FLAG,
    "backward_fills_cache": FLAG,
    "accepts_nan": FLAG,
    "spreads_nan": FLAG,
    "takes_sparse": FLAG,
    "output_domain": [0, "", "positive", "(1, 0)", "[0, inf", (0, 1)],
    "members": [-1, 1.5, True, 3],
    "own_samples": [*FLAG, True],  # with tensors
    "link": ["softmax", 42],
    "flops": [-1, 2**63, 1.5, True],
    "branches": [None, [()], ([nn.Dense(4)],), ((42,),), (("dense",),)],  # with tensors
    "merge": ["product", None, 1, ""],
}
BAD_TENSORS: dict[str, list[Any]] = {
    "name": [None, 1, "", "two words", "a.b"],
    "shape": SHAPE,
    "role": [None, "matrix", 0],
    "initializer": [42, ("zeros",)],
    "fan_in": [0, *COUNT],
    "fan_out": [0, *COUNT],
    "tied_to": [1, "encoder", ["a.weight"]],
    "transposed": [*FLAG, True],  # without a source
    "regularizer": [42, ("l1", 1.5)],
    "constraint": [42, [None]],
    "per_member": [1, None],
    "sparse_gradient": [1, None],
}
BAD_BUFFERS: dict[str, list[Any]] = {
    "name": [None, "1st"],
    "shape": SHAPE,
    "value": [None, "0", np.nan, np.inf, True],
    "dtype": [1, "float32", "int4", ["int8"], np.int8],
    "interval": [1, "positive", "distribution", "[1, 0]", ["(0, 1)"]],
}

#: Fields of which only some combinations are valid.
PAIRS: list[dict[str, Any]] = [
    {"split_rows": True, "cache": 1},
    {"split_rows": True, "batch_sums": 1},
    {"split_columns": True, "work_per_row": 1},
    {"gradient_unit": 1, "tensors": ()},
    {"gradient_unit": 0, "reads_parameters_in_gradient": True},
    {"gradient_unit": 0, "backward_fills_cache": True},
    {"gradient_unit": 0, "takes_sparse": True},
    {"cache": 0, "cache_per_row": 0, "backward_fills_cache": True},
    {"is_view": True, "tensors": (), "buffers": (), "gradient_unit": 0, "output_shape": (4000,)},
    {"training_only": True, "output_shape": (3,)},
    {"tensors": (), "buffers": (), "gradient_unit": 0, "numbers": (), "branches": ((), ("dense",)), "cache": 1},
]


def cases() -> list[dict[str, Any]]:
    """Changes of a valid plan that make it invalid."""
    found: list[dict[str, Any]] = [{field: value} for field, values in BAD_PLANS.items() for value in values]
    for record, part, bad in (("tensors", SCALE, BAD_TENSORS), ("buffers", Buffer("mean", (4,)), BAD_BUFFERS)):
        found += [{record: (replace(part, **{f: value}),)} for f, values in bad.items() for value in values]
    return [*found, *PAIRS]


class Planned(Layer):
    """The identity, with the plan that a test passes."""

    def __init__(self, changes: dict[str, Any]) -> None:
        self.changes = changes

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return replace(SOUND, **self.changes)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        raise AssertionError("nothing is trained here")


@pytest.mark.parametrize(("record", "bad"), [(Plan, BAD_PLANS), (Tensor, BAD_TENSORS), (Buffer, BAD_BUFFERS)])
def test_bad_values_are_listed_for_every_field(record: type, bad: dict[str, list[Any]]) -> None:
    assert [field.name for field in fields(record)] == sorted(bad, key=[field.name for field in fields(record)].index)


@each("changes", cases())
def test_a_plan_that_is_not_sound_is_refused_before_anything_is_made(changes: dict[str, Any]) -> None:
    network = nn.Sequential(Planned(changes), nn.Dense(2))
    with pytest.raises(PluginError, match=r"^layer Planned, planned_1: .* of (a|the) (plan|branch)"):
        network.build(4)


def test_a_sound_plan_passes() -> None:
    SOUND.validate((4,))
    nn.Sequential(Planned({}), nn.Dense(2)).build(4).predict(np.zeros((1, 4)))


@pytest.mark.parametrize("returned", [None, (4,), {"output_shape": (4,)}])
def test_what_is_no_plan_is_refused(returned: Any) -> None:
    class Planless(Layer):
        def plan(self, input_shape: tuple[int, ...]) -> Plan:
            return returned  # type: ignore[no-any-return]

    with pytest.raises(NNCoreError, match=r"^layer Planless, planless_1: plan\(\) returned .*; it must return a Plan"):
        nn.Sequential(Planless(), nn.Dense(2)).build(4)
