"""Ensembles in one network, compared number by number with tabm 0.0.3, and with separate networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.inspection import NumPyBuilder, formula
from nncore.plugin import resolve
from nncore.testing import numpy_twin, team_of

DATA = np.load(Path(__file__).with_name("tabm_values.npz"))
K = 5
#: Names of our tensors in tabm.
NAMES = {
    "tabm": {
        "members_dense_1.weight": "1.blocks.0.0.weight", "members_dense_1.input_scale": "1.blocks.0.0.r",
        "members_dense_1.output_scale": "1.blocks.0.0.s", "members_dense_1.bias": "1.blocks.0.0.bias",
        "members_dense_2.weight": "1.blocks.1.0.weight", "members_dense_2.input_scale": "1.blocks.1.0.r",
        "members_dense_2.output_scale": "1.blocks.1.0.s", "members_dense_2.bias": "1.blocks.1.0.bias",
        "member_heads_1.weight": "2.weight", "member_heads_1.bias": "2.bias",
    },
    "tabm-mini": {
        "members_dense_1.weight": "1.blocks.0.0.weight", "members_dense_1.input_scale": "1.affine.weight",
        "members_dense_1.bias": "1.blocks.0.0.bias", "members_dense_2.weight": "1.blocks.1.0.weight",
        "members_dense_2.bias": "1.blocks.1.0.bias", "member_heads_1.weight": "2.weight", "member_heads_1.bias": "2.bias",
    },
}  # fmt: skip


def as_here(kind: str, what: str, name: str) -> np.ndarray:
    """A recorded tensor in the layout of this library, which has inputs before outputs."""
    values = DATA[f"{kind}/{what}/{NAMES[kind][name]}"]
    return values.T if name.startswith("members_dense") and name.endswith("weight") else values


def layers_of(kind: str) -> list[Any]:
    if kind == "tabm":
        hidden = [nn.MembersDense(7, "relu"), nn.MembersDense(7, "relu", input_initializer=None)]
    else:
        first = nn.MembersDense(7, "relu", scale_outputs=False, share_bias=True)
        hidden = [first, nn.MembersDense(7, "relu", scale_inputs=False, scale_outputs=False, share_bias=True)]
    return [nn.RepeatMembers(3), *hidden, nn.MemberHeads(4), nn.MeanMembers("softmax")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("is_native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("kind", NAMES)
def test_tabm(kind: str, is_native: bool, dtype: str) -> None:
    layers = [layer if is_native else numpy_twin(layer) for layer in layers_of(kind)]
    net = nn.Sequential(*layers).build(5, loss="softmax_cross_entropy", optimizer="sgd", rng=0, dtype=dtype)
    views, tolerance = net.named_parameters(), {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    views = {name.replace("numpymembersdense", "members_dense").replace("numpymemberheads", "member_heads"): v for name, v in views.items()}
    assert set(views) == set(NAMES[kind])
    for name, view in views.items():
        view[...] = as_here(kind, "parameter", name)
    outputs = net.forward(DATA["x"], training=True)
    np.testing.assert_allclose(outputs.reshape(6, 3, 4), DATA[f"{kind}/output"], **tolerance)
    assert net.backward(DATA["y"]) == pytest.approx(float(DATA[f"{kind}/loss"]), rel=100 * float(np.finfo(dtype).eps))
    for name, gradient in zip(views, net.named_gradients().values(), strict=True):
        np.testing.assert_allclose(gradient, as_here(kind, "gradient", name), **tolerance, err_msg=name)
    probabilities = DATA[f"{kind}/probabilities"]
    np.testing.assert_allclose(net.predict_proba(DATA["x"]), probabilities, **tolerance)
    expected = -np.log(probabilities[np.arange(6), DATA["y"]]).mean()
    assert net.evaluate(DATA["x"], DATA["y"])["loss"] == pytest.approx(expected, rel=200 * float(np.finfo(dtype).eps))
    np.testing.assert_allclose(formula(net, NumPyBuilder(dtype), DATA["x"], link=True), probabilities, **tolerance)


def test_first_values_are_those_of_tabm() -> None:
    first = nn.MembersDense(50, input_groups=[1, 3, 2])
    net = nn.Sequential(nn.RepeatMembers(20), first, nn.MembersDense(8, input_initializer=None), nn.MemberHeads(2)).build(6, rng=0)
    views = net.named_parameters()
    r = views["members_dense_1.input_scale"]
    assert {*np.unique(r)} == {-1, 1}
    assert (r[:, 1:4] == r[:, 1:2]).all()
    assert (r[:, 4] == r[:, 5]).all()
    assert len(np.unique(r, axis=0)) > 4
    for name in ("members_dense_1.output_scale", "members_dense_2.input_scale", "members_dense_2.output_scale"):
        assert (views[name] == 1).all()
    assert (views["members_dense_1.bias"] == views["members_dense_1.bias"][0]).all(), "one draw for all members"
    for name, n_inputs in (("members_dense_1", 6), ("members_dense_2", 50), ("member_heads_1", 8)):
        for tensor in ("weight", "bias"):
            values = np.abs(views[f"{name}.{tensor}"]) * np.sqrt(n_inputs)
            assert 0.8 < values.max() <= 1.000001
    assert len(np.unique(views["member_heads_1.bias"])) == 40


def drawn(net: nn.Sequential, seed: int = 3) -> nn.Sequential:
    """Random parameters of order one."""
    net.parameters[:] = np.random.default_rng(seed).normal(size=net.n_parameters)
    return net


def ensemble(link: Any = "softmax", n_outputs: int = 4, width: int = 16, k: int = K) -> nn.Sequential:
    hidden = [nn.MembersDense(width, "relu"), nn.Dropout(0.1), nn.MembersDense(width, "relu", input_initializer=None)]
    return nn.Sequential(nn.RepeatMembers(k), *hidden, nn.MemberHeads(n_outputs), nn.MeanMembers(link))


def test_members_that_share_everything_are_one_network() -> None:
    shared = {"scale_inputs": False, "scale_outputs": False, "share_bias": True}
    layers = nn.RepeatMembers(K), nn.MembersDense(9, "relu", **shared), nn.MembersDense(4, **shared)
    net = drawn(nn.Sequential(*layers).build(6, rng=0, dtype="float64"))
    alone = nn.Sequential(nn.Dense(9, "relu"), nn.Dense(4)).build(6, rng=0, dtype="float64")
    alone.parameters[...] = net.parameters
    x = np.random.default_rng(5).normal(size=(11, 6))
    for j in range(K):
        np.testing.assert_allclose(net.predict(x)[:, j], alone.predict(x), rtol=1e-12, atol=1e-12)


LINKS = ["identity", "softmax", "sigmoid", "exp", {"name": "softmax_heads", "n_classes": [2, 3]}]


@pytest.mark.parametrize("is_native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("link", LINKS, ids=str)
def test_the_mean_is_that_of_predictions(link: Any, is_native: bool) -> None:
    """The mean is that of predictions, also for outputs whose exp over- or underflows."""
    layer, phi = nn.MeanMembers(link), resolve("activations", link)
    net = nn.Sequential(layer if is_native else numpy_twin(layer)).build((3, 5), rng=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(8, 3, 5)) * np.geomspace(0.1, 20, 8)[:, None, None]
    means = np.mean([phi.forward(x[:, j]) for j in range(3)], axis=0)
    np.testing.assert_allclose(phi.forward(net.predict(x)), means, rtol=1e-9)
    assert np.isfinite(net.predict(1000 * np.random.default_rng(1).normal(size=(50, 3, 5)))).all()


@pytest.mark.parametrize("last", [True, False], ids=["own losses", "loss of the mean"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_no_bit(last: bool, dtype: str) -> None:
    rng, ends = np.random.default_rng(6), []
    X, y = rng.normal(size=(150, 13)), rng.integers(4, size=150)
    for n_parts in (1, 2, 3, 8):
        net = nn.Sequential(ensemble(), *([] if last else [nn.Dense(4)]))
        with team_of(n_parts):
            net.fit(X, y, loss="softmax_cross_entropy", optimizer="adamw", epochs=2, batch_size=64, rng=0, dtype=dtype, progress=False)
            ends.append((net.parameters.tobytes(), net.predict(X).tobytes(), net.input_gradients(X, y=y).tobytes()))
    assert len(set(ends)) == 1


def test_slices_are_small_where_a_sample_is_many_rows() -> None:
    """Slices have 512 rows of a product, not 512 samples: with k·d = 16,384 those took 33 MB, and each op reserves eight slices."""
    layers = nn.RepeatMembers(32), nn.MembersDense(512, "relu"), nn.MembersDense(512, "relu"), nn.MemberHeads(2), nn.MeanMembers()
    spec = nn.Sequential(*layers).build(10, rng=0).program_for_prediction().spec
    assert spec.slice_rows * 32 in range(512, 1024)
    assert all(op.y.nbytes < 2**24 for op in spec.ops)


@pytest.mark.parametrize(
    ("error", "match", "make"),
    [
        (ParameterError, "n_members", lambda: nn.RepeatMembers(0)),
        (ParameterError, "n_outputs", lambda: nn.MembersDense(0)),
        (ParameterError, "no bias to share", lambda: nn.MembersDense(2, use_bias=False, share_bias=True)),
        (ParameterError, "input_groups needs r", lambda: nn.MembersDense(2, scale_inputs=False, input_groups=[1])),
        (ParameterError, "input_groups must be", lambda: nn.MembersDense(2, input_groups=[0, 1])),
        (ShapeError, "input_groups sums to 3", lambda: nn.MembersDense(2, input_groups=[1, 2]).plan((3, 4))),
        (ShapeError, "RepeatMembers", lambda: nn.MembersDense(3).plan((4,))),
        (ShapeError, "RepeatMembers", lambda: nn.MemberHeads(3).plan((4,))),
        (ShapeError, "RepeatMembers", lambda: nn.MeanMembers().plan((4,))),
        (ShapeError, "Flatten", lambda: nn.MembersDense(3).plan((2, 3, 4))),
        (ShapeError, "Flatten", lambda: nn.RepeatMembers(3).plan((2, 3))),
        (ParameterError, "link must be", lambda: nn.MeanMembers("tanh")),
        (ParameterError, "link must be", lambda: nn.MeanMembers("softmax_heads")),
        (ParameterError, "n_classes", lambda: nn.MeanMembers({"name": "softmax_heads", "n_classes": [0]})),
        (ShapeError, "link is for 5 outputs", lambda: nn.MeanMembers(LINKS[-1]).plan((2, 4))),
    ],
)  # fmt: skip
def test_refused(error: type[Exception], match: str, make: Any) -> None:
    with pytest.raises(error, match=match):
        make()
