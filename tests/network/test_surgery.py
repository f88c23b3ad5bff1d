"""Layers are inserted, removed and replaced: remaining layers keep their bits, and invalid changes are refused before any effect."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore.errors import BusyError, MissingPluginError, NotBuiltError, ParameterError, PluginWarning, ShapeError
from nncore.plugin import Callback


def values(net: nn.Sequential) -> dict[str, bytes]:
    return {name: view.tobytes() for name, view in (net.named_parameters() | net.named_buffers()).items()}


def trained(**build: object) -> nn.Sequential:
    net = network(**build)
    fit(net)
    return net


def plain(**build: object) -> nn.Sequential:
    """Three layers, of which two have names."""
    layers = nn.Dense(8, "relu", name="encoder"), nn.Dense(8, "relu"), nn.Dense(2, name="head")
    return nn.Sequential(*layers).build(6, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": 0, **build})


def everything(net: nn.Sequential) -> object:
    """All state that a failed change must not alter."""
    state = {name: view.tobytes() for name, view in net.optimizer_state.items()} if net.optimizer is not None else {}
    said = net.layer_names, repr(net.layers), repr(net.loss), repr(net.optimizer), net.groups, net.n_steps, net.n_epochs, net.seed
    return said, values(net), state


# ---- valid changes ----------------------------------------------------------------------------------------------------------


def test_a_layer_in_the_middle_leaves_all_others_as_they_are() -> None:
    net = trained()
    before, predicted = values(net), net.predict(X)
    assert net.insert(3, nn.Dropout(0.5)) is None
    assert net.layer_names == ["dense_1", "batch_norm_1", "activation_1", "dropout_1", "dropout_2", "dense_2"]
    assert values(net) == before
    np.testing.assert_array_equal(net.predict(X), predicted)
    fit(net)
    assert values(net) != before


@pytest.mark.parametrize("where", [2, -1, "head"])
def test_insert_puts_a_layer_before_another(where: int | str) -> None:
    net = plain()
    before = values(net)
    net.insert(where, nn.Dense(8, "tanh", name="middle"), rng=3)
    assert net.layer_names == ["encoder", "dense_1", "middle", "head"]
    after = values(net)
    assert {name: after[name] for name in before} == before
    assert list(after) == [*list(before)[:4], "middle.weight", "middle.bias", *list(before)[4:]]


def test_append_and_the_end() -> None:
    appended, inserted, made = plain(), plain(), plain()
    appended.append(nn.Dense(3), rng=5)
    inserted.insert(3, nn.Dense(3), rng=5)
    again = nn.Sequential(made, nn.Dense(3)).build(6, rng=5)
    assert values(appended) == values(inserted) == values(again)
    assert appended.output_shape == (3,)
    appended.append("dropout")
    assert appended.layer_names[-1] == "dropout_1"


def test_replace_draws_first_values_for_what_is_new_alone() -> None:
    net, other = plain(), plain()
    before = values(net)
    net.replace("head", nn.Dense(2, name="head"), rng=1)
    other.replace(-1, nn.Dense(2, name="head"), rng=2)
    for name, bits in values(net).items():
        assert (bits == before[name]) == (not name.startswith("head")), name
    assert values(net) != values(other)
    drawn = [plain(), plain()]
    for one in drawn:
        one.replace("head", nn.Dense(2, name="head"))
    assert values(drawn[0]) != values(drawn[1]), "initial values must differ without a seed"


def test_pop_gives_the_layer_which_keeps_its_values() -> None:
    net = plain()
    before = values(net)
    head = net.pop()
    assert (head.name, head.n_outputs, net.output_shape, len(net)) == ("head", 2, (8,), 2)
    np.testing.assert_array_equal(net.predict(X), plain()[:2].predict(X))
    net.append(head)
    assert values(net) == before
    middle = net.pop("dense_1")
    assert values(nn.Sequential(nn.Dense(8), middle).build(6))["dense_2.weight"] == before["dense_1.weight"]


def test_a_layer_that_has_left_is_the_caller_s_own() -> None:
    net = network()
    dropout, block = net.pop(3), nn.Sequential(nn.Residual([nn.Dense(6), nn.Dropout(0.1)]), nn.Dense(2)).build(6)
    dropout.rate = 0.7
    assert (dropout.rate, "Dropout" in repr(net)) == (0.7, False)
    inner = block.pop(0).layers[1]
    inner.rate = 0.9
    assert inner.rate == 0.9
    stayed = net.layers[0]
    stayed.weight_regularizer = nn.L2(0.1)
    assert [rule.tensor.name for rule in net.rules] == ["dense_1.weight"]


def test_layers_that_stay_are_the_same_objects_and_show_their_new_places() -> None:
    net = plain()
    encoder = net.layers[0]
    net.insert(0, nn.Dense(6))
    assert net.layers[1] is encoder
    net.named_parameters()["encoder.weight"][...] = 7
    assert (nn.Sequential(encoder).build(6).named_parameters()["encoder.weight"] == 7).all()


def test_layers_that_come_from_a_network_bring_their_values() -> None:
    source, net = trained(), nn.Sequential(nn.Dense(12), nn.Dense(2)).build(6)
    net.replace(0, source[:2])
    assert net.layer_names == ["dense_1", "batch_norm_1", "dense_2"]
    brought = values(source)
    assert {name: bits for name, bits in values(net).items() if "dense_2" not in name} == {
        name: bits for name, bits in brought.items() if "dense_2" not in name
    }
    net.replace(0, net[0])  # with a copy of itself
    assert values(net)["dense_1.weight"] == brought["dense_1.weight"]


def test_blocks_and_ties_go_on() -> None:
    net = nn.Sequential(
        nn.Dense(6, name="encoder"), nn.Residual([nn.BatchNorm(), nn.Dense(6)]), nn.Dense(6, tied_to="encoder", transposed=True)
    )
    net.build(6, loss="mse", optimizer="sgd", rng=0).fit(X, X, epochs=1, progress=False)
    before, predicted = values(net), net.predict(X)
    net.insert(1, nn.Dropout(0.3))
    assert values(net) == before
    np.testing.assert_array_equal(net.predict(X), predicted)
    with pytest.raises(ParameterError, match="encoder"):
        net.pop("encoder")
    assert values(net) == before


def test_first_values_by_data_look_at_a_batch() -> None:
    net = plain(dtype="float64")
    with pytest.raises(ParameterError, match="batch=X"):
        net.append(nn.Dense(3, weight_initializer="data_dependent"))
    net.append(nn.Dense(3, weight_initializer="data_dependent"), rng=0, batch=X)
    np.testing.assert_allclose(net.predict(X).std(axis=0), 1, rtol=1e-6)


def test_what_is_not_built_yet() -> None:
    net = nn.Sequential(nn.Dense(4), nn.Dense(2))
    net.insert(1, nn.Dropout(0.1))
    net.append(nn.Dense(3))
    net.replace(0, nn.Dense(5))
    assert net.pop("dense_2").n_outputs == 2
    assert not net.is_built
    assert [getattr(layer, "n_outputs", None) for layer in net] == [5, None, 3]
    fresh = nn.Sequential(nn.Dense(5), nn.Dropout(0.1), nn.Dense(3))
    assert values(net.build(4, rng=0)) == values(fresh.build(4, rng=0))


# ---- other state of a network -----------------------------------------------------------------------------------------------


def test_the_optimizer_keeps_its_numbers_and_begins_anew() -> None:
    net = trained()
    net.metadata["who"] = "me"
    net.weight_decay = 0.01
    seed, steps = net.seed, net.n_steps
    assert steps > 0
    net.insert(3, nn.Dropout(0.1))
    assert (net.n_steps, net.n_epochs, net.seed, net.metadata, net.weight_decay) == (0, 3, seed, {"who": "me"}, 0.01)
    assert repr(net.optimizer) == repr(nn.Adam(lr=0.01))
    assert not any(view.any() for view in net.optimizer_state.values())
    net.optimizer.lr = 0.5
    net.loss.label_smoothing = 0.1
    assert (net.optimizer.lr, net.loss.label_smoothing) == (0.5, 0.1)


def test_it_trains_as_a_network_made_like_that() -> None:
    net, seed = trained(), 4
    net.replace(-1, nn.Dense(2), rng=1)
    made = copy.deepcopy(net)
    twin = nn.Sequential(*made.layers).build(6, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), rng=0)
    for one in (net, twin):
        one.seed = seed
        one.n_epochs = 0
        fit(one)
    assert values(net) == values(twin)


def test_an_average_ends_and_its_parameters_stay() -> None:
    net = network()
    fit(net, callbacks=[nn.EMA()])
    predicted = net.predict(X)
    assert net.trajectory is not None
    net.insert(3, nn.Dropout(0.1))
    assert net.trajectory is None
    np.testing.assert_array_equal(net.predict(X), predicted)


def test_a_loss_that_cannot_go_with_the_new_outputs_is_let_go() -> None:
    net = nn.Sequential(nn.Dense(4), nn.Dense(1)).build(6, loss="binary_cross_entropy", optimizer="sgd", rng=0)
    net.append(nn.Dense(1))
    assert repr(net.loss) == repr(registry_loss("binary_cross_entropy"))
    net.append(nn.ActivationLayer("sigmoid"))
    assert net.loss is None
    with pytest.raises(NotBuiltError, match="loss="):
        net.fit(X, Y, epochs=1, progress=False)


def registry_loss(name: str) -> Any:
    return nn.get("losses", name)()


def test_groups_go_on_with_the_same_tensors() -> None:
    net = plain()
    net.groups = {"encoder.*": {"frozen": True}, "*.bias": {"lr_factor": 0.5}}
    net.insert("head", nn.Dropout(0.1))
    assert dict(net.groups) == {"encoder.*": {"frozen": True}, "*.bias": {"lr_factor": 0.5}}
    before = values(net)
    net.fit(X, Y, epochs=1, progress=False)
    assert values(net)["encoder.weight"] == before["encoder.weight"]
    assert values(net)["head.weight"] != before["head.weight"]


def test_files_and_copies_of_what_was_changed(tmp_path: Path) -> None:
    net = trained()
    net.insert(3, nn.Dense(12, "tanh"), rng=0)
    fit(net, epochs=1)
    net.save(tmp_path / "net.nncore")
    twins = nn.load(tmp_path / "net.nncore"), copy.deepcopy(net)
    fit(net, epochs=1)
    for twin in twins:
        fit(twin, epochs=1)
        assert values(twin) == values(net)


# ---- errors -----------------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[nn.Sequential], object], type[Exception], str]] = {
    "an index beyond": (lambda net: net.insert(4, "dropout"), ParameterError, "whole number from -3 to 3, got 4"),
    "no such index": (lambda net: net.replace(3, "dropout"), ParameterError, "whole number from -3 to 2, got 3"),
    "a bool": (lambda net: net.pop(True), ParameterError, "whole number"),
    "no such name": (lambda net: net.pop("dense_7"), ParameterError, "no layer 'dense_7'; there are encoder, dense_1, head"),
    "no layer": (lambda net: net.append(3), Exception, "3"),
    "a name twice": (lambda net: net.append(nn.Dense(2, name="head")), ParameterError, "two layers have the name 'head'"),
    "an object twice": (lambda net: net.append(net[1]), ParameterError, "the same object"),
    "other inputs": (lambda net: net.pop("encoder"), ShapeError, r"dense_1: .* of shape \(8, 8\), but here needs shape \(6, 8\)"),
    "a narrow layer": (lambda net: net.insert(1, nn.Dense(3)), ShapeError, "dense_2: it comes"),
    "data that are missing": (lambda net: net.append(nn.Dense(2, weight_initializer="lsuv")), ParameterError, "batch="),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_before_anything_changes(case: str) -> None:
    change, error, message = REFUSED[case]
    net = plain()
    net.fit(X, Y, epochs=1, progress=False)
    before = everything(net)
    with pytest.raises(error, match=message):
        change(net)
    assert everything(net) == before
    net.fit(X, Y, epochs=1, progress=False)


def test_the_last_layer_stays() -> None:
    net = nn.Sequential(nn.Dense(2)).build(6)
    with pytest.raises(ParameterError, match="the only layer of the network"):
        net.pop()


def test_numbers_in_names_that_groups_go_by() -> None:
    """Groups by numbered names are checked: an insertion renames ``dense_1``, so groups would train another tensor."""
    net = plain()
    net.groups = {"dense_1.*": {"frozen": True}}
    before = everything(net)
    with pytest.raises(ParameterError, match=r"renames dense_1.weight to dense_2.weight, so that groups would train it in another way"):
        net.insert(0, nn.Dense(6))
    net.insert(0, nn.Dense(6, name="first"))
    net.pop("first")
    net.groups = {"head.*": {"lr_factor": 0.1}}
    with pytest.raises(ParameterError, match=r"no tensor is called 'head") as caught:
        net.pop()
    assert "set net.groups first" in "".join(caught.value.__notes__)
    assert everything(net)[1] == before[1]


def test_not_in_a_fit() -> None:
    class Inserting(Callback):
        def on_epoch_end(self, training: Any) -> None:
            training.network.insert(0, nn.Dropout(0.1))

    net = network()
    with pytest.raises(BusyError, match="insert"):
        fit(net, callbacks=[Inserting()])
    assert len(net) == 5


def test_not_while_a_plugin_is_missing(tmp_path: Path) -> None:
    class Slow(nn.SGD):
        pass

    nn.register("optimizers", Slow, "slow_for_surgery")
    try:
        plain(optimizer=Slow()).save(tmp_path / "net.nncore")
    finally:
        nn.unregister("optimizers", "slow_for_surgery")
    with pytest.warns(PluginWarning):
        net = nn.load(tmp_path / "net.nncore")
    assert "optimizer" in net.absent
    with pytest.raises(MissingPluginError, match=r"slow_for_surgery.*nn\.Sequential\(net"):
        net.append("dropout")


def test_what_lists_would_do_says_how() -> None:
    net = plain()
    with pytest.raises(ParameterError, match=r"net\.insert, net\.replace, net\.append or net\.pop"):
        net.layers.append(nn.Dense(2))
    with pytest.raises(AttributeError, match=r"append\(layer\)"):
        net.add(nn.Dense(2))  # type: ignore[attr-defined]
