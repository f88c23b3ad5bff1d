"""Networks whose loss, optimizer or schedule class is missing predict, name it in errors, and keep its data when saved."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import registering
from network.files import network_in, parts
from network.years import X, Y, plugin, trained

import nncore as nn
from nncore import registry
from nncore.errors import MissingPluginError, PluginError, PluginWarning, UnknownComponentError
from nncore.inspection import file_info
from nncore.network.document import NESTED

INSTALL = r"no plugin nncore-years is installed; the file was saved with nncore-years 1\.0: pip install nncore-years==1\.0"


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, nn.Sequential]:
    """A file of a network with nncore-years, which is no longer installed; and the network."""
    with plugin(tmp_path / "site", "1.0"):
        network = trained()
        network.save(tmp_path / "net.nncore")
    return tmp_path / "net.nncore", network


@pytest.fixture
def loaded(saved: tuple[Path, nn.Sequential]) -> nn.Sequential:
    with pytest.warns(PluginWarning, match=INSTALL) as caught:
        network = nn.load(saved[0])
    assert len(caught) == len(NESTED)
    assert caught[0].filename == __file__
    return network


def description(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = network_in(parts(path.read_bytes())[0])
    return found


def test_the_file_says_who_provides_what(saved: tuple[Path, nn.Sequential]) -> None:
    own, years = {"plugin": "nncore-ml", "version": nn.__version__}, {"plugin": "nncore-years", "version": "1.0"}
    assert description(saved[0])["components"] == {
        "activations": {"softmax": own, "tanh": own},
        "layers": {"dense": own},
        "losses": {"nncore-years/soft": years},
        "optimizers": {"nncore-years/old": years},
        "schedules": {"nncore-years/slow": years},
    }


def test_it_predicts(saved: tuple[Path, nn.Sequential], loaded: nn.Sequential) -> None:
    network = saved[1]
    np.testing.assert_array_equal(loaded.predict(X), network.predict(X))
    np.testing.assert_array_equal(loaded.predict_proba(X), network.predict_proba(X))
    assert loaded.predict_proba(X).sum() == pytest.approx(len(X), rel=1e-5)
    np.testing.assert_array_equal(loaded.predict_one(X[0]), network.predict_one(X[0]))


NEEDS = {
    "fit": lambda net: net.fit(X, Y, epochs=1, progress=False),
    "fit with an optimizer": lambda net: net.fit(X, Y, optimizer="sgd", epochs=1, progress=False),
    "fit with a loss": lambda net: net.fit(X, Y, loss="softmax_cross_entropy", epochs=1, progress=False),
    "train_on_batch": lambda net: net.train_on_batch(X, Y),
    "evaluate": lambda net: net.evaluate(X, Y),
}


@pytest.mark.parametrize("what", NEEDS)
def test_what_needs_it_names_plugin_version_and_command(loaded: nn.Sequential, what: str) -> None:
    before = loaded.parameters.copy()
    with pytest.raises(MissingPluginError, match=f"can predict, but not .*{INSTALL}"):
        NEEDS[what](loaded)
    assert set(loaded.absent) == set(NESTED)
    np.testing.assert_array_equal(loaded.parameters, before)


def test_the_error_is_one_of_a_plugin_and_of_a_name() -> None:
    assert issubclass(MissingPluginError, PluginError)
    assert issubclass(MissingPluginError, UnknownComponentError)


def test_others_may_take_its_place(loaded: nn.Sequential) -> None:
    loaded.fit(X, Y, loss="softmax_cross_entropy", optimizer="sgd", epochs=1, progress=False)
    assert loaded.absent == {}
    assert (loaded.n_steps, loaded.schedule) == (1, None)
    assert loaded.link == "softmax"


def test_building_again_forgets_it(loaded: nn.Sequential) -> None:
    loaded.build(3, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    assert loaded.absent == {}


@pytest.mark.parametrize("what", NESTED)
def test_one_of_three_is_absent(tmp_path: Path, what: str) -> None:
    others = {"loss": "softmax_cross_entropy", "optimizer": "momentum", "schedule": "cosine"}
    with plugin(tmp_path / "site", "1.0"):
        trained(**{name: other for name, other in others.items() if name != what}).save(tmp_path / "net.nncore")
    with pytest.warns(PluginWarning, match=INSTALL):
        net = nn.load(tmp_path / "net.nncore")
    assert set(net.absent) == {what}
    assert [name for name in NESTED if getattr(net, name) is None] == [what]
    with pytest.raises(MissingPluginError, match=INSTALL):
        net.fit(X, Y, epochs=1, progress=False)
    net.fit(X, Y, **{what: others[what]}, epochs=1, progress=False)  # type: ignore[arg-type]
    assert net.absent == {}


def test_the_same_optimizer_given_again_does_not_drop_the_schedule(tmp_path: Path) -> None:
    with plugin(tmp_path / "site", "1.0"):
        trained(loss="softmax_cross_entropy", optimizer="momentum").save(tmp_path / "net.nncore")
    with pytest.warns(PluginWarning):
        net = nn.load(tmp_path / "net.nncore")
    with pytest.raises(MissingPluginError, match="the schedule 'nncore-years/slow' is missing"):
        net.fit(X, Y, optimizer="momentum", epochs=1, progress=False)


@pytest.mark.parametrize(
    "copied", [lambda net: net, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["itself", "copy", "pickle"]
)
def test_saved_again_nothing_is_lost(saved: tuple[Path, nn.Sequential], loaded: nn.Sequential, tmp_path: Path, copied: Any) -> None:
    copied(loaded).save(tmp_path / "again.nncore")
    assert parts((tmp_path / "again.nncore").read_bytes()) == parts(saved[0].read_bytes())
    with plugin(tmp_path / "later", "1.0"):
        again = nn.load(tmp_path / "again.nncore")
        assert again.absent == {}
        original = nn.load(saved[0])
        for net in (again, original):
            net.fit(X, Y, epochs=1, batch_size=20, progress=False)
        np.testing.assert_array_equal(again.parameters, original.parameters)
        np.testing.assert_equal(again.optimizer_state, original.optimizer_state)


def test_it_is_described_and_shown(loaded: nn.Sequential) -> None:
    described = loaded.describe()
    assert described["optimizer"] == {"rung": "absent", "name": "nncore-years/old", "lr": 0.1, "speed": 0.5, "inner": None}
    assert json.dumps(described)
    assert loaded.summary()


@pytest.mark.parametrize(
    ("policy", "words"),
    [({"disabled": ["nncore-years"]}, r"plugin nncore-years is blocked .*nncore-years 1\.0: allow it"), ({}, "")],
    ids=["blocked", "allowed"],
)
def test_a_plugin_that_is_blocked(saved: tuple[Path, nn.Sequential], tmp_path: Path, policy: dict[str, Any], words: str) -> None:
    with plugin(tmp_path / "blocked", "1.0"):
        registry.reload(**policy)
        if words:
            with pytest.warns(PluginWarning, match=words):
                nn.load(saved[0])
        else:
            assert nn.load(saved[0]).absent == {}


def test_an_activation_named_by_an_argument_is_needed(tmp_path: Path) -> None:
    with plugin(tmp_path / "site", "1.0"):
        nn.Sequential(nn.Dense(4, activation="curve"), nn.Dense(2)).build(3, rng=0).save(tmp_path / "net.nncore")
    with pytest.raises(MissingPluginError, match=f"the activation 'nncore-years/curve' is missing: {INSTALL}"):
        nn.load(tmp_path / "net.nncore")


# ---- an optimizer of a parameter group ---------------------------------------------------------------------------------------


@pytest.fixture
def grouped(tmp_path: Path) -> tuple[Path, nn.Sequential]:
    """A file of a network whose biases an optimizer of nncore-years trained, which is no longer installed; and the network."""
    with plugin(tmp_path / "site", "1.0"):
        net = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
        groups = {"*.bias": {"optimizer": {"name": "old", "lr": 0.2}, "lr_factor": 0.5}, "dense_1.weight": {"momentum": 0.5}}
        net.fit(X, Y, loss="softmax_cross_entropy", optimizer="momentum", groups=groups, epochs=2, batch_size=20, rng=0, progress=False)
        net.save(tmp_path / "net.nncore")
    return tmp_path / "net.nncore", net


def test_a_file_names_the_optimizers_of_groups(grouped: tuple[Path, nn.Sequential]) -> None:
    own, years = {"plugin": "nncore-ml", "version": nn.__version__}, {"plugin": "nncore-years", "version": "1.0"}
    described = description(grouped[0])
    assert described["components"]["optimizers"] == {"momentum": own, "nncore-years/old": years}
    assert described["groups"]["*.bias"]["optimizer"]["name"] == "nncore-years/old"


def test_without_the_optimizer_of_a_group_it_predicts_and_asks_for_groups(grouped: tuple[Path, nn.Sequential], tmp_path: Path) -> None:
    path, network = grouped
    with pytest.warns(PluginWarning, match=INSTALL) as caught:
        net = nn.load(path)
    assert len(caught) == 1
    assert set(net.absent) == {"groups"}
    np.testing.assert_array_equal(net.predict(X), network.predict(X))
    assert net.describe()["groups"]["dense_1.weight"] == {"momentum": 0.5}
    for attempt in (lambda: net.fit(X, Y, epochs=1, progress=False), lambda: net.train_on_batch(X, Y)):
        with pytest.raises(MissingPluginError, match=f"can predict, but not .*{INSTALL}.* or give fit other groups, groups="):
            attempt()
    for copied in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        copied.save(tmp_path / "again.nncore")
        assert parts((tmp_path / "again.nncore").read_bytes()) == parts(path.read_bytes())
    net.fit(X, Y, groups={}, epochs=1, batch_size=20, progress=False)
    assert net.absent == {}
    assert net.n_steps == 2


def test_a_reset_lets_the_state_of_absent_optimizers_go(grouped: tuple[Path, nn.Sequential], tmp_path: Path) -> None:
    with pytest.warns(PluginWarning, match=INSTALL):
        net = nn.load(grouped[0])
    net.reset_optimizer()
    net.save(tmp_path / "small.nncore")
    assert description(tmp_path / "small.nncore")["groups"]["*.bias"]["optimizer"]["name"] == "nncore-years/old"
    assert not file_info(tmp_path / "small.nncore").networks[0].has_optimizer_state
    with plugin(tmp_path / "later", "1.0"):
        nn.load(tmp_path / "small.nncore").fit(X, Y, epochs=1, batch_size=20, progress=False)


def test_with_the_optimizer_of_a_group_it_goes_on(grouped: tuple[Path, nn.Sequential], tmp_path: Path) -> None:
    path, network = grouped
    with plugin(tmp_path / "later", "1.0"):
        again = nn.load(path)
        for net in (again, network):
            net.fit(X, Y, epochs=1, batch_size=20, progress=False)
        np.testing.assert_array_equal(again.parameters, network.parameters)
        np.testing.assert_equal(again.optimizer_state, network.optimizer_state)


def test_an_optimizer_of_a_group_is_upgraded(grouped: tuple[Path, nn.Sequential], tmp_path: Path) -> None:
    with plugin(tmp_path / "later", "2.0"):
        assert nn.load(grouped[0]).groups["*.bias"]["optimizer"].rate == 0.5


# ---- registered at run time -------------------------------------------------------------------------------------------------


def registered_network(folder: Path) -> Path:
    for kind, cls in registering.CLASSES.items():
        nn.register(kind, cls)
    net = nn.Sequential(nn.Dense(4, activation="my_square"), "my_layer", nn.Dense(1))
    net.fit(X, X[:, :1], loss="my_loss", optimizer="my_descent", schedule="my_schedule", epochs=2, rng=0, progress=False)
    net.save(folder / "net.nncore")
    with registering.forgetting():
        return folder / "net.nncore"


GIVEN = {
    "my_layer": registering.MyLayer, "my_square": registering.MySquare, "my_loss": registering.MyLoss, "my_descent": registering.MyDescent,
    "my_schedule": registering.MySchedule,
}  # fmt: skip


def test_a_file_marks_what_was_registered_and_names_no_module(tmp_path: Path) -> None:
    path = registered_network(tmp_path)
    assert b"registering" not in path.read_bytes()
    found = description(path)
    assert (found["layers"][1]["name"], found["optimizer"]["name"]) == ("my_layer", "my_descent")
    for kind in ("layers", "activations", "losses", "optimizers", "schedules"):
        own = {name: provider for name, provider in found["components"][kind].items() if name.startswith("my_")}
        assert list(own.values()) == [{"registered": "at run time"}], kind


def test_classes_given_for_a_load_are_known_to_it_alone(tmp_path: Path) -> None:
    path = registered_network(tmp_path)
    net = nn.load(path, components=GIVEN)
    assert net.absent == {}
    assert type(net.optimizer) is registering.MyDescent
    assert "my_descent" not in nn.names("optimizers")
    net.fit(X, X[:, :1], epochs=1, progress=False)
    assert net.summary()
    net.save(tmp_path / "again.nncore")  # under their original names
    again = nn.load(tmp_path / "again.nncore", components=GIVEN)
    np.testing.assert_array_equal(again.predict(X), net.predict(X))


def test_an_earlier_register_supplies_them(tmp_path: Path) -> None:
    path = registered_network(tmp_path)
    for name, cls in GIVEN.items():
        nn.register(next(kind for kind, known in registering.CLASSES.items() if known is cls), cls, name)
    assert nn.load(path).absent == {}


@pytest.mark.parametrize("missing", ["my_layer", "my_square"])
def test_a_missing_one_says_the_two_ways(tmp_path: Path, missing: str) -> None:
    path = registered_network(tmp_path)
    given = {name: cls for name, cls in GIVEN.items() if name != missing}
    with pytest.raises(
        MissingPluginError, match=rf"call nncore\.register\('\w+', YourClass, '{missing}'\).*components={{'{missing}': YourClass}}"
    ):
        nn.load(path, components=given)


@pytest.mark.parametrize("missing", ["my_loss", "my_descent", "my_schedule"])
def test_one_that_only_training_needs_is_warned_about(tmp_path: Path, missing: str) -> None:
    path = registered_network(tmp_path)
    given = {name: cls for name, cls in GIVEN.items() if name != missing}
    with pytest.warns(
        PluginWarning, match=rf"call nncore\.register\('\w+', YourClass, '{missing}'\).*components={{'{missing}': YourClass}}"
    ):
        net = nn.load(path, components=given)
    net.schedule_steps += 1  # the schedule has one step left; after its end it is not needed
    with pytest.raises(MissingPluginError, match=rf"components={{'{missing}': YourClass}}"):
        net.fit(X, X[:, :1], epochs=1, progress=False)


@pytest.mark.parametrize("n_left", [0, 1])
def test_a_schedule_that_is_absent_is_needed_until_its_end(tmp_path: Path, n_left: int) -> None:
    path = registered_network(tmp_path)
    with pytest.warns(PluginWarning, match="my_schedule"):
        net = nn.load(path, components={name: cls for name, cls in GIVEN.items() if name != "my_schedule"})
    net.schedule_steps += n_left
    if n_left:
        with pytest.raises(MissingPluginError, match="the schedule 'my_schedule' was registered at run time"):
            net.fit(X, X[:, :1], epochs=1, progress=False)
        net.schedule_steps -= n_left
    net.save(tmp_path / "again.nncore")
    assert description(tmp_path / "again.nncore")["schedule"]["lr"]["name"] == "my_schedule"
    net.fit(X, X[:, :1], epochs=1, progress=False)
    assert (net.absent, net.schedule) == ({}, None)


def test_a_plugin_of_the_same_name_does_not_take_its_place(tmp_path: Path) -> None:
    nn.register("optimizers", registering.MyDescent, "old")
    net = nn.Sequential(nn.Dense(1)).build(3, optimizer="old", rng=0)
    net.save(tmp_path / "net.nncore")
    nn.unregister("optimizers", "old")
    with plugin(tmp_path / "site", "1.0"), pytest.warns(PluginWarning, match="registered at run time"):
        assert nn.load(tmp_path / "net.nncore").optimizer is None
