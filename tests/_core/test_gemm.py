"""The matrix products of a dense layer, through the layer, at every size around a tile's edges and for every way to cut them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from levels import OTHER_LEVELS, other_levels, run_tests

import nncore as nn
from nncore._core import native
from nncore.testing import Guarded, tables, team_of

SIZES = st.integers(1, 70)
DTYPES: dict[type, str] = {np.float32: "f32", np.float64: "f64"}

#: rows, inputs, outputs. They cover blocks of k and of columns, and rows so few that they are not packed, with and without prefetching.
#: Rows of a with a distance of 4 kB or 8 kB make the core pack blocks of a too. Some cases have more rows of a than are kept for all blocks
#: of columns.
LARGE_SIZES = [
    (1, 500, 3), (300, 1, 1), (2, 193, 65), (60, 257, 32), (57, 385, 47), (129, 600, 33), (3, 400, 400), (14, 70, 2100),
    (70, 1024, 37), (300, 1024, 96), (16, 40, 1024), (33, 1024, 1024), (0, 300, 200), (0, 3, 5), (40, 1030, 1051), (330, 700, 300),
    (601, 1030, 1027),
]  # fmt: skip


@pytest.fixture(params=[False, True], ids=["without", "lent"])
def memory(request: pytest.FixtureRequest) -> Iterator[None]:
    """Test with and without the scratch memory of a run for copies of large operands."""
    native.lend(request.param)
    yield
    native.lend(False)


class Dense:
    """A dense layer's three functions on buffers with canaries.

    Parameters
    ----------
    dtype : type
        float32 or float64.
    rows, inputs, outputs : int
    use_bias : bool
    """

    def __init__(self, dtype: type, rows: int, inputs: int, outputs: int, use_bias: bool) -> None:
        rng = np.random.default_rng(rows * 10000 + inputs * 100 + outputs)
        self.dtype, self.rows, self.inputs, self.outputs, self.use_bias = dtype, rows, inputs, outputs, use_bias
        #: Rows of the parameters: those of W, and b as one more.
        self.units = inputs + int(use_bias)
        shapes = {"x": (rows, inputs), "parameters": (self.units, outputs), "d_y": (rows, outputs)}
        self.read = {name: Guarded(rng.normal(size=shape).astype(dtype), name) for name, shape in shapes.items()}

    def run(
        self,
        function: str,
        rows: tuple[int, int] | None = None,
        columns: tuple[int, int] | None = None,
        units: tuple[int, int] | None = None,
    ) -> np.ndarray:
        """Call `function` for a range of rows, of columns of what it writes, or of rows of the parameters; return what it wrote.

        Parameters
        ----------
        function : {"forward", "backward", "gradient"}
        rows, columns, units : tuple of int, optional
            Begin and end; everything by default.

        Returns
        -------
        ndarray
            Of (rows, columns) or, from gradient, (units, outputs).
        """
        begin, end = rows or (0, self.rows)
        width = self.inputs if function == "backward" else self.outputs
        begin_column, end_column = columns or (0, width)
        begin_unit, end_unit = units or (0, self.units)
        name, shape = {
            "forward": ("y", (end - begin, width)), "backward": ("d_x", (end - begin, width)),
            "gradient": ("d_parameters", (end_unit - begin_unit, width)),
        }[function]  # fmt: skip
        written, hyper = Guarded(np.full(shape, np.nan, self.dtype), name), np.array([float(self.use_bias)])
        arrays = {name: guarded.array for name, guarded in self.read.items()}
        arrays |= {"x": arrays["x"][begin:end], "d_y": arrays["d_y"][begin:end], name: written.array, "hyper": hyper}
        getattr(tables.layer(native.layer_dense), f"{function}_{DTYPES[self.dtype]}").must(
            **arrays,
            n_rows=end - begin,
            n_inputs=self.inputs,
            n_outputs=self.outputs,
            first_row=begin,
            begin_column=begin_column,
            end_column=end_column,
            begin_parameter=begin_unit * self.outputs,
            end_parameter=end_unit * self.outputs,
        )
        for guarded in self.read.values():
            guarded.check()
        result = written.check()
        assert np.isnan(result[:, :begin_column]).all(), "columns before the range were written"
        assert np.isnan(result[:, end_column:]).all(), "columns behind the range were written"
        return result[:, begin_column:end_column]

    def check(self) -> None:
        """Compare everything with NumPy in float64."""
        x, parameters, d_y = (guarded.array.astype(float) for guarded in self.read.values())
        one = np.ones((self.rows, self.units - self.inputs))
        x_and_one, weight = np.hstack([x, one]), parameters[: self.inputs]
        self.close("forward", x_and_one, parameters)
        self.close("backward", d_y, weight.T)
        self.close("gradient", x_and_one.T, d_y)

    def close(self, function: str, a: np.ndarray, b: np.ndarray) -> None:
        # A sum of n products is off by at most n eps times the sum of their magnitudes.
        bound = (a.shape[1] + 2) * float(np.finfo(self.dtype).eps) * (np.abs(a) @ np.abs(b) + float(np.finfo(self.dtype).tiny))
        assert (np.abs(self.run(function).astype(float) - a @ b) <= bound).all(), function


@pytest.mark.parametrize("dtype", DTYPES)
@given(rows=SIZES, inputs=SIZES, outputs=SIZES, use_bias=st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_products_of_any_size(dtype: type, rows: int, inputs: int, outputs: int, use_bias: bool) -> None:
    Dense(dtype, rows, inputs, outputs, use_bias).check()


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", LARGE_SIZES)
def test_products_beyond_a_cache_block(dtype: type, size: tuple[int, int, int]) -> None:
    Dense(dtype, *size, True).check()


def ranges(total: int, length: int) -> list[tuple[int, int]]:
    return [(begin, min(begin + length, total)) for begin in range(0, total, length)]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(131, 250, 43), (17, 54, 256), (40, 1024, 96), (9, 33, 7), (70, 16, 3), (5, 300, 640)])
def test_cutting_a_product_changes_no_bit(dtype: type, size: tuple[int, int, int]) -> None:
    """Splitting a product changes no bit: ranges of rows, columns and units take other code paths than the whole."""
    dense = Dense(dtype, *size, True)
    rows, inputs, outputs = size
    for function, width in (("forward", outputs), ("backward", inputs)):
        together = dense.run(function)
        for length in {1, 2, 7, 14, 33, rows // 2 + 1}:
            np.testing.assert_array_equal(np.concatenate([dense.run(function, rows=part) for part in ranges(rows, length)]), together)
        for length in {16, 39, 64, width // 2 + 1}:
            parts = [dense.run(function, columns=part) for part in ranges(width, length)]
            np.testing.assert_array_equal(np.hstack(parts), together)
            parts = [dense.run(function, rows=(1, 3), columns=part) for part in ranges(width, length)]
            np.testing.assert_array_equal(np.hstack(parts), together[1:3])
    together = dense.run("gradient")
    for length in {1, 5, 16, 33, inputs // 2 + 1} if inputs < 100 else {5, 33, inputs // 2 + 1}:
        np.testing.assert_array_equal(np.concatenate([dense.run("gradient", units=part) for part in ranges(inputs + 1, length)]), together)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("dtype", DTYPES)
def test_terms_are_summed_in_their_order(dtype: type) -> None:
    """Terms are summed in their order, starting from the bias, bit for bit; the factors are such that no product rounds."""
    rows, inputs, outputs = 29, 530, 50
    dense = Dense(dtype, rows, inputs, outputs, True)
    rng = np.random.default_rng(1)
    x, parameters, d_y = (guarded.array for guarded in dense.read.values())
    x[...] = 2.0 ** rng.integers(-12, 12, x.shape)
    one_by_one = np.tile(parameters[inputs], (rows, 1))
    for p in range(inputs):
        one_by_one += x[:, p, None] * parameters[p]
    np.testing.assert_array_equal(dense.run("forward"), one_by_one)
    one_by_one = np.zeros((inputs, outputs), dtype)
    for p in range(rows):
        one_by_one += x[p, :, None] * d_y[p]
    np.testing.assert_array_equal(dense.run("gradient", units=(0, inputs)), one_by_one)
    d_y[...] = 2.0 ** rng.integers(-12, 12, d_y.shape)
    one_by_one = np.zeros((rows, inputs), dtype)
    for p in range(outputs):
        one_by_one += d_y[:, p, None] * parameters[:inputs, p]
    np.testing.assert_array_equal(dense.run("backward"), one_by_one)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("inputs", "width", "rows"), [(1030, 1051, 40), (700, 300, 330)], ids=["panels", "blocks"])
def test_what_is_packed_in_lent_memory(dtype: str, inputs: int, width: int, rows: int) -> None:
    """Products whose operands are packed in scratch memory are correct: panels of distant weights, and blocks."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(rows, inputs)), rng.normal(size=(rows, 5))
    layers = nn.Dense(width, activation="relu"), nn.Dense(width, activation="relu"), nn.Dense(5)
    net = nn.Sequential(*layers).build(inputs, loss="mse", optimizer="sgd", rng=0, dtype=dtype)
    together = net.predict(x)
    for row in 0, rows - 1:  # of which nothing is packed
        np.testing.assert_array_equal(net.predict(x[row : row + 1])[0], together[row])

    def outcome(n_parts: int) -> tuple[np.ndarray, np.ndarray]:
        with team_of(n_parts):
            outputs = net.forward(x, training=True)
            net.backward(y)
        return outputs, net.gradients.copy()

    for one, five in zip(outcome(1), outcome(5), strict=True):  # parts so small that they take other paths
        np.testing.assert_array_equal(five, one)


LAYERS = Path(__file__).parents[1] / "layers" / "test_layers.py"


@pytest.mark.parametrize("level", other_levels(quick="v3"))
def test_at_every_level(level: str) -> None:
    """Large products in float32 are correct at every level; float64 uses the same block loops, and small products test the tiles."""
    run_tests(level, __file__, str(LAYERS), without=("float64 and (beyond or cutting or packed)",))


@pytest.mark.slow
@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_all_at_every_level(level: str) -> None:
    run_tests(level, __file__)
