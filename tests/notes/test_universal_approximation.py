"""Row M5: half-planes, and, or. Step networks with weights set by hand, against geometry without half-planes."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn

Corners = list[tuple[float, float]]


def network_of(pieces: list[Corners], dtype: str = "float64") -> nn.Sequential:
    """A network that is 1 inside any of the convex polygons, whose corners come counter-clockwise."""
    n_edges = [len(corners) for corners in pieces]
    net = nn.Sequential(nn.Dense(sum(n_edges), activation="step"), nn.Dense(len(pieces), activation="step"), nn.Dense(1, activation="step"))
    tensors = net.build(2, dtype=dtype).named_parameters()
    tensors["dense_2.weight"][...] = 0  # an "and" ignores the edges of other pieces
    column = 0
    for piece, corners in enumerate(pieces):
        for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
            # Left of the way from p to q is where (q - p) × (x - p) > 0.
            tensors["dense_1.weight"][:, column] = py - qy, qx - px
            tensors["dense_1.bias"][column] = px * (qy - py) - py * (qx - px)
            tensors["dense_2.weight"][column, piece] = 1
            column += 1
        tensors["dense_2.bias"][piece] = 0.5 - len(corners)  # all of them: and
    tensors["dense_3.weight"][...] = 1
    tensors["dense_3.bias"][...] = -0.5  # any of them: or
    return net


def crosses_an_odd_number_of_edges(x: float, y: float, corners: Corners) -> bool:
    """Whether a ray from the point to the right leaves the polygon, of any shape, once more than it enters it."""
    inside = False
    for (px, py), (qx, qy) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (py > y) != (qy > y) and x < px + (y - py) / (qy - py) * (qx - px):
            inside = not inside
    return inside


def convex_polygon(rng: np.random.Generator) -> Corners:
    """Corners on an ellipse somewhere."""
    angles = np.sort(rng.choice(24, size=rng.integers(3, 12), replace=False)) * (2 * np.pi / 24)
    center, radii = rng.uniform(-1, 1, 2), rng.uniform(0.3, 1.2, 2)
    return [tuple(center + radii * (np.cos(angle), np.sin(angle))) for angle in angles]


@pytest.mark.parametrize("seed", range(10))
def test_a_convex_polygon(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = convex_polygon(rng)
    points = rng.uniform(-2.5, 2.5, (2000, 2))
    inside = [crosses_an_odd_number_of_edges(x, y, corners) for x, y in points]
    assert any(inside)
    np.testing.assert_array_equal(network_of([corners]).predict(points)[:, 0], inside)


@pytest.mark.parametrize("seed", range(10))
def test_a_union_of_convex_polygons(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    pieces = [convex_polygon(rng) for _ in range(rng.integers(2, 8))]
    points = rng.uniform(-2.5, 2.5, (2000, 2))
    inside = [any(crosses_an_odd_number_of_edges(x, y, corners) for corners in pieces) for x, y in points]
    np.testing.assert_array_equal(network_of(pieces).predict(points)[:, 0], inside)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_shape_that_is_not_convex_and_a_part_apart(dtype: str) -> None:
    """The network is right for a shape that is not convex, an L of two bars, and a separate part, on a grid between whole numbers."""
    outline: Corners = [(0, 0), (6, 0), (6, 2), (2, 2), (2, 7), (0, 7)]
    bars: list[Corners] = [[(0, 0), (6, 0), (6, 2), (0, 2)], [(0, 0), (2, 0), (2, 7), (0, 7)]]
    triangle: Corners = [(4, 4), (8, 4), (6, 8)]
    points = np.stack(np.meshgrid(np.arange(-1, 10) + 0.5, np.arange(-1, 10) + 0.25), axis=-1).reshape(-1, 2)
    inside = [crosses_an_odd_number_of_edges(x, y, outline) or crosses_an_odd_number_of_edges(x, y, triangle) for x, y in points]
    np.testing.assert_array_equal(network_of([*bars, triangle], dtype).predict(points)[:, 0], inside)


def test_the_line_itself_is_outside() -> None:
    square: Corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    net = network_of([square])
    assert net.predict([[0.5, 0.0], [1.0, 0.5], [1.0, 1.0], [0.5, 0.5]])[:, 0].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("n_stairs", [2, 16, 128, 1000])
def test_a_staircase_keeps_its_bound(n_stairs: int) -> None:
    """A staircase with f's height in the middle of each step is off by at most half a step's width times the largest slope."""
    net = nn.Sequential(nn.Dense(n_stairs - 1, activation="step"), nn.Dense(1)).build(1, dtype="float64")
    middles = np.sin(7 * (np.arange(n_stairs) + 0.5) / n_stairs)
    tensors = net.named_parameters()
    tensors["dense_1.weight"][...] = 1
    tensors["dense_1.bias"][...] = -np.arange(1, n_stairs) / n_stairs
    tensors["dense_2.weight"][:, 0] = np.diff(middles)
    tensors["dense_2.bias"][...] = middles[0]
    x = np.linspace(0, 1, 5001)
    assert np.abs(net.predict(x[:, np.newaxis])[:, 0] - np.sin(7 * x)).max() <= 7 / (2 * n_stairs)
