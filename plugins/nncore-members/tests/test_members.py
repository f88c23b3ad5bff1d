"""The formulas, refusals, members as networks of their own, and an ensemble that is better than its members."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nncore_members.dense import MembersDense
from nncore_members.ends import MeanMembers, RepeatMembers
from nncore_members.loss import Members
from nncore_members.signs import RandomSigns

import nncore as nn
from nncore.datasets import load_digits_split
from nncore.errors import ParameterError, ShapeError
from nncore.testing import numpy_twin, team_of

K = 5


def drawn(net: nn.Sequential, seed: int = 3) -> nn.Sequential:
    """Parameters of order one."""
    net.parameters[:] = np.random.default_rng(seed).normal(size=net.n_parameters)
    return net


SCALES = [(True, True, True), (True, False, True), (False, True, False), (False, False, True)]


@pytest.mark.parametrize("is_native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize(("has_r", "has_s", "has_b"), SCALES, ids=["r-s-b", "r-b", "s", "b"])
def test_members_dense_is_its_formula(has_r: bool, has_s: bool, has_b: bool, is_native: bool) -> None:
    """Forward and backward, number by number."""
    layer = MembersDense(4, scale_inputs=has_r, scale_outputs=has_s, use_bias=has_b)
    net = drawn(nn.Sequential(layer if is_native else numpy_twin(layer)).build((3, 7), rng=0, loss="half_mse", dtype="float64"))
    rng = np.random.default_rng(1)
    x, d_y = rng.normal(size=(6, 3, 7)), rng.normal(size=(6, 3, 4))
    views = {name.partition(".")[2]: view for name, view in net.named_parameters().items()}
    W, r, s = views["weight"], views.get("input_scale", np.ones((3, 7))), views.get("output_scale", np.ones((3, 4)))
    b = views.get("bias", np.zeros((3, 4)))
    y, d_x = np.empty((6, 3, 4)), np.empty((6, 3, 7))
    d = {"weight": np.zeros_like(W), "input_scale": np.zeros_like(r), "output_scale": np.zeros_like(s), "bias": np.zeros_like(b)}
    for row in range(6):
        for j in range(3):
            u, v = (x[row, j] * r[j]) @ W, W @ (d_y[row, j] * s[j])
            y[row, j] = u * s[j] + b[j]
            d_x[row, j] = v * r[j]
            d["weight"] += np.outer(x[row, j] * r[j], d_y[row, j] * s[j])
            d["input_scale"][j] += x[row, j] * v
            d["output_scale"][j] += d_y[row, j] * u
            d["bias"][j] += d_y[row, j]
    np.testing.assert_allclose(net.predict(x), y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(net.forward(x, training=True).reshape(y.shape), y, rtol=1e-12, atol=1e-12)
    net.backward(d_output=d_y)
    np.testing.assert_allclose(net.d_input, d_x, rtol=1e-12, atol=1e-12)
    for name, gradient in net.named_gradients().items():
        np.testing.assert_allclose(gradient, d[name.partition(".")[2]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("first", [True, False], ids=["first", "hidden"])
def test_gradients_at_the_front_are_those_further_back(first: bool) -> None:
    """At the front nobody asks for d_x, and the gradient of r still needs what the way back leaves in the cache."""
    layers = [MembersDense(4, activation="tanh"), MembersDense(2)]
    net = drawn(nn.Sequential(*([] if first else [RepeatMembers(3)]), *layers).build((3, 7) if first else 7, rng=0, loss="half_mse",
        optimizer="sgd", dtype="float64"))  # fmt: skip
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(4, 3, 7) if first else (4, 7)), rng.normal(size=(4, 6))
    net._forward(x, input_gradient=False)
    net.backward(y)
    analytic = net.gradients.copy()
    for i in np.random.default_rng(4).choice(net.n_parameters, 40, replace=False):
        before, values = net.parameters[i], []
        for step in (1e-6, -1e-6):
            net.parameters[i] = before + step
            values.append(net.evaluate(x, y)["loss"])
        net.parameters[i] = before
        assert analytic[i] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_members_without_scales_are_dense_networks_that_share_a_weight() -> None:
    rng = np.random.default_rng(5)
    net = drawn(nn.Sequential(RepeatMembers(K), MembersDense(9, "relu"), MembersDense(4)).build(6, rng=0, dtype="float64"))
    for name, view in net.named_parameters().items():
        if "scale" in name:
            view[...] = 1
    x, views = rng.normal(size=(11, 6)), net.named_parameters()
    for j in range(K):
        alone = nn.Sequential(nn.Dense(9, "relu"), nn.Dense(4)).build(6, rng=0, dtype="float64")
        for number in (1, 2):
            alone.named_parameters()[f"dense_{number}.weight"][...] = views[f"members_dense_{number}.weight"]
            alone.named_parameters()[f"dense_{number}.bias"][...] = views[f"members_dense_{number}.bias"][j]
        np.testing.assert_allclose(net.predict(x)[:, j], alone.predict(x), rtol=1e-12, atol=1e-12)
    mean = nn.Sequential(net, MeanMembers()).build(6, rng=0, dtype="float64")
    np.testing.assert_allclose(mean.predict(x), net.predict(x).mean(axis=1), rtol=1e-12, atol=1e-12)


def ensemble(width: int = 24, k: int = K) -> nn.Sequential:
    return nn.Sequential(RepeatMembers(k), MembersDense(width, "relu"), MembersDense(width, "relu"), MembersDense(10))


@pytest.mark.parametrize("last", [[], [MeanMembers()]], ids=["own losses", "loss of the mean"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_no_bit(last: list[Any], dtype: str) -> None:
    ends = []
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(150, 13)), rng.integers(10, size=150)
    for n_parts in (1, 2, 3, 8):
        net = nn.Sequential(ensemble(), *copy.deepcopy(last))
        loss = "softmax_cross_entropy" if last else Members("softmax_cross_entropy", K)
        with team_of(n_parts):
            net.fit(X, y, loss=loss, optimizer="adamw", epochs=3, batch_size=64, rng=0, dtype=dtype, progress=False)
            ends.append((net.parameters.tobytes(), net.predict(X).tobytes()))
    assert len(set(ends)) == 1


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "half_mse", "binary_cross_entropy"])
def test_the_loss_of_members_is_the_mean_of_theirs(name: str) -> None:
    rng, loss = np.random.default_rng(7), Members(name, 3)
    n = 1 if name == "binary_cross_entropy" else 4
    output = rng.normal(size=(6, 3 * n))
    target = rng.integers(4, size=6) if name == "softmax_cross_entropy" else rng.uniform(size=(6, n))
    each = [loss.loss.forward(output[:, j * n : (j + 1) * n], target) for j in range(3)]
    np.testing.assert_allclose(loss.forward(output, target), np.mean(each, axis=0), rtol=1e-12)
    d_each = [loss.loss.backward(output[:, j * n : (j + 1) * n], target) / 3 for j in range(3)]
    np.testing.assert_allclose(loss.backward(output, target), np.concatenate(d_each, axis=1), rtol=1e-12)
    assert loss.n_outputs(4 if n == 4 else 2) == 3 * n


def test_an_ensemble_is_better_than_its_members() -> None:
    X, y, X_test, y_test = load_digits_split()
    X, X_test = X.reshape(-1, 64) / 16, X_test.reshape(-1, 64) / 16
    net = ensemble(16, 16)
    net.fit(X[:300], y[:300], loss=Members("softmax_cross_entropy", 16), epochs=60, batch_size=32, rng=0, progress=False)
    members = net.predict(X_test)
    single = (members.argmax(axis=2) == y_test[:, None]).mean(axis=0)
    together = (nn.Sequential(net, MeanMembers()).build(64, rng=0).predict(X_test).argmax(axis=1) == y_test).mean()
    assert single.std() > 0, "the members are different"
    assert together > single.mean() + 0.005
    decided = net.loss.decide(members.reshape(len(members), -1))
    assert (decided == y_test).mean() > single.mean()


def test_an_ensemble_is_saved_and_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(60, 13)).astype(np.float32), rng.integers(10, size=60)
    fit: dict[str, Any] = {"batch_size": 32, "progress": False}
    whole = ensemble()
    whole.fit(X, y, loss=Members("softmax_cross_entropy", K), epochs=4, rng=0, **fit)
    part = ensemble()
    part.fit(X, y, loss=Members("softmax_cross_entropy", K), epochs=2, rng=0, **fit)
    part.save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    again.fit(X, y, epochs=2, **fit)
    np.testing.assert_array_equal(again.parameters, whole.parameters)


def test_slices_are_small_where_a_sample_is_many_rows() -> None:
    """512 rows of a product, not 512 samples: with k·d = 16,384 those were 33 MB, eight of which are reserved for each op."""
    net = nn.Sequential(RepeatMembers(32), MembersDense(512, "relu"), MembersDense(512, "relu"), MembersDense(2)).build(10, rng=0)
    spec = net.program_for_prediction().spec
    assert spec.slice_rows * 32 in range(512, 1024)
    assert all(op.y.nbytes < 2**24 for op in spec.ops)


def test_random_signs() -> None:
    values = RandomSigns().sample(np.random.default_rng(0), (100, 100), 1, 1)
    assert {*np.unique(values)} == {-1.0, 1.0}
    assert abs(values.mean()) < 0.05


@pytest.mark.parametrize(
    ("error", "match", "make"),
    [
        (ParameterError, "n_members", lambda: RepeatMembers(0)),
        (ParameterError, "n_outputs", lambda: MembersDense(0)),
        (ShapeError, "put repeat_members before it", lambda: MembersDense(3).plan((4,))),
        (ShapeError, "put repeat_members before it", lambda: MeanMembers().plan((4,))),
        (ShapeError, "Flatten", lambda: MembersDense(3).plan((2, 3, 4))),
        (ShapeError, "cannot be shared out", lambda: Members("mse", 3).n_targets(4)),
    ],
    ids=["members", "outputs", "vector", "mean of a vector", "images", "loss"],
)
def test_refused(error: type[Exception], match: str, make: Any) -> None:
    with pytest.raises(error, match=match):
        make()
