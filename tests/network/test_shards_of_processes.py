"""`fit(shards=S, collective=...)`: each process sums the rows of a branch of the tree, and sends only sums."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.test_processes import errors_of, expect_equal
from network.test_shards import CASES, CLASSES, WEIGHT, X, fitted

import nncore as nn
from nncore.errors import NonFiniteError
from nncore.plugin import Callback, Collective
from nncore.testing import numpy_twin, on_ranks, team_of

# ---- the same bits ------------------------------------------------------------------------------------------------------------


def check_bits(case: str, shards: int, sizes: Sequence[int], n_threads: int = 1, dtype: str = "float32") -> None:
    with team_of(1):
        alone = fitted(case, dtype, shards=shards)
    with team_of(n_threads):
        for size in sizes:
            found = on_ranks(size, lambda collective: fitted(case, dtype, shards=shards, collective=collective))
            expect_equal(found, alone, f"{case}, {shards} shards, {size} processes of {n_threads} threads")


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_processes_has_the_bits_of_one(case: str) -> None:
    check_bits(case, 8, (2, 3))


@pytest.mark.parametrize("case", ["dense", "batch_norm", "ties", "two_branches"])
def test_numbers_that_do_not_divide_have_the_bits_of_one(case: str) -> None:
    """Numbers that do not divide give the bits of one process: branches of 2, 2 and 1 parts, of 4 and 3, and more processes than parts."""
    check_bits(case, 5, (3, 4), 2, "float64")
    check_bits(case, 7, (2, 8))


def test_parts_without_rows_belong_to_somebody() -> None:
    """Parts without rows are assigned to processes, too: the last batch has 30 rows in 40 parts."""
    check_bits("batch_norm", 40, (3, 4))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_more_processes_have_the_bits_of_one(case: str) -> None:
    for n_threads in (1, 2):
        for shards in (4, 8):
            check_bits(case, shards, (1, 2, 3, 4, 8), n_threads)


def test_large_networks_have_the_bits_of_one() -> None:
    """Large networks have the bits of one process, which uses up its gradients in the cache; several processes exchange them."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 600)), rng.integers(0, 3, 64)

    def run(collective: Collective | None) -> dict[str, np.ndarray]:
        network = nn.Sequential(nn.Dense(500, activation="relu"), nn.Dense(3))
        fit = {"loss": "softmax_cross_entropy", "epochs": 2, "batch_size": 16, "shards": 4, "rng": 0, "progress": False}
        network.fit(x, y, collective=collective, **fit)
        return {"parameters": network.parameters}

    expect_equal(on_ranks(2, run), run(None), "a large network")


# ---- messages -------------------------------------------------------------------------------------------------------------------


class Counted(Collective):
    """Records how many bytes each call sends to others."""

    def __init__(self, inner: Collective) -> None:
        self.inner = inner
        self.calls: list[tuple[str, int]] = []
        self._n_sent = 0

    @property
    def rank(self) -> int:
        return self.inner.rank

    @property
    def size(self) -> int:
        return self.inner.size

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        self._n_sent += len(sent)
        self.inner.exchange(peer, sent, received)

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        self._n_sent = 0
        super().all_gather(buffer, ends)
        self.calls.append(("gather", self._n_sent))

    def all_to_all(self, sent: np.ndarray, sent_ends: Sequence[int], received: np.ndarray, received_ends: Sequence[int]) -> None:
        self._n_sent = 0
        super().all_to_all(sent, sent_ends, received, received_ends)
        self.calls.append(("deal", self._n_sent))

    def abort(self, reason: str) -> None:
        self.inner.abort(reason)

    def of_steps(self) -> list[tuple[str, int]]:
        """Calls from the first exchange of gradients to the last, without those that send only a status of 8 bytes."""
        deals = [i for i, (kind, _) in enumerate(self.calls) if kind == "deal"]
        verdict = 8 * (self.size - 1)
        return [call for call in self.calls[deals[0] + 1 : deals[-1] + 1] if call != ("gather", verdict)]


def sent_by(size: int, shards: int, batch_size: int, n_steps: int, *layers: Any) -> tuple[list[list[tuple[str, int]]], int]:
    """Bytes that each process sends in all steps but the first, and the number of parameters."""
    found: list[Any] = [None] * size
    n = batch_size * n_steps

    def run(collective: Collective) -> int:
        counted = Counted(collective)
        network = nn.Sequential(*copy.deepcopy(layers), nn.Dense(3))
        x, y = np.resize(X, (n, 6)), np.resize(CLASSES, n)
        fit = {"loss": "softmax_cross_entropy", "epochs": 1, "batch_size": batch_size, "rng": 0, "progress": False, "dtype": "float32"}
        network.fit(x, y, shards=shards, collective=counted, **fit)
        found[collective.rank] = counted.of_steps()
        return network.n_parameters

    sizes = on_ranks(size, run)
    assert all(isinstance(number, int) for number in sizes), sizes
    return found, sizes[0]


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("batch_size", [16, 64])
def test_a_step_sends_sums_and_no_samples(size: int, batch_size: int) -> None:
    """A step sends gradients and parameters once, a loss of 8 bytes and a status of 8, whatever the batch size."""
    n_steps = 4
    found, n_parameters = sent_by(size, 8, batch_size, n_steps, nn.Dense(10, activation="tanh"), nn.Dense(7, activation="relu"))
    others = size - 1
    for calls in found:
        assert [kind for kind, _ in calls] == ["gather", "gather", "deal"] * (
            n_steps - 1
        )  # parameters, then loss and gradients of the next
        assert [n for _, n in calls[1::3]] == [16 * others] * (n_steps - 1)
    assert sum(n for calls in found for _, n in calls[0::3]) == (n_steps - 1) * others * (4 * n_parameters + 8 * size)
    assert sum(n for calls in found for _, n in calls[2::3]) == (n_steps - 1) * others * 4 * n_parameters


def test_batch_normalisation_sends_its_sums() -> None:
    """Batch normalisation sends two numbers of 8 bytes for each column, forwards and backwards."""
    size, n_steps, width = 2, 3, 10
    found, _ = sent_by(size, 4, 32, n_steps, nn.Dense(width), nn.BatchNorm(), nn.ActivationLayer("relu"))
    for calls in found:
        assert [kind for kind, _ in calls] == ["gather", "gather", "gather", "gather", "deal"] * (n_steps - 1)
        for way in (1, 3):
            assert {n for _, n in calls[way::5]} == {(8 + 2 * width * 8) * (size - 1)}


def test_a_layer_in_python_is_given_the_whole_batch() -> None:
    """A layer in Python gets the whole batch: its inputs and output gradients are gathered, and those of no other layer."""
    size, n_steps, width, batch_size = 2, 3, 10, 32
    found, _ = sent_by(size, 4, batch_size, n_steps, nn.Dense(width), numpy_twin(nn.BatchNorm()), nn.Dense(20, activation="relu"))
    assert {n for calls in found for _, n in calls} >= {(8 + batch_size // size * width * 4) * (size - 1)}


@pytest.mark.parametrize(("size", "shards", "works"), [(3, 8, [1, 1, 0]), (3, 6, [1, 1, 1]), (3, 2, [1, 1, 0]), (5, 8, [1, 1, 1, 1, 0])])
def test_processes_without_a_branch_update_their_range_alone(size: int, shards: int, works: list[int]) -> None:
    """Branches have a power of two of parts: of three processes, all get 2 of 6 parts, and only two get 4 of 8."""
    found, _ = sent_by(size, shards, 16, 2, nn.Dense(10, activation="tanh"))
    sent = [sum(n for kind, n in calls if kind == "deal") for calls in found]
    assert [int(n > 0) for n in sent] == works
    assert all(n > 0 for calls in found for kind, n in calls if kind == "gather")  # parameters of its range


# ---- the same outcome in all processes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [[], [nn.BatchNorm]])
def test_nan_of_one_process_stops_all_with_the_same_error(more: list[Any]) -> None:
    """NaN in one process stops all of them with the same error; here only the last row overflows, which the last process has."""
    inputs, targets = X.astype(np.float32), X[:, :1].astype(np.float32)
    inputs[-1] = 1e38

    def run(collective: Collective | None) -> None:
        fit = {"loss": "mse", "batch_size": len(X), "shuffle": False, "epochs": 2, "rng": 0, "progress": False}
        nn.Sequential(nn.Dense(4), *(layer() for layer in more), nn.Dense(1)).fit(inputs, targets, shards=8, collective=collective, **fit)

    with pytest.raises(NonFiniteError) as alone:
        run(None)
    for size in (2, 3):
        results = on_ranks(size, run)
        assert errors_of(results, NonFiniteError) == [str(alone.value)] * size


def test_another_number_of_processes_goes_on(tmp_path: Path) -> None:
    """A fit of four processes, interrupted within an epoch, is resumed by two with the same result."""
    file = tmp_path / "run.nncore"

    class Cut(Callback):
        pause_every = 2

        def on_progress(self, training: Any) -> None:
            if training.network.n_steps == 6:
                training.stop("cut", cut_short=True)

    def fit(network: nn.Sequential, collective: Collective | None, epochs: int, *callbacks: Any) -> dict[str, np.ndarray]:
        settings = {"loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 40, "progress": False, "sample_weight": WEIGHT}
        network.fit(X, CLASSES, shards=8, epochs=epochs, callbacks=[nn.EMA(0.9), *callbacks], collective=collective, **settings)
        return {"parameters": network.parameters.copy(), **network.optimizer_state, **network.named_buffers()}

    def network() -> nn.Sequential:
        layers = nn.Dense(9, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(3)
        return nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", rng=1)

    begun = on_ranks(4, lambda collective: fit(network(), collective, 3, Cut(), nn.Checkpoint(file, every_steps=2)))
    assert all(isinstance(found, dict) for found in begun), begun
    whole = fit(network(), None, 3)

    def go_on(collective: Collective | None) -> dict[str, np.ndarray]:
        own = nn.load(file)
        assert own.n_steps == 6
        return fit(own, collective, 3 - own.n_epochs)

    expect_equal(on_ranks(2, go_on), whole, "two processes")
    expect_equal([go_on(None)], whole, "alone")
