"""Activations and gradients, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts

import nncore as nn
from nncore.displays import ActivationHistogramDisplay, GradientHistogramDisplay
from nncore.errors import DataError, ParameterError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 16)), RNG.integers(0, 3, 64)


def deep(activation: str, n_layers: int = 6) -> nn.Sequential:
    layers = [nn.Dense(16, activation=activation) for _ in range(n_layers)]
    return nn.Sequential(*layers, nn.Dense(3)).build(16, loss="softmax_cross_entropy", optimizer="sgd", rng=0, dtype="float64")


def test_activations_of_every_layer_that_computes():
    hidden = nn.Dense(8, activation="relu"), nn.Dropout(0.5), nn.BatchNorm(), nn.ActivationLayer("tanh")
    net = nn.Sequential(nn.Flatten(), *hidden, nn.Dense(2))
    net.build((4, 4), loss="mse", rng=0)
    display = ActivationHistogramDisplay.from_network(net, X.reshape(-1, 4, 4))
    assert list(display.values) == ["dense_1", "batch_norm_1", "activation_1", "dense_2"]
    histograms, spread = display.axes_
    assert [label.get_text() for label in histograms.get_yticklabels()] == list(display.values)
    for row, (stairs, values) in enumerate(zip(histograms.patches, display.values.values(), strict=True)):
        heights, edges, ground = stairs.get_data()
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        np.testing.assert_allclose(ground - heights, 0.84 * counts / counts.max(), atol=1e-12)
        assert row - 0.5 < heights.min() < ground < row + 0.5
    np.testing.assert_allclose(spread.lines[0].get_xdata(), [values.std() for values in display.values.values()])
    assert overlapping_texts(display.figure_) == []


def test_a_branch_that_passes_the_input_on_is_not_drawn():
    net = nn.Sequential(nn.Concat([[nn.Dense(3)], ["flatten"]]), nn.Dense(1)).build(16, rng=0)
    assert list(ActivationHistogramDisplay.from_network(net, X).values) == ["concat_1.dense_1", "concat_1", "dense_1"]


def test_dead_units_are_counted():
    net = deep("relu", 2)
    net.named_parameters()["dense_2.bias"][:4] = -1000
    display = ActivationHistogramDisplay.from_network(net, X)
    assert display.dead["dense_2"] >= 4 / 16
    assert display.dead["dense_3"] == 0
    assert "dead units" in display.ax_.texts[1].get_text()
    assert "dense_2 are dead" in display.figure_.get_suptitle()
    assert overlapping_texts(display.figure_) == []


def test_one_sample_says_nothing_of_dead_units():
    assert set(ActivationHistogramDisplay.from_network(deep("relu"), X[:1]).dead.values()) == {0.0}


def test_sigmoids_let_gradients_vanish_and_relus_do_not():
    sigmoid, relu = (GradientHistogramDisplay.from_network(deep(name), X, Y) for name in ("sigmoid", "relu"))
    assert sigmoid.ratio < 1e-3 < 0.1 < relu.ratio < 10
    assert "vanishing, those of dense_1.weight are" in sigmoid.figure_.get_suptitle()
    assert relu.figure_.get_suptitle() == "Gradients"
    peaks = [stairs.get_data().values.argmin() for stairs in sigmoid.ax_.patches]
    assert peaks == sorted(peaks), "towards the first layer, the histograms move to the left"
    for display in (sigmoid, relu):
        assert overlapping_texts(display.figure_) == []


def test_gradients_are_those_of_the_network_which_stays_as_it_is():
    net = nn.Sequential(nn.Dense(8, activation="relu"), nn.BatchNorm(), nn.Dense(3))
    net.build(16, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    kept = net.parameters.copy(), net.gradients.copy(), {name: b.copy() for name, b in net.named_buffers().items()}
    display = GradientHistogramDisplay.from_network(net, X, Y, sample_weight=np.ones(64))
    np.testing.assert_array_equal(net.parameters, kept[0])
    np.testing.assert_array_equal(net.gradients, kept[1])
    for name, buffer in net.named_buffers().items():
        np.testing.assert_array_equal(buffer, kept[2][name])
    net.forward(X, training=True)
    net.backward(Y)
    assert list(display.values) == ["dense_1.weight", "dense_2.weight"]
    for name, gradient in display.values.items():
        np.testing.assert_array_equal(gradient, net.named_gradients()[name])


def test_gradients_that_explode():
    net = deep("identity")
    for name, weight in net.named_parameters().items():
        if name.endswith("weight"):
            weight *= 5
    for factor, name in ((1e-4, "dense_1.weight"), (1e4, "dense_7.weight")):
        net.named_parameters()[name][...] *= factor
    display = GradientHistogramDisplay.from_network(net, X, Y)
    assert "exploding" in display.figure_.get_suptitle()
    drawn(display.figure_)


def test_gradients_that_reach_only_the_last_layers():
    net = deep("identity")
    net.named_parameters()["dense_5.weight"][...] = 0
    display = GradientHistogramDisplay.from_network(net, X, Y)
    assert "none reach dense_1.weight" in display.figure_.get_suptitle()
    assert overlapping_texts(display.figure_) == []


def test_all_gradients_are_zero():
    display = GradientHistogramDisplay({"a": np.zeros((3, 3)), "b": np.zeros((3, 3))}).plot()
    assert display.figure_.get_suptitle() == "Gradients: all are 0"
    drawn(display.figure_)


def test_many_layers():
    display = ActivationHistogramDisplay.from_network(deep("tanh", 30), X)
    assert overlapping_texts(display.figure_) == []


def test_a_single_layer():
    net = nn.Sequential(nn.Dense(1)).build(16, loss="mse", rng=0)
    drawn(GradientHistogramDisplay.from_network(net, X, Y).figure_)
    drawn(ActivationHistogramDisplay.from_network(net, X).figure_)


def test_what_cannot_be_drawn():
    with pytest.raises(ParameterError, match="nothing to draw"):
        ActivationHistogramDisplay({})
    with pytest.raises(DataError, match="dense_1 holds NaN"):
        GradientHistogramDisplay({"dense_1": np.array([np.nan])})
