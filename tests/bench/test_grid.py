from __future__ import annotations

import pytest

from nncore.bench import grid
from nncore.bench.grid import Case
from nncore.errors import ParameterError


def test_counts_of_a_network_by_hand() -> None:
    case = Case((3, 4, 2), batch=5)
    assert case.n_weights == 3 * 4 + 4 * 2
    assert case.forward_flops == 2 * 5 * (3 * 4 + 4 * 2)
    # forward, and the gradient of the weights: both layers; the gradient of the inputs: the second layer alone
    assert case.step_flops == 2 * 5 * (2 * (3 * 4 + 4 * 2) + 4 * 2)


def test_names() -> None:
    assert Case((784, 128, 10), 32).net == "784-128-10"
    assert Case((784, 128, 10), 32).label == "784-128-10 at 32, 1 thread"
    assert Case((784, 128, 10), 32, threads=2).label == "784-128-10 at 32, 2 threads"


def test_selections() -> None:
    assert grid.parse_nets("784-128-10, 4-3") == ((784, 128, 10), (4, 3))
    assert grid.parse_numbers("1, 32,128") == (1, 32, 128)


@pytest.mark.parametrize("text", ["784", "784-", "784-0-10", "784-x", "", "784-128-10,", "-4-3", "4-1.5-3"])
def test_wrong_networks(text: str) -> None:
    with pytest.raises(ParameterError):
        grid.parse_nets(text)


@pytest.mark.parametrize("text", ["", "0", "1,,2", "-1", "two", "1;2"])
def test_wrong_numbers(text: str) -> None:
    with pytest.raises(ParameterError):
        grid.parse_numbers(text)


def test_an_epoch_has_at_least_two_steps_and_its_data_fit() -> None:
    assert grid.n_steps(Case((4, 16, 3), 1), limit=1e-7) == 50_000
    assert grid.n_steps(Case((4, 16, 3), 1), limit=1e-4) == 333
    assert grid.n_steps(Case((1024, 2048, 10), 2048), limit=0.6) == 2
    assert grid.n_steps(Case((1024, 16, 3), 512), limit=1e-7) == 64 * 2**20 // (4 * 1024 * 512)


def test_a_task_says_everything_of_a_case() -> None:
    assert grid.task("training", grid.SIMPLECHAINS, 10_000) == {
        "kind": "training",
        "widths": [4, 32, 16, 4],
        "batch": 10_000,
        "rows": 10_000,
        "activation": "tanh",
        "loss": "mse",
    }
