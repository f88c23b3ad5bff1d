"""Every built-in component has a formula, written only with the primitives of g."""

from __future__ import annotations

import manifest
import numpy as np
import pytest
from builders import PlainBuilder, Recorder, plain

from nncore.activations.relu import ReLU
from nncore.contract import Activation, Graph, Layer, Value
from nncore.errors import NoFormulaError, PluginError
from nncore.layers.dense import Dense
from nncore.plugin import PRIMITIVES, Plan, Tensor
from nncore.program import NumPyBuilder, formula_of_activation, formula_of_layer, formula_of_network, plan_network
from nncore.program.numpy_builder import FUNCTIONS
from nncore.testing.formulas import EXTREMES
from nncore.testing.widths import columns_for

ACTIVATIONS = manifest.instances("activations")
LAYERS = manifest.instances("layers")


def shape_for(layer: Layer) -> tuple[int, ...]:
    """Shape of samples that a layer takes: vectors, or members of an ensemble."""
    return getattr(layer, "input_shapes", ((4,),))[0]


def computes(layer: Layer) -> bool:
    """Whether the layer needs a formula, since it computes something in predictions."""
    plan = layer.plan(shape_for(layer))
    return not (plan.is_view or plan.training_only or plan.branches)


def arrays_of(plan: Plan, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    tensors = {tensor.name: rng.normal(size=tensor.shape) for tensor in plan.tensors}
    codes = {buffer.name: rng.integers(-127, 128, buffer.shape).astype(np.int8) for buffer in plan.buffers if buffer.dtype == "int8"}
    return tensors | {buffer.name: rng.uniform(0.5, 2, buffer.shape) for buffer in plan.buffers} | codes


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_one_of_primitives_alone(name):
    activation = ACTIVATIONS[name]
    assert type(activation).formula is not Activation.formula
    z = np.repeat(np.array(EXTREMES)[:, None], columns_for(activation, 3), axis=1)
    z[:, 1:] = 0.5
    g, exact = Graph(PlainBuilder()), Graph(NumPyBuilder("float64"))
    found = formula_of_activation(g, activation, g.samples(plain(z), z.shape[1:])).node
    expected = formula_of_activation(exact, activation, exact.samples(z, z.shape[1:])).node
    np.testing.assert_allclose(np.reshape(found.numbers, found.shape), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_that_computes_has_one_of_primitives_alone(name):
    layer = LAYERS[name]
    assert (type(layer).formula is not Layer.formula) == computes(layer)
    if not computes(layer):
        return
    shape = shape_for(layer)
    plan, rng = layer.plan(shape), np.random.default_rng(1)
    x = rng.integers(-1, 4, (6, *shape)) + rng.choice([0.0, 0.25], (6, *shape))
    if plan.accepts_nan:
        x[::2, 0] = np.nan
    arrays = arrays_of(plan)
    g, exact = Graph(PlainBuilder()), Graph(NumPyBuilder("float64"))
    found = formula_of_layer(g, layer, plan, g.samples(plain(x), shape), arrays).node
    expected = formula_of_layer(exact, layer, plan, exact.samples(x, shape), arrays).node
    np.testing.assert_allclose(np.reshape(found.numbers, found.shape), expected, rtol=1e-12, atol=1e-15)


def test_numpy_has_a_function_for_every_primitive():
    assert {*FUNCTIONS, "reshape"} == PRIMITIVES.keys()


def test_built_in_formulas_need_all_primitives_but_two_for_plugins():
    used: set[str] = set()
    for activation in ACTIVATIONS.values():
        z = np.ones((1, columns_for(activation, 3)))
        recorder = Recorder()
        g = Graph(recorder)
        formula_of_activation(g, activation, g.samples(plain(z), z.shape[1:]))
        used |= {*recorder.primitives}
    for layer in filter(computes, LAYERS.values()):
        for shape in ((4,), (2, 2)):
            recorder = Recorder()
            g = Graph(recorder)
            try:
                plan = layer.plan(shape)
            except ValueError:  # takes vectors
                continue
            formula_of_layer(g, layer, plan, g.samples(plain(np.ones((1, *shape))), shape), arrays_of(plan))
            used |= {*recorder.primitives}
    assert PRIMITIVES.keys() - used == {"sin", "logical_not"}


def network_of(*layers: object, shape: tuple[int, ...] = (4,)):
    """The blueprint of a network of layers, with parameters and buffers."""
    from nncore import Sequential

    net = Sequential(*layers).build(shape, rng=0, dtype="float64")
    return plan_network(net.layers, net.layer_names, shape), net.parameters, net.named_buffers()


def test_constants_have_the_names_of_tensors_and_only_those_that_are_read():
    blueprint, *arrays = network_of(Dense(3, activation="relu"), "dropout", {"name": "batch_norm", "mode": "cumulative"}, Dense(2))
    recorder = Recorder()
    g = Graph(recorder)
    value = formula_of_network(g, blueprint, g.samples(plain(np.ones((2, 4))), (4,)), *arrays)
    assert value.shape == (None, 2)
    batch_norm = ["batch_norm_1.std", "batch_norm_1.mean", "batch_norm_1.gamma", "batch_norm_1.beta"]
    assert recorder.names == ["dense_1.weight", "dense_1.bias", *batch_norm, "dense_2.weight", "dense_2.bias"]
    assert recorder.primitives == ["matmul", "add", "maximum", "add", "sub", "div", "mul", "add", "matmul", "add"]


def test_a_layer_without_a_formula_is_named_with_its_place():
    class Cube(Activation):
        def forward(self, z):
            return z**3

    class Halved(ReLU):
        def forward(self, z):
            return np.maximum(z, 0) / 2

    class Odd(Layer):
        def plan(self, input_shape):
            return Plan(input_shape)

    for layer, message in [
        (Dense(3, activation=Cube()), "dense_1, activation Cube: Cube has no formula"),
        (Dense(3, activation=Halved()), "dense_1, activation Halved: Halved overrides forward"),
        (Odd(name="odd"), "odd, layer Odd: Odd has no formula"),
    ]:
        blueprint, *arrays = network_of(layer)
        g = Graph(NumPyBuilder("float64"))
        with pytest.raises(NoFormulaError, match=message):
            formula_of_network(g, blueprint, g.samples(np.ones((1, 4)), (4,)), *arrays)


def test_a_formula_that_breaks_the_contract_is_named_with_its_place():
    class Wrong(Layer):
        def plan(self, input_shape):
            return Plan(input_shape, (Tensor("scale", input_shape, "scale", "zeros", 1, 1),))

        def formula(self, g: Graph, x: Value, tensors):
            assert list(tensors) == ["scale"]
            assert len(tensors) == 1
            return x * tensors["scal"]

    blueprint, *arrays = network_of(Wrong(name="odd"))
    g = Graph(NumPyBuilder("float64"))
    with pytest.raises(PluginError, match="odd, layer Wrong: its formula reads 'scal', its plan has scale"):
        formula_of_network(g, blueprint, g.samples(np.ones((1, 4)), (4,)), *arrays)
