"""Conformance checks of samplers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nncore import registry
from nncore.contract import SampleInfo, Sampler
from nncore.errors import DataError, ParameterError
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks
from nncore.testing.expectations import expect, expect_same_bits

#: Numbers of samples to test.
SIZES = (1, 2, 3, 7, 60, 997)
SEEDS = (0, 5, 2**64 - 1)
EPOCHS = (0, 1, 2, 17)


class SamplerConformance(networks.NetworkConformance):
    """Conformance checks of a sampler.

    >>> class TestBalanced(SamplerConformance):
    ...     name = "balanced"
    """

    kind = "samplers"
    guarded_check = "test_order"  # samplers are not compiled

    def test_order(self) -> None:
        self.each(check_order)

    def test_order_depends_on_seed_and_epoch_alone(self) -> None:
        self.each(check_memory)

    def test_samples_are_only_read(self) -> None:
        self.each(check_reading)

    def test_streams_are_gone_through_as_it_says(self) -> None:
        self.each(check_in_stream)

    def network(self) -> Sequential:
        """A classifier that is trained with the sampler."""
        return Sequential(Dense(8, activation="tanh"), Dense(3)).build(
            4, loss="softmax_cross_entropy", optimizer={"name": "adam", "lr": 0.02}, rng=5
        )

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """A fit with the sampler, found by name."""
        return self._train(network, epochs, self.components()[0])

    def _train(self, network: Sequential, epochs: int, sampler: Sampler) -> list[float]:
        described = registry.config_of("samplers", sampler)
        history = network.fit(networks.inputs(), networks.classes(), epochs=epochs, batch_size=16, sampler=described, progress=False)
        return list(history["loss"])

    def test_a_fit_goes_on_with_the_order_it_would_have_met(self) -> None:
        """Fits of one epoch, each after saving and loading, end with the same bits as one fit of all epochs."""
        self.each(
            lambda sampler: networks.check_epochs_one_by_one(self.network, lambda network, epochs: self._train(network, epochs, sampler))
        )


def samples_of(n_samples: int) -> Iterator[tuple[str, SampleInfo]]:
    """Labels, one-hot targets and real targets for `n_samples`, with a name of each."""
    rng = np.random.default_rng([n_samples, 3])
    labels = np.minimum(rng.geometric(0.6, n_samples) - 1, 3)  # the higher a class, the rarer
    weights = rng.uniform(0.5, 2, n_samples)
    yield f"{n_samples} labels", SampleInfo(n_samples, labels=_fixed(labels.astype(np.int64)))
    yield f"{n_samples} weighted labels", SampleInfo(n_samples, labels=_fixed(labels.astype(np.int64)), weights=_fixed(weights))
    yield f"{n_samples} one-hot targets", SampleInfo(n_samples, targets=_fixed(np.eye(4)[labels]))
    yield f"{n_samples} real targets", SampleInfo(n_samples, targets=_fixed(rng.normal(size=(n_samples, 2))))


def _fixed(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def taken(sampler: Sampler) -> list[tuple[str, SampleInfo, int]]:
    """Samples that the sampler accepts, with the length of an epoch."""
    found, refusals = [], []
    for n_samples in SIZES:
        for what, samples in samples_of(n_samples):
            try:
                found.append((what, samples, sampler.length(samples)))
            except (DataError, ParameterError) as error:
                refusals.append(f"{what}: {error}")
    expect(bool(found), f"`length` refuses all samples that are tried: {'; '.join(refusals[:3])}")
    return found


def check_order(sampler: Sampler) -> None:
    """Check that every epoch has `length` row numbers, in int64."""
    for what, samples, length in taken(sampler):
        is_count = isinstance(length, (int, np.integer)) and not isinstance(length, bool) and length >= 1
        expect(is_count, f"{what}: length is {length!r}, a whole number of at least 1 is expected")
        for seed in SEEDS:
            for epoch in EPOCHS:
                order, where = sampler.order(samples, seed, epoch), f"{what}, seed {seed}, epoch {epoch}:"
                if order is None:
                    expect(length == samples.n_samples, f"{where} order is None, which stands for all samples, but length is {length}")
                    continue
                expect(isinstance(order, np.ndarray), f"{where} order is {type(order).__name__}, an ndarray is expected")
                expect(order.dtype == np.int64, f"{where} order has dtype {order.dtype}, int64 is expected")
                expect(order.shape == (length,), f"{where} order has shape {order.shape}, but length is {length}")
                inside = (order >= 0) & (order < samples.n_samples)
                expect(bool(inside.all()), f"{where} order has the number {order[~inside][:1]}, rows are 0 to {samples.n_samples - 1}")


def check_memory(sampler: Sampler) -> None:
    """Check that the order of an epoch is reproducible: after other epochs, and from a new sampler."""
    for what, samples, _ in taken(sampler):
        first = {epoch: sampler.order(samples, 7, epoch) for epoch in EPOCHS}
        for epoch in reversed(EPOCHS):
            fresh: Sampler = registry.resolve("samplers", registry.config_of("samplers", sampler))
            for whose, one in (("", sampler), (" of a fresh sampler", fresh)):
                again, expected = one.order(samples, 7, epoch), first[epoch]
                expect((again is None) == (expected is None), f"{what}: order of epoch {epoch}{whose} is None only sometimes")
                if again is not None and expected is not None:
                    expect_same_bits(again, expected, f"{what}: order of epoch {epoch}{whose}, asked for after other epochs")


def check_in_stream(sampler: Sampler) -> None:
    """Check that the sampler and its substitute for streams visit every sample once; in the order of the data if declared."""
    way = sampler.in_stream
    expect(way in ("in_turn", "shuffled", None), f"in_stream is {way!r}, 'in_turn', 'shuffled' or None is expected")
    if way is None:
        return
    for what, samples, _ in taken(sampler):
        order = sampler.order(samples, 1, 0)
        rows, every = np.arange(samples.n_samples) if order is None else order, np.arange(samples.n_samples)
        same = np.array_equal(rows if way == "in_turn" else np.sort(rows), every)
        expect(same, f"{what}: in_stream is {way!r}, but order visits other samples than that, or in another order")


def check_reading(sampler: Sampler) -> None:
    """Check that the sampler does not write to labels, targets and weights, which are read-only."""
    for what, samples, _ in taken(sampler):
        try:
            sampler.order(samples, 0, 0)
        except ValueError as error:
            raise AssertionError(f"{what}: order raises {error}; it must not write to what it is given") from error
