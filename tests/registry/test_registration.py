"""Classes registered at run time are found by name, checked like a manifest's entries, and listed as a separate plugin."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import registering
from plugin_fixtures.fake_site import open_site
from registering import CLASSES, MyDescent, MySquare

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError, UnknownComponentError
from nncore.plugin import Optimizer
from nncore.registry import KINDS
from nncore.registry.catalogue import BASES, singular
from nncore.registry.run_time import THIS_PROCESS, snake_case


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


def test_there_is_a_class_of_every_kind() -> None:
    assert tuple(CLASSES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_registered_in_plural_and_singular(kind: str) -> None:
    cls = CLASSES[kind]
    for spelt in (kind, singular(kind)):
        assert nn.register(spelt, cls) is cls
        name = snake_case(cls.__name__)
        for asked in (kind, singular(kind)):
            assert nn.get(asked, name) is cls
            assert name in nn.names(asked)
            assert isinstance(registry.resolve(asked, name), cls)
            assert registry.config_of(asked, cls())["name"] == name
        nn.unregister(spelt, name)
        assert name not in nn.names(kind)
        with pytest.raises(UnknownComponentError, match=f"there is no {singular(kind)} '{name}'"):
            nn.get(kind, name)


@pytest.mark.parametrize(
    ("class_name", "name"),
    [("Yogi", "yogi"), ("YOGI", "yogi"), ("MyYogi", "my_yogi"), ("AdamW2", "adam_w2"), ("CLRSchedule", "clr_schedule")],
)
def test_the_default_name_is_the_class_name_in_snake_case(class_name: str, name: str) -> None:
    assert snake_case(class_name) == name


def test_as_a_decorator() -> None:
    @nn.register("optimizers")
    class Plain(MyDescent):
        pass

    @nn.register("optimizer", name="yogi")
    class Named(MyDescent):
        pass

    assert nn.get("optimizers", "plain") is Plain
    assert nn.get("optimizers", "yogi") is Named
    assert Named(lr=0.5).lr == 0.5
    assert isinstance(copy.deepcopy(Named()), Named)
    with pytest.raises(ParameterError, match="lr must be a number"):
        Named(lr=-1)


def test_a_network_uses_the_name_everywhere() -> None:
    for kind, cls in CLASSES.items():
        nn.register(kind, cls)
    X = np.random.default_rng(0).normal(size=(20, 3))
    net = nn.Sequential(nn.Dense(4, activation="my_square", weight_initializer="my_initializer"), "my_layer", nn.Dense(1))
    names: dict[str, Any] = {"loss": "my_loss", "optimizer": "my_descent", "schedule": "my_schedule"}
    history = net.fit(
        X, X[:, :1], **names, metrics=["my_metric"], callbacks=["my_callback"], epochs=2, rng=0, progress=False, validation=(X, X[:, :1])
    )
    assert "val_my_metric" in history
    assert net.layer_names == ["dense_1", "my_layer_1", "dense_2"]
    assert net.describe()["optimizer"] == {"rung": "numpy", "name": "my_descent", "lr": 0.01}


BAD: list[tuple[str, Any, Any, str]] = [
    ("optimiser", MyDescent, None, "the kinds are layers"),
    ("optimizers", MySquare, None, r"an optimizer must derive from nncore\.plugin\.Optimizer, and the class MySquare does not"),
    ("optimizers", MyDescent(), None, "does not: derive it"),
    ("optimizers", Optimizer, None, "is the base class of optimizers: register a subclass"),
    ("optimizers", "yogi", None, "or name='yogi' in a decorator"),
    ("optimizers", MyDescent, "Yogi", "lower case letters"),
    ("optimizers", MyDescent, "", "lower case letters"),
    ("optimizers", MyDescent, "nncore-lion/lion", "lower case letters"),
    ("optimizers", MyDescent, 3, "lower case letters"),
    ("optimizers", MyDescent, "adam", "the optimizer 'adam' is built in and cannot be replaced: choose another name, name="),
    ("formats", type("Taken", (CLASSES["formats"],), {"suffixes": (".mine", ".nncore")}), None, r"claims \.nncore, which is built in"),
    ("formats", type("Odd", (CLASSES["formats"],), {"suffixes": ".mine"}), None, "must be a tuple of texts"),
]


@pytest.mark.parametrize(("kind", "cls", "name", "words"), BAD, ids=[f"{name}-{words[:20]}" for _, _, name, words in BAD])
def test_what_a_manifest_may_not_say_is_refused(kind: str, cls: Any, name: Any, words: str) -> None:
    before = {kind: nn.names(kind) for kind in KINDS}
    with pytest.raises(ParameterError, match=words):
        nn.register(kind, cls, name)
    assert {kind: nn.names(kind) for kind in KINDS} == before


def cell(lr: float) -> type[Optimizer]:
    """A notebook cell that defines the class again with another default."""

    class Again(MyDescent):
        def __init__(self, lr: float = lr) -> None:
            self.lr = lr

    return Again


def test_a_cell_that_is_run_twice_replaces_its_class() -> None:
    old, new = cell(0.1), cell(0.2)
    nn.register("optimizers", old)
    nn.register("optimizers", old)
    nn.register("optimizers", new)
    assert nn.get("optimizers", "again") is new
    assert registry.config_of("optimizers", old()) == {"name": "again", "lr": 0.1}


def test_another_class_of_the_same_name_is_refused_with_the_remedy() -> None:
    nn.register("optimizers", MyDescent, "yogi")
    with pytest.raises(
        ParameterError, match=r"'yogi' is registered already, as registering:MyDescent.*name=.*nncore\.unregister\('optimizers', 'yogi'\)"
    ):
        nn.register("optimizers", cell(0.1), "yogi")
    assert nn.get("optimizers", "yogi") is MyDescent
    nn.unregister("optimizers", "yogi")
    nn.register("optimizers", cell(0.1), "yogi")


def test_only_what_was_registered_can_be_taken_back() -> None:
    with pytest.raises(ParameterError, match=r"'adam' is of nncore-ml .*: only classes of nncore\.register"):
        nn.unregister("optimizers", "adam")
    with pytest.raises(UnknownComponentError, match="there is no optimizer 'my_descent'"):
        nn.unregister("optimizer", "my_descent")


def test_they_are_a_plugin_of_their_own() -> None:
    before = nn.plugins()
    assert THIS_PROCESS not in [plugin.distribution for plugin in before]
    nn.register("activations", MySquare)
    nn.unregister("activations", "my_square")
    nn.register("optimizers", MyDescent)
    nn.register("activations", MySquare)
    own = nn.plugins()[-1]
    assert repr(own) == "<plugin this process (nn.register): 1 activations, 1 optimizers>"
    assert (own.distribution, own.run_time, own.built_in) == ("this process", True, False)
    assert [component.summary for _, component in own.components] == ["", "w −= lr·g, with a state that counts."]
    assert "this process" in repr(nn.plugins())
    assert nn.get("optimizers", "this process/my_descent") is MyDescent


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    from nncore.cli import main

    nn.register("optimizers", MyDescent)
    assert main(["plugins"]) == 0
    assert "optimizers    my_descent" in capsys.readouterr().out


def test_they_outlive_a_reload() -> None:
    nn.register("optimizers", MyDescent)
    registry.reload()
    assert nn.get("optimizers", "my_descent") is MyDescent


def test_a_plugin_and_a_registration_of_one_name(tmp_path: Path) -> None:
    with open_site(tmp_path) as site:
        site.install("nncore-twin-a")
        registry.reload()
        with pytest.raises(ParameterError, match=r"'tiger' is of the plugin nncore-twin-a 1\.0 and cannot be replaced"):
            nn.register("optimizers", MyDescent, "tiger")
        registry.reload(disabled=["nncore-twin-a"])
        nn.register("optimizers", MyDescent, "tiger")
        registry.reload()  # the plugin is installed later, and has its qualified name
        assert nn.get("optimizers", "tiger") is MyDescent
        assert nn.get("optimizers", "nncore-twin-a/tiger") is not MyDescent
        assert {"tiger", "nncore-twin-a/tiger"} <= set(nn.names("optimizers"))


def test_names_of_a_load_hold_inside_it_alone() -> None:
    with registry.given({"yogi": MyDescent, "square": MySquare}):
        assert nn.get("optimizers", "yogi") is MyDescent
        assert registry.given_kind("square") == "activations"
    assert "yogi" not in nn.names("optimizers")
    assert registry.given_kind("square") is None
    assert registry.config_of("optimizers", MyDescent()) == {"name": "yogi", "lr": 0.01}  # so that the network can be saved again


@pytest.mark.parametrize(
    ("components", "words"),
    [
        ([MyDescent], "must be a dict of classes by name"),
        ({"yogi": MyDescent()}, "must be a class that derives from"),
        ({"yogi": int}, "must be a class that derives from"),
        ({"yogi": Optimizer}, "register a subclass of it"),
        ({"Yogi": MyDescent}, "lower case letters"),
        ({"adam": MyDescent}, "'adam' is built in"),
    ],
    ids=["list", "instance", "int", "base", "name", "built-in"],
)
def test_what_is_given_for_a_load_is_checked(components: Any, words: str) -> None:
    with pytest.raises(ParameterError, match=words), registry.given(components):
        pass


def test_bases_and_singulars_are_one_to_one() -> None:
    assert len({singular(kind) for kind in KINDS} | set(KINDS)) == 2 * len(BASES)
