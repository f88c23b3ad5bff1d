"""The search for a learning rate does not change the network, and finds a rate that trains well."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.datasets import load_digits_split
from nncore.errors import NotBuiltError, ParameterError
from nncore.network import LearningRateSearch
from nncore.network.learning_rate import _suggest

X, Y = (part[:600] for part in load_digits_split()[:2])
X = X.reshape(-1, 64) / 16


def network(**options: object) -> nn.Sequential:
    return nn.Sequential(nn.Dense(32, activation="relu", **options), nn.BatchNorm(), nn.Dropout(0.1), nn.Dense(10))


def search(net: nn.Sequential, **options: object) -> LearningRateSearch:
    return nn.find_learning_rate(net, X, Y, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "batch_size": 32, "rng": 0, **options})


def snapshot(net: nn.Sequential) -> dict[str, object]:
    """Everything that training could change."""
    return {
        "parameters": net.parameters.tobytes(),
        "gradients": net.gradients.tobytes(),
        "buffers": b"".join(buffer.tobytes() for buffer in net.named_buffers().values()),
        "state": {name: kept.tobytes() for name, kept in net.optimizer_state.items()},
        "counters": (net.n_steps, net.n_epochs, net.seed, net.schedule_begin, net.schedule_steps),
        "settings": (repr(net.loss), repr(net.optimizer), net.weight_decay, repr(net.schedule)),
    }


@pytest.mark.parametrize("optimizer", [None, "sgd"])
def test_a_trained_network_stays_as_it_is_bit_for_bit(optimizer: str | None):
    nets = [network(), network()]
    options = {"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=1e-3), "schedule": "cosine", "weight_decay": 1e-4}
    for net in nets:
        net.fit(X, Y, epochs=2, rng=0, progress=False, **options)
    before = snapshot(nets[0])
    result = search(nets[0], optimizer=optimizer, loss=None, weight_decay=0.5)
    assert len(result.rates) > 10
    assert snapshot(nets[0]) == before
    for net in nets:  # and continues as if nothing had happened
        net.fit(X, Y, epochs=1, progress=False)
    assert snapshot(nets[0]) == snapshot(nets[1])


def test_a_network_that_is_not_built_stays_so():
    net = network()
    search(net)
    assert not net.is_built
    assert (net.loss, net.optimizer) == (None, None)


def test_the_optimizer_handed_in_keeps_its_rate():
    adam = nn.Adam(lr=0.5)
    search(network(), optimizer=adam)
    assert adam.lr == 0.5


def test_rates_grow_exponentially_and_the_search_ends_where_the_loss_diverges():
    result = search(network(), optimizer="sgd", lowest=1e-4, highest=1e4, n_steps=60)
    np.testing.assert_allclose(np.diff(np.log(result.rates)), np.log(1e8) / 59)
    assert result.rates[0] == pytest.approx(1e-4)
    assert len(result.rates) == len(result.losses) == len(result.smoothed) < 60
    assert np.isfinite(result.losses).all()
    assert "diverged" in result.stop_reason or "finite" in result.stop_reason
    assert 0.01 < result.suggestion < 3


def test_rates_that_change_nothing_show_no_noise():
    losses = search(network(), optimizer="sgd", lowest=1e-12, highest=1e-9).losses
    assert np.ptp(losses) < 1e-5, "dropout and the choice of the batch are the same for both networks"


def test_the_suggestion_trains_better_than_a_tenth_and_ten_times_of_it():
    for optimizer in ("adam", "sgd"):
        net = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(10))
        rate = search(net, optimizer=optimizer).suggestion
        losses = []
        for factor in (0.1, 1, 10):
            net = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(10))
            changed = nn.get("optimizers", optimizer)(lr=rate * factor)
            options = {"loss": "softmax_cross_entropy", "optimizer": changed, "epochs": 5, "batch_size": 32}
            history = net.fit(X, Y, rng=1, progress=False, **options)
            losses.append(history["loss"][-1])
        assert losses[1] < 0.5 * losses[0]
        assert losses[1] < 0.5 * losses[2]


def test_the_same_seed_finds_the_same():
    one, other, third = search(network()), search(network()), search(network(), rng=1)
    np.testing.assert_array_equal(one.losses, other.losses)
    assert one.suggestion == other.suggestion
    assert not np.array_equal(one.losses, third.losses)


def test_the_noise_of_batches_moves_the_suggestion_little():
    suggestions = [search(network(), rng=seed, batch_size=8).suggestion for seed in range(5)]
    assert max(suggestions) < 10 * min(suggestions)


@pytest.mark.parametrize("seed", range(5))
def test_steepest_descent_of_a_noisy_curve(seed: int):
    rates = np.geomspace(1e-7, 10, 100)
    place = np.log10(rates)
    losses = 2 - 1.5 / (1 + np.exp(-3 * (place + 3))) + np.exp(3 * (place + 0.5)) + 0.05 * np.random.default_rng(seed).normal(size=100)
    smoothed, suggestion = _suggest(rates, losses, 3.0)
    assert abs(np.log10(suggestion) + 3) < 0.5
    assert np.abs(smoothed - losses)[:80].mean() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_suggests_nothing(seed: int):
    losses = 2 + 0.1 * np.random.default_rng(seed).normal(size=100)
    assert _suggest(np.geomspace(1e-7, 10, 100), losses, 3.0)[1] is None


def test_a_loss_that_only_rises_suggests_nothing():
    assert _suggest(np.geomspace(1e-7, 10, 100), np.linspace(1, 5, 100), 3.0)[1] is None


def test_negative_losses():
    rates = np.geomspace(1e-7, 10, 100)
    losses = -1.5 / (1 + np.exp(-3 * (np.log10(rates) + 3))) - 10
    assert abs(np.log10(_suggest(rates, losses, 3.0)[1]) + 3) < 0.3


def test_weights_and_few_samples():
    result = nn.find_learning_rate(network(), X[:20], Y[:20], loss="softmax_cross_entropy", sample_weight=np.ones(20), batch_size=64, rng=0)
    assert result.suggestion is not None


def test_text_and_picture():
    pytest.importorskip("matplotlib")
    result = search(network())
    assert repr(result).startswith(f"LearningRateSearch: suggestion {result.suggestion:.3g}; {len(result.rates)} rates from 1e-07 to ")
    nothing = LearningRateSearch(result.rates, result.losses, result.smoothed, None, "all rates tried")
    assert "no suggestion" in repr(nothing)
    assert result.plot().ax_.get_xlabel() == "learning rate"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 0}, "above 0 and below highest"),
        ({"lowest": 1, "highest": 1}, "above 0 and below highest"),
        ({"highest": float("inf")}, "highest must be a finite number"),
        ({"n_steps": 5}, "n_steps"),
        ({"smoothing": 0}, "smoothing"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_arguments_are_checked(options: dict, message: str):
    with pytest.raises(ParameterError, match=message):
        search(network(), **options)


def test_a_loss_is_needed():
    with pytest.raises(NotBuiltError, match="no loss yet"):
        search(network(), loss=None)
