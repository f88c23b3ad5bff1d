"""Networks that nobody thought of: random stacks of the registry's components train alike on the compiled rung and on NumPy."""

from __future__ import annotations

import components
import numpy as np
from hypothesis import given, settings, strategies as st
from test_gradients import last_activation, make_target

import nncore as nn
from nncore import registry
from nncore.plugin import Layer, Loss
from nncore.testing import numpy_twin
from nncore.testing.widths import outputs_for

LAYERS = st.one_of(
    st.builds(
        nn.Dense,
        st.integers(1, 40),
        activation=st.sampled_from([None, *(a for a in components.activations(trainable=True))]),
        use_bias=st.booleans(),
    ),
    st.builds(nn.Dropout, st.floats(0, 0.9)),
    st.builds(nn.BatchNorm, st.sampled_from(["batch", "cumulative"])),
    st.builds(nn.ActivationLayer, st.sampled_from(components.activations(trainable=True))),
    st.just(nn.Flatten()),
)
LOSSES = st.sampled_from(components.losses())
#: Not those that divide by the size of a gradient: where it is all rounding, they make a difference of it.
OPTIMIZERS = st.sampled_from(["sgd", "momentum", "nesterov", "block_coordinate"])


def twin_of(layer: Layer) -> Layer:
    """The layer on NumPy, its activation too."""
    twin = numpy_twin(layer) if layer.kernel is not None else type(layer)(**layer.config())
    if getattr(twin, "activation", None) is not None:
        twin.activation = numpy_twin(registry.resolve("activations", twin.activation))
    return twin


@given(
    layers=st.lists(LAYERS, max_size=5), loss=LOSSES, optimizer=OPTIMIZERS, n_rows=st.integers(2, 70), n_inputs=st.integers(1, 40),
    n_outputs=st.integers(1, 20), batch_size=st.integers(2, 80), labels=st.booleans(), weighted=st.booleans(), shuffle=st.booleans(),
    drop_last=st.booleans(), weight_decay=st.sampled_from([0.0, 0.01]), seed=st.integers(0, 2**16),
)  # fmt: skip
@settings(max_examples=120, deadline=None, derandomize=True)
def test_random_networks_train_alike_on_both_rungs(
    layers: list[Layer], loss: Loss, optimizer: str, n_rows: int, n_inputs: int, n_outputs: int, batch_size: int, labels: bool,
    weighted: bool, shuffle: bool, drop_last: bool, weight_decay: float, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_inputs))
    n_outputs = outputs_for(loss, n_outputs)
    kind = loss.targets_for(n_outputs)
    last = nn.Dense(n_outputs, activation=last_activation(loss))
    y = make_target(loss, rng, n_outputs, labels=kind == "labels" or (labels and kind == "both"), n_rows=n_rows)
    arguments = {
        "loss": loss, "epochs": 2, "batch_size": min(batch_size, n_rows), "shuffle": shuffle, "drop_last": drop_last, "rng": seed,
        "weight_decay": weight_decay, "sample_weight": rng.uniform(0.1, 2, n_rows) if weighted else None, "dtype": "float64",
        "progress": False, "validation": (X, y),
    }  # fmt: skip
    compiled = nn.Sequential(*layers, last)
    history = compiled.fit(X, y, optimizer={"name": optimizer, "lr": 1e-3}, **arguments)
    on_numpy = nn.Sequential(*(twin_of(layer) for layer in [*layers, last]))
    again = on_numpy.fit(X, y, **{**arguments, "loss": numpy_twin(loss)}, optimizer=_twin_optimizer(optimizer))
    np.testing.assert_allclose(on_numpy.parameters, compiled.parameters, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(again["loss"], history["loss"], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(again["val_loss"], history["val_loss"], rtol=1e-5, atol=1e-8)


def _twin_optimizer(name: str) -> object:
    return numpy_twin(registry.resolve("optimizers", {"name": name, "lr": 1e-3}))
