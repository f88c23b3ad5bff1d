"""Built networks: names, views of one vector, initial values, and copies."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from network.small import X, Y, built

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError, ShapeError, UnknownComponentError
from nncore.inspection import file_info


def test_build_lays_out_named_views_of_one_vector() -> None:
    net = built()
    views = net.named_parameters()
    assert {name: view.shape for name, view in views.items()} == {
        "dense_1.weight": (4, 5), "dense_1.bias": (5,), "dense_2.weight": (5, 3), "dense_2.bias": (3,),
    }  # fmt: skip
    assert net.parameters.shape == net.gradients.shape == (net.n_parameters,) == (43,)
    assert net.parameters.ctypes.data % 64 == 0
    assert all(np.shares_memory(view, net.parameters) for view in views.values())
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in views.values()]), net.parameters)
    views["dense_2.bias"][1] = 7
    assert net.parameters[41] == 7
    assert list(net.optimizer_state)[:3] == ["dense_1.weight/slot_0", "dense_1.weight/slot_1", "dense_1.bias/slot_0"]
    assert sum(kept.size for kept in net.optimizer_state.values()) == 2 * 43


def test_views_stay_live_through_fit() -> None:
    net = built()
    view, vector = net.named_parameters()["dense_1.weight"], net.parameters
    before = view.copy()
    net.fit(X, Y, epochs=1, progress=False)
    assert (view != before).any()
    assert np.shares_memory(net.parameters, vector)
    view[...] = 0
    np.testing.assert_array_equal(net.predict(X), np.tile(net.predict(X[:1]), (60, 1)))


def test_layer_names_count_by_kind() -> None:
    net = nn.Sequential(nn.Dense(3), "dropout", nn.BatchNorm(), nn.Dense(2), nn.ActivationLayer("relu"))
    assert net.layer_names == ["dense_1", "dropout_1", "batch_norm_1", "dense_2", "activation_1"]


def test_images_are_flattened() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(5, 28, 28, 3)).astype(np.float32)
    net = nn.Sequential(nn.Flatten(), nn.Dense(1)).build((28, 28, 3), rng=0)
    assert (net.input_shape, net.output_shape) == ((28, 28, 3), (1,))
    np.testing.assert_array_equal(net.predict(images), nn.Sequential(nn.Dense(1)).build(2352, rng=0).predict(images.reshape(5, -1)))
    with pytest.raises(ShapeError, match=r"dense_1: Dense takes vectors.*put nn.Flatten\(\) before it"):
        nn.Sequential(nn.Dense(1)).build((28, 28))


@pytest.mark.parametrize("n_inputs", [0, -1, 2.5, (), (3, 0), True])
def test_bad_input_shape(n_inputs: object) -> None:
    with pytest.raises(ParameterError, match="n_inputs"):
        nn.Sequential(nn.Dense(1)).build(n_inputs)


@pytest.mark.parametrize("dtype", ["float16", "int32", "nonsense", object])
def test_bad_dtype(dtype: object) -> None:
    with pytest.raises(ParameterError, match="float32"):
        nn.Sequential(nn.Dense(1)).build(2, dtype=dtype)


def test_construction_errors() -> None:
    with pytest.raises(ParameterError, match="at least one layer"):
        nn.Sequential()
    with pytest.raises(UnknownComponentError, match="dense"):
        nn.Sequential("dens")
    for n_outputs in (0, 10**30, 2.0, "many"):
        with pytest.raises(ParameterError, match="n_outputs must be a whole number"):
            nn.Dense(n_outputs)
    with pytest.raises(UnknownComponentError, match="relu"):
        nn.Sequential(nn.Dense(2, activation="rellu")).build(2)


def test_a_failed_build_changes_nothing() -> None:
    net = built()
    before = net.parameters.copy()
    with pytest.raises(UnknownComponentError):
        net.build(7, loss="softmax")
    assert net.input_shape == (4,)
    np.testing.assert_array_equal(net.parameters, before)


def test_before_build_everything_says_so() -> None:
    net = nn.Sequential(nn.Dense(2))
    for use in (
        lambda: net.predict(X),
        lambda: net.parameters,
        lambda: net.n_parameters,
        lambda: net.forward(X, training=True),
        net.named_buffers,
    ):
        with pytest.raises(NotBuiltError, match=r"call fit\(X, y, ...\) or build\(n_inputs\) first"):
            use()


def test_rng_may_be_a_generator_or_a_seed_sequence() -> None:
    for make in (lambda: np.random.default_rng(5), lambda: np.random.SeedSequence(5), lambda: 5):
        np.testing.assert_array_equal(built(rng=make()).parameters, built(rng=make()).parameters)
    assert (built(rng=None).parameters != built(rng=None).parameters).any()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike_and_apart(duplicate: object) -> None:
    net = built(optimizer=nn.Adam(lr=0.01))
    net.fit(X, Y, epochs=2, batch_size=16, progress=False)
    twin = duplicate(net)
    assert not np.shares_memory(twin.parameters, net.parameters)
    assert twin.parameters.ctypes.data % 64 == 0
    net.fit(X, Y, epochs=2, batch_size=16, progress=False)
    assert (twin.parameters != net.parameters).any()
    twin.fit(X, Y, epochs=2, batch_size=16, progress=False)
    np.testing.assert_array_equal(twin.parameters, net.parameters)
    assert twin.n_steps == net.n_steps == 16


def test_copies_hold_no_gradients_and_no_state_before_the_first_step() -> None:
    net = nn.Sequential(nn.Dense(1000)).build(100, loss="mse", optimizer="adam", rng=0)
    n_bytes = net.parameters.nbytes
    assert len(pickle.dumps(net)) < 1.1 * n_bytes
    net.fit(np.ones((4, 100)), np.ones((4, 1000)), epochs=1, progress=False)
    assert 3 * n_bytes < len(pickle.dumps(net)) < 3.1 * n_bytes
    twin = pickle.loads(pickle.dumps(net))
    assert twin.gradients.shape == net.gradients.shape
    assert not twin.gradients.any()


def test_a_reset_optimizer_leaves_no_state(tmp_path: Path) -> None:
    net = built(optimizer=nn.Adam(lr=0.01))
    net.fit(X, Y, epochs=2, batch_size=16, schedule="cosine", callbacks=[nn.EMA()], progress=False)
    parameters = net.parameters.tobytes()
    net.reset_optimizer()
    assert (net.n_epochs, net.n_steps, net.optimizer.lr, net.schedule, net.trajectory) == (2, 0, 0.01, None, None)
    assert not any(kept.any() for kept in net.optimizer_state.values())
    assert net.parameters.tobytes() == parameters
    net.save(tmp_path / "net.nncore")
    info = file_info(tmp_path / "net.nncore").networks[0]
    assert not info.has_optimizer_state
    assert info.optimizer["name"] == "adam"
    loaded = nn.load(tmp_path / "net.nncore")
    for one in (net, loaded):
        one.fit(X, Y, epochs=1, batch_size=16, progress=False)
    assert loaded.parameters.tobytes() == net.parameters.tobytes() != parameters


def test_a_network_without_an_optimizer_can_be_reset() -> None:
    for net in (nn.Sequential(nn.Dense(2)).build(3, rng=0), nn.Sequential(nn.Dense(2))):
        net.reset_optimizer()
        assert (net.optimizer, net.n_steps) == (None, 0)
