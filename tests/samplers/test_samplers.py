"""The samples that each sampler draws, and fits with samplers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore._core import permutation
from nncore.errors import DataError, ParameterError, PluginError
from nncore.plugin import SampleInfo, Sampler, random_words

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3)).astype(np.float32)
Y = np.repeat([0, 1, 2], [60, 25, 5])
REALS, SOFT_LABELS = RNG.normal(size=90), RNG.dirichlet(np.ones(3), 90)
SAMPLES = SampleInfo(90, labels=Y)


def network(**build: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(3)).build(3, loss="softmax_cross_entropy", rng=0, **build)


def fit(net: nn.Sequential, y: np.ndarray = Y, **arguments: Any) -> nn.History:
    return net.fit(X, y, **{"epochs": 2, "batch_size": 20, "progress": False} | arguments)


# ---- whole epochs -----------------------------------------------------------------------------------------------------------


def test_shuffle_is_what_fit_has_always_done() -> None:
    np.testing.assert_array_equal(nn.ShuffleSampler().order(SAMPLES, 3, 7), permutation(90, 3, 7))
    by_default, by_flag, by_name = network(), network(), network()
    for net, arguments in ((by_default, {}), (by_flag, {"shuffle": True}), (by_name, {"sampler": "shuffle"})):
        fit(net, **arguments)
        np.testing.assert_array_equal(net.parameters, by_default.parameters)


def test_sequential_is_shuffle_false() -> None:
    by_flag, by_name, by_hand = (network(optimizer="adam") for _ in range(3))
    fit(by_flag, shuffle=False)
    fit(by_name, sampler="sequential")
    for _ in range(2):
        for start in range(0, 90, 20):
            by_hand.train_on_batch(X[start : start + 20], Y[start : start + 20])
    np.testing.assert_array_equal(by_name.parameters, by_flag.parameters)
    np.testing.assert_array_equal(by_hand.parameters, by_flag.parameters)


@pytest.mark.parametrize(
    ("shuffle", "sampler"), [(False, "shuffle"), (True, "sequential"), (True, "balanced"), (False, nn.BlockSampler())], ids=str
)
def test_arguments_that_contradict_each_other_are_refused(shuffle: bool, sampler: Any) -> None:
    net = network()
    with pytest.raises(ParameterError, match="contradict each other: leave shuffle out"):
        fit(net, shuffle=shuffle, sampler=sampler)
    assert net.n_epochs == 0


def test_arguments_that_say_the_same_are_taken() -> None:
    fit(network(), shuffle=True, sampler="shuffle")
    fit(network(), shuffle=False, sampler=nn.SequentialSampler())


@pytest.mark.parametrize("sampler", ["blanced", 3, {"name": "blocks", "rows": 0}, {"name": "balanced", "per_class": 2}], ids=str)
def test_what_is_no_sampler_is_refused_before_anything_is_changed(sampler: Any) -> None:
    net = network()
    before = net.parameters.copy()
    with pytest.raises(nn.errors.NNCoreError):
        fit(net, sampler=sampler, epochs=1, weight_decay=0.5)
    assert net.weight_decay == 0
    np.testing.assert_array_equal(net.parameters, before)


# ---- balanced ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per_class", "visits"), [("mean", 30), ("smallest", 5), ("largest", 60)])
def test_balanced_visits_classes_equally_often(per_class: str, visits: int) -> None:
    sampler = nn.BalancedSampler(per_class)
    assert sampler.length(SAMPLES) == 3 * visits
    for epoch in range(5):
        order = sampler.order(SAMPLES, 1, epoch)
        np.testing.assert_array_equal(np.bincount(Y[order]), 3 * [visits])


@pytest.mark.parametrize("per_class", ["mean", "smallest", "largest"])
def test_balanced_draws_without_replacement_within_a_class_and_over_epochs(per_class: str) -> None:
    sampler, visited = nn.BalancedSampler(per_class), np.zeros(90, int)
    for epoch in range(11):
        visited += np.bincount(sampler.order(SAMPLES, 4, epoch), minlength=90)
        for label in range(3):
            times = visited[label == Y]
            assert times.max() - times.min() <= 1


def test_balanced_mixes_the_classes() -> None:
    order = nn.BalancedSampler().order(SAMPLES, 1, 0)
    per_batch = np.array([np.bincount(Y[batch], minlength=3) for batch in order.reshape(3, 30)])
    assert per_batch.min() >= 3
    assert not np.array_equal(order, nn.BalancedSampler().order(SAMPLES, 1, 1))
    assert not np.array_equal(order, nn.BalancedSampler().order(SAMPLES, 2, 0))


@pytest.mark.parametrize(
    "targets",
    [np.eye(3)[Y], 2 * np.eye(3)[Y] - 1, np.eye(3, dtype=np.float32)[Y]],
    ids=["one-hot", "plus and minus", "float32"],
)
def test_balanced_takes_targets_that_stand_for_classes(targets: np.ndarray) -> None:
    sampler = nn.BalancedSampler()
    by_labels, by_targets = sampler.order(SAMPLES, 0, 3), sampler.order(SampleInfo(90, targets=targets), 0, 3)
    np.testing.assert_array_equal(by_targets, by_labels)


def test_balanced_takes_yes_and_no_in_one_column() -> None:
    order = nn.BalancedSampler().order(SampleInfo(90, targets=(Y == 2)[:, None].astype(float)), 0, 0)
    assert (Y[order] == 2).sum() == 45


def test_classes_without_gaps_in_the_order_of_the_labels() -> None:
    np.testing.assert_array_equal(SampleInfo(4, labels=np.array([7, 2, 7, 4])).classes(), [2, 0, 2, 1])


@pytest.mark.parametrize(
    ("y", "loss"),
    [(REALS, "mse"), (SOFT_LABELS, "cross_entropy"), (np.zeros((90, 3)), "mse"), (2 * np.eye(3)[Y], "mse")],
    ids=["one column", "soft labels", "zeros", "twos"],
)
def test_balanced_refuses_real_targets(y: np.ndarray, loss: str) -> None:
    net = nn.Sequential(nn.Dense(1 if y.ndim == 1 else 3, activation="softmax" if loss == "cross_entropy" else None))
    with pytest.raises(DataError, match=r"the targets are real numbers, and this sampler needs classes: .*'shuffle'"):
        fit(net, y, loss=loss, sampler="balanced")
    assert not net.is_built


@pytest.mark.parametrize("one_hot", [False, True])
def test_a_rare_class_is_learned(one_hot: bool) -> None:
    rng = np.random.default_rng(2)
    y = (rng.uniform(size=2000) < 0.02).astype(int)
    inputs = rng.normal(size=(2000, 2)) + y[:, None]
    found = {}
    for sampler in ("shuffle", "balanced"):
        net = nn.Sequential(nn.Dense(2))
        target = np.eye(2)[y] if one_hot else y
        net.fit(inputs, target, loss="softmax_cross_entropy", sampler=sampler, optimizer=nn.Adam(lr=0.05), epochs=10, rng=0, progress=False)
        found[sampler] = net.predict(inputs).argmax(axis=1)[y == 1].mean()
    assert found["shuffle"] < 0.3
    assert found["balanced"] > 0.6


# ---- blocks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "together"), [(10, 3), (7, 2), (90, 1), (1000, 8), (1, 90)])
def test_blocks_visit_every_sample_once(rows: int, together: int) -> None:
    orders = [nn.BlockSampler(rows, together).order(SAMPLES, 3, epoch) for epoch in range(4)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(90))
    assert len({tuple(order) for order in orders}) == 4


def test_blocks_use_a_few_blocks_at_a_time() -> None:
    order = nn.BlockSampler(rows=10, together=3).order(SAMPLES, 3, 0)
    used = [set(part // 10) for part in order.reshape(3, 30)]
    assert [len(blocks) for blocks in used] == [3, 3, 3]
    assert set.union(*used) == set(range(9))


def test_blocks_of_a_memory_map_train_like_the_array(tmp_path: Any) -> None:
    np.save(tmp_path / "X.npy", X)
    in_memory, on_disk = network(), network()
    fit(in_memory, sampler=nn.BlockSampler(8, 2))
    on_disk.fit(np.load(tmp_path / "X.npy", mmap_mode="r"), Y, epochs=2, batch_size=20, sampler=nn.BlockSampler(8, 2), progress=False)
    np.testing.assert_array_equal(on_disk.parameters, in_memory.parameters)


# ---- weighted ---------------------------------------------------------------------------------------------------------------


def test_weighted_draws_as_often_as_the_weights_say() -> None:
    weights = np.random.default_rng(1).uniform(size=90)
    weights[[0, 17, 89]] = 0
    sampler, n = nn.WeightedSampler(weights, n_samples=1000), 200_000
    counts = sum(np.bincount(sampler.order(SAMPLES, 3, epoch), minlength=90) for epoch in range(n // 1000))
    assert sampler.length(SAMPLES) == 1000
    np.testing.assert_array_equal(counts[[0, 17, 89]], 0)
    expected = n * weights / weights.sum()
    chi_square = ((counts - expected)[expected > 0] ** 2 / expected[expected > 0]).sum()
    assert 50 < chi_square < 130  # 86 degrees of freedom: 99.9 % are between 50 and 132


def test_weighted_draws_by_the_inverse_of_the_sums() -> None:
    words = random_words(7, 4, 2**31 + 1, 180).astype(float)
    drawn = (words[:90] + (words[90:] + 0.5) / 2**32) / 2**32
    weights = np.arange(90.0)
    expected = [int(np.flatnonzero(np.cumsum(weights) > u * weights.sum())[0]) for u in drawn]
    np.testing.assert_array_equal(nn.WeightedSampler(weights).order(SAMPLES, 7, 4), expected)


def test_weighted_takes_the_weights_of_the_fit_in_their_place() -> None:
    weights = np.where(Y == 2, 10.0, 1.0)
    by_fit, by_hand = network(), network()
    fit(by_fit, sampler="weighted", sample_weight=weights)
    fit(by_hand, sampler=nn.WeightedSampler(weights))  # each drawn sample has weight 1
    np.testing.assert_array_equal(by_fit.parameters, by_hand.parameters)
    visits = nn.WeightedSampler().order(SampleInfo(90, labels=Y, weights=weights / 8), 0, 0)
    assert (Y[visits] == 2).sum() > 20


def test_weighted_without_weights_is_a_bootstrap() -> None:
    order = nn.WeightedSampler().order(SAMPLES, 0, 0)
    assert 45 < len(np.unique(order)) < 68  # about 1 − 1/e of 90


def test_weights_of_a_sampler_are_those_of_all_rows() -> None:
    """The weights of a sampler are those of all rows: validation rows are held out, and the others are drawn by their own weights."""
    weights = np.where(np.arange(90) < 45, 0.0, np.arange(90))
    seen: list[np.ndarray] = []

    class Spy(nn.WeightedSampler):
        def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
            order = super().order(samples, seed, epoch)
            assert samples.rows is not None
            seen.append(samples.rows[order])
            return order

    fit(network(), sampler=Spy(weights), validation=0.3)
    assert len(seen) == 2
    assert min(map(len, seen)) > 50
    assert min(map(np.min, seen)) >= 45


@pytest.mark.parametrize("weights", [[], [-1.0, 2.0], [np.inf], [0.0, 0.0], "many", [[1.0, 2.0]], [None]], ids=str)
def test_weights_that_are_none(weights: Any) -> None:
    with pytest.raises(ParameterError, match="WeightedSampler: weights must be finite numbers, none negative and not all 0"):
        nn.WeightedSampler(weights)


def test_weights_that_do_not_fit_the_data() -> None:
    net = nn.Sequential(nn.Dense(3))
    with pytest.raises(DataError, match="WeightedSampler: weights has 89 values, and the data have 90 rows: give one for each row"):
        fit(net, sampler=nn.WeightedSampler(np.ones(89)), loss="softmax_cross_entropy")
    assert not net.is_built
    with pytest.raises(DataError, match="all training samples have weight 0"):  # the others are held out
        nn.WeightedSampler([0, 0, 1]).length(SampleInfo(2, labels=Y[:2], rows=np.arange(2), n_rows=3))


# ---- grouped ----------------------------------------------------------------------------------------------------------------

GROUPS = np.array(["b", "a", "d", "c", "e", "b"] * 15)


@pytest.mark.parametrize("groups", [GROUPS, list(GROUPS), GROUPS.astype(object), np.unique(GROUPS, return_inverse=True)[1] * 7 - 3])
def test_grouped_visits_every_sample_once_group_by_group(groups: Any) -> None:
    orders = [nn.GroupedSampler(groups).order(SAMPLES, 3, epoch) for epoch in range(4)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(90))
        assert (GROUPS[order][1:] != GROUPS[order][:-1]).sum() == 4
    assert len({tuple(order) for order in orders}) == 4
    assert len({tuple(GROUPS[order][::15]) for order in orders}) > 1
    assert any((np.diff(order[:15]) < 0).any() for order in orders)


def test_grouped_draws_as_many_of_each_group_and_splits_none() -> None:
    sampler, visited = nn.GroupedSampler(GROUPS, per_group=4), np.zeros(90, int)
    assert sampler.length(SAMPLES) == 20
    for epoch in range(30):
        order = sampler.order(SAMPLES, 1, epoch)
        visited += np.bincount(order, minlength=90)
        assert all(len(set(GROUPS[part])) == 1 for part in order.reshape(5, 4))
        assert len(set(GROUPS[order])) == 5
    for group in np.unique(GROUPS):
        times = visited[group == GROUPS]
        assert times.max() - times.min() <= 1
    more = nn.GroupedSampler(per_group=8).order(SAMPLES, 1, 0)  # of the classes, one of which has 5 samples
    np.testing.assert_array_equal(np.bincount(Y[more]), [8, 8, 8])


def test_groups_are_those_of_all_rows() -> None:
    net, seen = network(), []

    class Spy(nn.GroupedSampler):
        def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
            order = super().order(samples, seed, epoch)
            assert samples.rows is not None
            seen.append(GROUPS[samples.rows[order]])
            return order

    fit(net, sampler=Spy(GROUPS), validation=0.3)
    assert all((groups[1:] != groups[:-1]).sum() == 4 for groups in seen)


@pytest.mark.parametrize("groups", [[], 3, [[1, 2], [3, 4]], [[1], [2, 3]], [1, "a", None, 2.5]], ids=str)
def test_groups_that_are_none(groups: Any) -> None:
    with pytest.raises(ParameterError, match="GroupedSampler: groups must be numbers or texts, one for each row of the data"):
        nn.GroupedSampler(groups)


def test_groups_that_do_not_fit_the_data() -> None:
    with pytest.raises(DataError, match="GroupedSampler: groups has 6 values, and the data have 90 rows"):
        fit(network(), sampler=nn.GroupedSampler(GROUPS[:6]))
    with pytest.raises(DataError, match="this sampler needs classes"):
        fit(nn.Sequential(nn.Dense(1)), REALS, loss="mse", sampler="grouped")


@pytest.mark.parametrize(
    "make", [lambda order: nn.GroupedSampler(order % 7), lambda order: nn.WeightedSampler(order)], ids=["groups", "weights"]
)
def test_a_fit_goes_on_in_an_epoch_only_with_the_same_values(make: Any) -> None:
    """A fit is resumed within an epoch only with equal values: arrays of any length are compared."""
    first, other = np.arange(5000.0), np.arange(5000.0)
    other[[2500, 2502]] = other[[2502, 2500]] + 1
    assert repr(make(first)) == repr(make(first.copy())) != repr(make(other))
    assert len(repr(make(first))) < 100


@pytest.mark.parametrize("sampler", ["weighted", "grouped"])
def test_they_look_at_all_samples_so_that_streams_are_refused(sampler: str) -> None:
    with pytest.raises(DataError, match=r"needs all samples to choose from, and a stream has only some at a time: use sampler='shuffle'"):
        network().fit(lambda: iter([(X, Y)]), epochs=1, sampler=sampler, progress=False)


# ---- in a fit ---------------------------------------------------------------------------------------------------------------


class Few(Sampler):
    """Some samples, repeatedly."""

    def __init__(self, n: int = 30) -> None:
        self.n = n

    def length(self, samples: SampleInfo) -> int:
        return self.n

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        return np.arange(self.n) % samples.n_samples


@pytest.mark.parametrize(("n", "drop_last", "n_steps"), [(30, False, 2), (30, True, 1), (200, False, 10), (1, False, 1)])
def test_steps_and_schedules_span_what_is_visited(n: int, drop_last: bool, n_steps: int) -> None:
    net = network()
    history = fit(net, sampler=Few(n), drop_last=drop_last, schedule="cosine", epochs=3)
    assert net.n_steps == 3 * n_steps == net.schedule_steps
    assert len(history["loss"]) == 3


def test_drop_last_counts_what_is_visited() -> None:
    with pytest.raises(ParameterError, match="drop_last=True leaves nothing of 10 samples in batches of 20"):
        fit(network(), sampler=Few(10), drop_last=True)


def test_visits_equal_a_fit_on_the_rows_visited() -> None:
    sampled, taken, rows = network(), network(), np.arange(200) % 90
    fit(sampled, sampler=Few(200))
    taken.fit(X[rows], Y[rows], epochs=2, batch_size=20, shuffle=False, progress=False)
    np.testing.assert_array_equal(sampled.parameters, taken.parameters)


@pytest.mark.parametrize("sampler", ["balanced", {"name": "blocks", "rows": 9, "together": 2}], ids=str)
def test_data_that_are_converted_block_by_block_train_alike(monkeypatch: pytest.MonkeyPatch, sampler: Any) -> None:
    in_place, converted = network(), network()
    fit(in_place, sampler=sampler)
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
    monkeypatch.setattr("nncore.blocks.BLOCK", 500)
    converted.fit(X.astype(np.float64), Y, epochs=2, batch_size=20, sampler=sampler, progress=False)
    np.testing.assert_array_equal(converted.parameters, in_place.parameters)


def test_the_fit_works_with_a_copy() -> None:
    given, seen = nn.BlockSampler(10, 2), []

    def change(training: Any) -> None:
        assert training.sampler is not given
        training.sampler.rows = 5
        seen.append(training.sampler.order(SAMPLES, 0, 0))

    fit(network(), sampler=given, callbacks=[change])
    np.testing.assert_array_equal(seen[-1], nn.BlockSampler(5, 2).order(SAMPLES, 0, 0))
    assert given.rows == 10


def test_what_a_callback_sets_holds_from_the_next_epoch_on() -> None:
    changed, expected = network(), network()

    def change(training: Any) -> None:
        training.sampler.together = 2

    fit(changed, sampler=nn.BlockSampler(10, 5), callbacks=[change])
    fit(expected, sampler=nn.BlockSampler(10, 5), epochs=1)
    fit(expected, sampler=nn.BlockSampler(10, 2), epochs=1)
    np.testing.assert_array_equal(changed.parameters, expected.parameters)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [("rows", 0, ParameterError, "rows must be a whole number"), ("n", 31, PluginError, r"shape \(30,\), as `length` said before")],
)
def test_what_cannot_be_set_stops_the_fit(name: str, value: int, error: type[Exception], message: str) -> None:
    def change(training: Any) -> None:
        setattr(training.sampler, name, value)

    with pytest.raises(error, match=message):
        fit(network(), sampler=nn.BlockSampler() if name == "rows" else Few(), callbacks=[change])


class Wrong(Sampler):
    """Returns the order that a test gives."""

    def __init__(self, returned: Any, says: Any = 90) -> None:
        self.returned = returned
        self.says = says

    def length(self, samples: SampleInfo) -> Any:
        return self.says

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> Any:
        return self.returned


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.arange(90) + 1, "0 to 89; it returned numbers from 1 to 90"),
        (np.arange(90) - 1, "numbers from -1 to 88"),
        (np.arange(90, dtype=np.int32), r"returned int32 of shape \(90,\)"),
        (np.arange(90.0), "returned float64"),
        (np.arange(91), r"of shape \(90,\), as `length` said .* returned int64 of shape \(91,\)"),
        (np.arange(90)[:, None], r"int64 of shape \(90, 1\)"),
        (list(range(90)), r"returned \[0, 1, 2"),
    ],
)
def test_an_order_is_checked_before_it_is_used(returned: Any, message: str) -> None:
    net = network()
    before = net.parameters.copy()
    with pytest.raises(PluginError, match=message):
        fit(net, sampler=Wrong(returned))
    np.testing.assert_array_equal(net.parameters, before)


def test_none_stands_for_all_samples() -> None:
    with pytest.raises(PluginError, match=r"shape \(60,\).*None stands for all 90 samples"):
        fit(network(), sampler=Wrong(None, says=60))


@pytest.mark.parametrize("length", [0, -1, 2.5, "many", True, None], ids=str)
def test_a_length_is_checked_before_anything_is_changed(length: Any) -> None:
    net = nn.Sequential(nn.Dense(3))
    with pytest.raises(PluginError, match="length must return a whole number"):
        fit(net, sampler=Wrong(np.arange(90), says=length), loss="softmax_cross_entropy")
    assert not net.is_built


def test_an_order_in_any_memory_layout_is_taken() -> None:
    backwards, expected = network(), network()
    fit(backwards, sampler=Wrong(np.arange(90)[::-1]))
    expected.fit(X[::-1].copy(), Y[::-1].copy(), epochs=2, batch_size=20, shuffle=False, progress=False)
    np.testing.assert_array_equal(backwards.parameters, expected.parameters)


class Curious(Sampler):
    """Records all its arguments."""

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> None:
        SEEN.append(samples)


SEEN: list[SampleInfo] = []


def test_a_sampler_sees_labels_targets_and_weights_and_cannot_change_them() -> None:
    SEEN.clear()
    weights = np.linspace(1, 2, 90)
    fit(network(), sampler=Curious(), sample_weight=weights, epochs=1)
    fit(network(), np.eye(3)[Y], sampler=Curious(), epochs=1)
    labelled, real = SEEN
    assert labelled.labels is not None
    assert labelled.weights is not None
    assert real.targets is not None
    assert labelled.targets is real.labels is real.weights is None
    np.testing.assert_array_equal(labelled.labels, Y)
    np.testing.assert_array_equal(labelled.weights, weights / 2)  # times a power of two
    assert not any(array.flags.writeable for array in (labelled.labels, labelled.weights, real.targets))


def test_training_shows_the_sampler() -> None:
    kept: list[Any] = []
    fractions: list[float] = []
    fit(network(), sampler=Few(200), callbacks=[lambda training: (kept.append(training), fractions.append(training.fraction))])
    assert isinstance(kept[0].sampler, Few)
    assert fractions == [0.5, 1.0]
