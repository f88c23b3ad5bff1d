"""The range of a network's outputs, from its plan, and its check against the loss."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import DISTRIBUTION, UNBOUNDED
from nncore.errors import ParameterError, PluginError
from nncore.plugin import Activation, Layer, Plan
from nncore.program import check_outputs, layer_names, outputs_of, plan_network


class Quiet(Activation):
    """An activation that does not declare its range."""

    def forward(self, z: np.ndarray) -> np.ndarray:
        return z

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        return d_a


class Unreadable(Quiet):
    output_domain = "positive"


class QuietLayer(Layer):
    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)


def domains(*layers: Layer) -> list[str | None]:
    return [output.domain for output in outputs_of(plan_network(layers, layer_names(layers), (4,)))]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.Dense(3)], [UNBOUNDED]),
        ([nn.Dense(3, activation="sigmoid")], ["(0, 1)"]),
        ([nn.Dense(3), nn.ActivationLayer("softmax")], [DISTRIBUTION]),
        ([nn.Dense(3, activation="tanh"), nn.Flatten(), nn.Dropout()], ["(-1, 1)"]),
        ([nn.Dense(3, activation="tanh"), nn.ActivationLayer("identity")], ["(-1, 1)"]),
        ([nn.Dense(3, activation="tanh"), nn.BatchNorm()], [UNBOUNDED]),
        ([nn.Dense(3, activation="tanh"), nn.LayerNorm()], [UNBOUNDED]),
        ([nn.Dense(3, activation=registry.resolve("activations", {"name": "elu", "alpha": 0.5}))], ["(-0.5, inf)"]),
        ([nn.Dense(3, activation=registry.resolve("activations", {"name": "leaky_relu", "slope": 0.0}))], ["[0, inf)"]),
        ([nn.Dense(4, activation="relu"), nn.Residual([nn.Dense(4, activation="sigmoid")])], ["(0, inf)"]),
        ([nn.Dense(4, activation="relu"), nn.Residual([nn.Dense(4)])], [UNBOUNDED]),
        ([nn.Residual([nn.Dense(4)], activation="sigmoid")], ["(0, 1)"]),
        ([nn.Concat([[], nn.Dense(2), [nn.Dense(3, activation="softmax")]])], [None, UNBOUNDED, DISTRIBUTION]),
        ([nn.Dense(3, activation=Quiet())], [None]),
        ([nn.Dense(3, activation="sigmoid"), QuietLayer()], [None]),
        ([nn.Flatten()], [None]),
    ],
    ids=lambda case: " ".join(type(layer).__name__ for layer in case) if case and isinstance(case[0], Layer) else "",
)
def test_domains(layers: list[Layer], expected: list[str | None]) -> None:
    assert domains(*layers) == expected


def test_what_cannot_be_read_is_the_component_s_fault() -> None:
    with pytest.raises(PluginError, match="output_domain is 'positive'; it must be an interval"):
        domains(nn.Dense(3, activation=Unreadable()))


@pytest.mark.parametrize(
    ("layers", "loss", "words"),
    [
        ([nn.Dense(1, activation="sigmoid")], "binary_cross_entropy", ["binary_cross_entropy takes logits", "'sigmoid' in dense_1",
                                                                       "without an activation", "the loss applies 'sigmoid' itself"]),
        ([nn.Dense(3, activation="softmax")], "softmax_cross_entropy", ["'softmax' in dense_1", "or use loss='cross_entropy'"]),
        ([nn.Dense(3)], "cross_entropy", ["sum to 1", "dense_1 without an activation", "activation='softmax'",
                                          "loss='softmax_cross_entropy'"]),
        ([nn.Dense(3, activation="sigmoid"), nn.Dropout()], "cross_entropy", ["'sigmoid' in dense_1", "activation='softmax'"]),
        ([nn.Dense(1, activation="relu")], "hinge", ["numbers of both signs", "'relu' in dense_1"]),
        ([nn.Dense(2), nn.ActivationLayer("exp")], "poisson", ["'exp' in activation_1", "the loss applies 'exp' itself"]),
        ([nn.Dense(2, activation="softplus")], "gaussian_nll", ["logits", "'softplus' in dense_1"]),
        ([nn.Concat([nn.Dense(1), [nn.Dense(2, activation="softmax")]])], "cross_entropy", ["concat_1.dense_1 without an activation"]),
        ([nn.Residual([nn.Dense(4, activation="softmax")], shortcut=[nn.Dense(4, activation="softmax")])], "cross_entropy",
         ["the sum in residual_1", "numbers in (0, 2)"]),
    ],
)  # fmt: skip
def test_a_misfit_is_told_with_its_remedy(layers: list[Layer], loss: str, words: list[str]) -> None:
    blueprint = plan_network(layers, layer_names(layers), (4,))
    with pytest.raises(ParameterError) as caught:
        check_outputs(registry.resolve("losses", loss), blueprint)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("last", [Quiet(), "softmax", {"name": "softmax_heads", "n_classes": [1, 2]}])
def test_what_is_not_known_or_fits_is_accepted(last: object) -> None:
    layers = [nn.Dense(3, activation=registry.resolve("activations", last))]
    check_outputs(registry.resolve("losses", "cross_entropy"), plan_network(layers, layer_names(layers), (4,)))


def test_a_sigmoid_with_a_squared_error_stays_legal() -> None:
    layers = [nn.Dense(3, activation="sigmoid")]
    for loss in ("mse", "half_mse", "mae", "huber"):
        check_outputs(registry.resolve("losses", loss), plan_network(layers, layer_names(layers), (4,)))
