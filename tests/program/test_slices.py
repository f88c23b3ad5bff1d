"""The number of rows that pass through a network together depends on rows of products and not on samples."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.plugin import Layer, LayerCall, Plan, Tensor
from nncore.program.compiler import LARGEST_SLICE_BYTES, MIN_PARTS, MIN_PRODUCT_ROWS


class Shared(Layer):
    """A layer in which every sample is `terms` rows of one product."""

    def __init__(self, terms: int, width: int = 512) -> None:
        self.terms, self.width = terms, width

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        weight = Tensor("weight", (self.width, self.width), "weight", None, self.width, self.width)
        return Plan((self.terms, self.width), (weight,), gradient_unit=self.width, gradient_terms=self.terms)

    def forward(self, call: LayerCall) -> None:
        rows = call.x.reshape(len(call.x) * self.terms, self.width)
        call.y[...] = (rows @ call.parameters["weight"]).reshape(call.y.shape)


class Members(Layer):
    """A layer whose `n` members have separate weights, so that a sample is one row of each product, however wide it is."""

    def __init__(self, n: int, width: int) -> None:
        self.n, self.width = n, width

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        weight = Tensor("weight", (self.n, self.width), "weight", None, 1, 1)
        return Plan((self.n, self.width), (weight,), gradient_unit=self.width)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x * call.parameters["weight"]


def reserved_rows(net: nn.Sequential, shape: int | tuple[int, ...]) -> int:
    return net.build(shape, rng=0).program_for_prediction().spec.max_rows


@pytest.mark.parametrize("terms", [1, 32])
def test_wide_samples_of_many_rows_make_small_slices(terms: int) -> None:
    assert reserved_rows(nn.Sequential(Shared(terms), Shared(terms)), (terms, 512)) == MIN_PARTS * MIN_PRODUCT_ROWS // terms


def test_a_layer_of_one_row_a_sample_counts_by_its_size() -> None:
    """A layer with one row for each sample counts by its size: here 512 · 512 weights for 32 rows, and 32 · 512 · 16 for one."""
    rows = reserved_rows(nn.Sequential(Shared(32), nn.Flatten(), nn.Dense(16, use_bias=False)), (32, 512)) // MIN_PARTS
    packed, met = 512 * 512 + 32 * 512 * 16, 512 * 512 * 32 + 32 * 512 * 16
    assert rows == int(np.ceil(MIN_PRODUCT_ROWS * packed / met))


def test_wide_dense_layers_keep_their_slices() -> None:
    assert reserved_rows(nn.Sequential(nn.Dense(2048), nn.Dense(2048)), 784) == MIN_PARTS * MIN_PRODUCT_ROWS


@pytest.mark.parametrize("n_layers", [1, 8])
def test_wide_networks_reserve_no_more_than_small_slices(n_layers: int) -> None:
    net = nn.Sequential(*(Members(32, 512) for _ in range(n_layers)))
    spec = net.build((32, 512), rng=0).program_for_prediction().spec
    reserved = spec.input.nbytes + sum(op.y.nbytes for op in spec.ops)
    assert 0.9 * MIN_PARTS * LARGEST_SLICE_BYTES < reserved <= MIN_PARTS * LARGEST_SLICE_BYTES


def test_a_network_of_any_width_takes_a_row() -> None:
    width = LARGEST_SLICE_BYTES // 8 + 1
    assert reserved_rows(nn.Sequential(Members(1, width)), (1, width)) == MIN_PARTS
