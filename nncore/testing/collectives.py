"""Conformance checks of collectives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nncore.contract import Collective
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_same_bits


class CollectiveConformance(Conformance):
    """Conformance checks of a collective. Override `together` to start several processes; otherwise only this process is checked.

    >>> class TestSingle(CollectiveConformance):
    ...     name = "single"
    """

    kind = "collectives"

    def together(self, check: Callable[[Collective], Any]) -> list[Any]:
        """Call a function in several connected processes, each with its own collective.

        Parameters
        ----------
        check : callable
            Takes a collective.

        Returns
        -------
        list
            Result or exception of each process, by rank.
        """
        return [check(collective) for collective in self.components()]

    def _each(self, check: Callable[[Collective], None]) -> None:
        for found in self.together(check):
            if isinstance(found, BaseException):
                raise found

    def test_ranks(self) -> None:
        self._each(check_rank)

    def test_shares_are_gathered(self) -> None:
        self._each(check_gathering)

    def test_every_process_gets_what_is_for_it(self) -> None:
        self._each(check_all_to_all)

    def test_broadcasts(self) -> None:
        self._each(check_broadcast)

    def test_exchanges(self) -> None:
        self._each(check_exchange)

    def test_a_fit_has_the_bits_of_one_process(self) -> None:
        for fit in (fitted, fitted_by_shards):
            alone = fit(None)
            for found in self.together(fit):
                if isinstance(found, BaseException):
                    raise found
                expect_same_bits(found, alone, f"parameters after a fit ({fit.__name__})")


def check_rank(collective: Collective) -> None:
    expect(0 <= collective.rank < collective.size, f"rank {collective.rank} of {collective.size} processes")
    collective.barrier()


def check_gathering(collective: Collective) -> None:
    """Check gathering of shares of any size, including empty ones and ones too large for a single message."""
    rank, size = collective.rank, collective.size
    for lengths in ([3] * size, [(5 * r) % 3 for r in range(size)], [0] * size, [100_000 * (r % 2) + 7 for r in range(size)]):
        ends = np.cumsum(lengths).tolist()
        whole = (np.arange(ends[-1]) * 7 % 251).astype(np.uint8)
        buffer, own = np.zeros_like(whole), slice(ends[rank] - lengths[rank], ends[rank])
        buffer[own] = whole[own]
        collective.all_gather(buffer, ends)
        expect(np.array_equal(buffer, whole), f"process {rank} has not got all shares of {lengths} bytes")


def check_all_to_all(collective: Collective) -> None:
    """Check all-to-all exchange of any sizes, including empty ones and data for the process itself."""
    rank, size = collective.rank, collective.size

    def from_to(one: int, other: int) -> np.ndarray:
        return np.full((3 * one + 50_000 * other) * (one != 1), 16 * one + other, np.uint8)

    sent = [from_to(rank, other) for other in range(size)]
    expected = [from_to(other, rank) for other in range(size)]
    ends = [np.cumsum([len(part) for part in parts]).tolist() for parts in (sent, expected)]
    received = np.zeros(ends[1][-1], np.uint8)
    collective.all_to_all(np.concatenate(sent), ends[0], received, ends[1])
    expect(np.array_equal(received, np.concatenate(expected)), f"process {rank} has not got what the others had for it")


def check_broadcast(collective: Collective) -> None:
    for root in range(collective.size):
        for n in (0, 1, 5000):
            buffer = np.full(n, collective.rank, np.uint8)
            collective.broadcast(buffer, root)
            expect(bool((buffer == root).all()), f"process {collective.rank} has not got the {n} bytes of process {root}")


def check_exchange(collective: Collective) -> None:
    rank, size = collective.rank, collective.size
    for turn in range(size):
        peer = (turn - rank) % size
        if peer != rank:
            sent, received = np.full(10 + rank, rank, np.uint8), np.zeros(10 + peer, np.uint8)
            collective.exchange(peer, sent, received)
            expect(bool((received == peer).all()), f"process {rank} has not got what process {peer} sent it")


def fitted_by_shards(collective: Collective | None) -> np.ndarray:
    return fitted(collective, shards=8)


def fitted(collective: Collective | None, shards: int = 1) -> np.ndarray:
    network = Sequential(Dense(8, activation="tanh"), Dense(3))
    network.fit(
        networks.inputs(),
        networks.classes(),
        loss="softmax_cross_entropy",
        epochs=3,
        batch_size=16,
        shards=shards,
        rng=5,
        progress=False,
        collective=collective,
    )
    return network.parameters.copy()
