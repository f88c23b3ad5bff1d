"""Weights are copied from another network, or from arrays by name: all of them, or none with an error that lists what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore.errors import BusyError, ParameterError


def plain(n_outputs: int = 2, rng: int = 0, **build: object) -> nn.Sequential:
    layers = nn.Dense(8, "relu", name="encoder"), nn.BatchNorm(), nn.Dense(n_outputs, name="head")
    return nn.Sequential(*layers).build(6, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": rng, **build})


def tensors(net: nn.Sequential) -> dict[str, np.ndarray]:
    return {name: view.copy() for name, view in (net.named_parameters() | net.named_buffers()).items()}


class Unwilling:
    """Cannot be converted to an array."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("no")


def check_copied(net: nn.Sequential, before: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    """Check that the `expected` values are copied bit for bit, and everything else is unchanged."""
    for name, now in tensors(net).items():
        np.testing.assert_array_equal(now, expected[name] if name in expected else before[name], err_msg=name)


def test_all_of_a_network_like_it() -> None:
    source, net = network(), network(rng=1)
    fit(source)
    names = net.copy_weights(source)
    assert names == [*source.named_parameters(), *source.named_buffers()]
    check_copied(net, {}, tensors(source))
    np.testing.assert_array_equal(net.predict(X), source.predict(X))
    fit(net, 1)
    assert not np.array_equal(net.parameters, source.parameters)


def test_arrays_by_name_as_files_hold_them(tmp_path: Any) -> None:
    source, net = plain(rng=3, dtype="float64"), plain()
    np.savez(tmp_path / "weights.npz", **tensors(source))
    with np.load(tmp_path / "weights.npz") as weights:
        net.copy_weights(weights)
    check_copied(net, {}, {name: view.astype(np.float32) for name, view in tensors(source).items()})
    net.copy_weights({name: view.tolist() for name, view in tensors(plain(rng=4)).items()})
    check_copied(net, {}, tensors(plain(rng=4)))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("encoder", ["encoder.weight", "encoder.bias"]),
        (["encoder", "*.gamma"], ["encoder.weight", "encoder.bias", "batch_norm_1.gamma"]),
        ("batch_norm_1", ["batch_norm_1.gamma", "batch_norm_1.beta", "batch_norm_1.mean", "batch_norm_1.variance"]),
        ("head.bias", ["head.bias"]),
    ],
)
def test_those_that_are_named(names: Any, expected: list[str]) -> None:
    source, net = plain(rng=1), plain()
    source.parameters[...] += 1
    before = tensors(net)
    found = net.copy_weights(source, names)
    assert found == [name for name in found if name in expected]
    assert set(expected) <= set(found) <= {*expected, *(name for name in before if name.startswith("batch_norm_1.n"))}
    check_copied(net, before, {name: tensors(source)[name] for name in found})


def test_by_other_names() -> None:
    source, net = nn.Sequential(nn.Dense(8), nn.Dense(5), nn.Dense(2)).build(6, rng=1), plain()
    before, theirs = tensors(net), tensors(source)
    assert net.copy_weights(source, {"encoder": "dense_1", "head.bias": "dense_3.bias"}) == ["encoder.weight", "encoder.bias", "head.bias"]
    check_copied(
        net,
        before,
        {"encoder.weight": theirs["dense_1.weight"], "encoder.bias": theirs["dense_1.bias"], "head.bias": theirs["dense_3.bias"]},
    )


def test_from_one_place_of_a_network_to_another() -> None:
    net = nn.Sequential(nn.Dense(6), nn.Dense(6)).build(6, rng=0)
    theirs = tensors(net)
    net.copy_weights(net, {"dense_1": "dense_2", "dense_2": "dense_1"})
    check_copied(net, {}, {f"dense_{a}.{t}": theirs[f"dense_{b}.{t}"] for a, b in ((1, 2), (2, 1)) for t in ("weight", "bias")})


def test_an_error_lists_all_that_does_not_fit_and_copies_nothing() -> None:
    source = nn.Sequential(nn.Dense(8, name="encoder"), nn.Dense(3, name="head"), nn.Dense(2, name="more")).build(6, rng=1)
    net = plain()
    before = tensors(net)
    with pytest.raises(ParameterError) as caught:
        net.copy_weights(source)
    message = str(caught.value)
    for part in (
        "batch_norm_1.gamma: the source has no 'batch_norm_1.gamma'",
        "head.weight has shape (8, 3), here it is (8, 2)",
        "the source has 'more.bias', which is not here",
        "strict=False",
    ):
        assert part in message, message
    check_copied(net, before, {})
    assert net.copy_weights(source, strict=False) == ["encoder.weight", "encoder.bias"]
    theirs = tensors(source)
    check_copied(net, before, {name: theirs[name] for name in ("encoder.weight", "encoder.bias")})


@pytest.mark.parametrize(
    ("source", "names", "message"),
    [
        (3, None, "source must be a network or a mapping of names to arrays, got 3"),
        ({3: np.ones(2)}, None, "source must be"),
        ({}, None, "pass names={here: there}"),
        ({"head.bias": np.ones(3)}, "head.bias", r"head.bias has shape \(3,\), here it is \(2,\)"),
        ({"head.bias": np.array(["a", "b"])}, "head.bias", "numbers are wanted"),
        ({"head.bias": [[1.0], [1.0, 2.0]]}, "head.bias", "not an array of numbers"),
        ({"head.bias": np.array([1.0, np.nan])}, "head.bias", "not finite in float32"),
        ({"head.bias": np.array([1.0, 1e300])}, "head.bias", "not finite in float32"),
        ({"head.bias": np.ones(2)}, "tail", "names: no tensor is called 'tail'; there are encoder.weight"),
        ({"head.bias": np.ones(2)}, {"tail": "head"}, "names maps layers or tensors here"),
        ({"head.bias": np.ones(2)}, {"head": "head"}, "head.weight: the source has no 'head.weight'"),
        ({"head.bias": np.ones(2)}, [3], "a layer or a pattern of tensors is a str"),
        ({"head.bias": np.ones(2)}, 3, "names must be a list"),
        ({"head.bias": Unwilling()}, "head.bias", "head.bias is not an array of numbers"),
    ],
)
def test_what_cannot_be(source: Any, names: Any, message: str) -> None:
    net = plain()
    before = tensors(net)
    with pytest.raises(ParameterError, match=message):
        net.copy_weights(source, names)
    check_copied(net, before, {})
    with pytest.raises(ParameterError, match="strict must be"):
        net.copy_weights(net, strict="yes")


def test_the_optimizer_goes_on() -> None:
    net = plain()
    net.fit(X, Y, epochs=1, progress=False)
    steps, state = net.n_steps, {name: view.copy() for name, view in net.optimizer_state.items()}
    net.copy_weights(plain(rng=1), "encoder")
    assert net.n_steps == steps
    for name, view in net.optimizer_state.items():
        np.testing.assert_array_equal(view, state[name])


def test_an_average_goes_on_from_the_copied_values() -> None:
    """A network with averaged parameters gets both sets copied, since a fit continues from the other set."""
    net, source = plain(), plain(rng=1)
    net.fit(X, Y, epochs=1, progress=False, callbacks=[nn.EMA(0.9)])
    other = net.trajectory.copy()
    net.copy_weights(source, "encoder")
    n = source.named_parameters()["encoder.weight"].size
    np.testing.assert_array_equal(net.trajectory[:n], source.parameters[:n])
    np.testing.assert_array_equal(net.trajectory[n + 8 :], other[n + 8 :])
    np.testing.assert_array_equal(net.named_parameters()["encoder.weight"], source.named_parameters()["encoder.weight"])


def test_an_optimizer_that_holds_parameters_begins_anew() -> None:
    net, source = plain(), plain(rng=1)
    net.fit(X, Y, epochs=1, progress=False, optimizer={"name": "lookahead", "optimizer": "sgd"})
    assert net.has_evaluation
    net.copy_weights(source)
    assert net.n_steps == 0
    np.testing.assert_array_equal(net.predict(X), source.predict(X))
    net.fit(X, Y, epochs=1, progress=False)
    assert abs(net.parameters - source.parameters).max() < 1


def test_in_a_callback() -> None:
    net, target = plain(), plain(rng=1)
    net.fit(X, Y, epochs=1, progress=False, callbacks=[lambda training: target.copy_weights(training.network)])
    np.testing.assert_array_equal(net.parameters, target.parameters)
    lookahead = {"name": "lookahead", "optimizer": "sgd"}
    with pytest.raises(BusyError, match="holds parameters"):
        net.fit(X, Y, epochs=1, progress=False, optimizer=lookahead, callbacks=[lambda training: training.network.copy_weights(target)])
