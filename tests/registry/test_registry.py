"""Making components from names and descriptions, describing them for files, and the registry of the process."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from plugin_fixtures.fake_site import open_site

from nncore import registry
from nncore.activations.leaky_relu import LeakyReLU
from nncore.activations.relu import ReLU
from nncore.callbacks.early_stopping import EarlyStopping
from nncore.errors import ParameterError, PluginError, PluginWarning, UnknownComponentError
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.plugin import Initializer, Layer


@pytest.fixture
def site(tmp_path):
    with open_site(tmp_path) as site:
        yield site


@pytest.fixture
def good(site):
    """A registry of the built-ins and the plugin nncore-good."""
    site.install("nncore-good")
    return site.registry()


@pytest.fixture
def process(site, monkeypatch):
    """The functions of the module, which discover the packages in `site` at the next look-up."""
    monkeypatch.setattr(registry.registry, "_default", None)
    for name in ("NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS", "NNCORE_PLUGINS_STRICT"):
        monkeypatch.delenv(name, raising=False)
    return site


# ---------------------------------------------------------------- resolve


def test_an_instance_stays_itself(good):
    relu = ReLU()
    assert good.resolve("activations", relu) is relu


def test_an_instance_of_an_unregistered_class_is_as_good(good):
    class Mine(ReLU):
        pass

    assert isinstance(good.resolve("activations", Mine), Mine)


@pytest.mark.parametrize(
    "spec", [LeakyReLU, "leaky_relu", "nncore-ml/leaky_relu", {"name": "leaky_relu"}, {"kind": "activations", "name": "leaky_relu"}]
)
def test_a_class_a_name_or_a_dict_makes_a_new_instance(good, spec):
    made = good.resolve("activations", spec)
    assert type(made) is LeakyReLU
    assert made is not good.resolve("activations", spec)


def test_a_dict_brings_arguments(good):
    assert good.resolve("activations", {"name": "leaky_relu", "slope": 0.25}).slope == 0.25
    assert good.resolve("optimizers", {"name": "sign_descent", "lr": 0.5}).lr == 0.5


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        ("activations", {"name": "leaky_relu", "slop": 1}, "LeakyReLU: got an unexpected keyword argument 'slop'; its arguments are slope"),
        ("activations", {"name": "relu", "slope": 1}, "ReLU: got an unexpected keyword argument 'slope'; it takes no arguments"),
        ("layers", "dense", "Dense: missing a required argument: 'n_outputs'; its arguments are n_outputs, activation"),
        ("layers", Dense, "missing a required argument"),
        ("layers", {"name": "dense", "n_outputs": 0}, "n_outputs must be a whole number"),
        ("optimizers", {"name": "sign_descent", "lr": -1}, r"SignDescent: lr must be a number in \[0, inf\)"),
        ("optimizers", ReLU(), r"got ReLU\(\), which is an activation"),
        ("optimizers", ReLU, "which is an activation"),
        ("optimizers", None, "an optimizer is needed.*got None, of type NoneType"),
        ("optimizers", 3, "of type int"),
        ("optimizers", int, "an optimizer is needed"),
        ("optimizers", np.zeros(2), "of type ndarray"),
        ("optimizers", ["adam"], "of type list"),
        ("optimizers", {}, "one of the names adadelta, adafactor, adagrad"),
        ("optimizers", {"lr": 1}, "of type dict"),
        ("optimizers", {"name": None}, "of type dict"),
        ("optimizers", {"kind": "losses", "name": "adam"}, "of type dict"),
        ("optimiser", "adam", "the kinds are"),
    ],
)
def test_what_does_not_fit_is_explained(good, kind, spec, words):
    with pytest.raises(ParameterError, match=words):
        good.resolve(kind, spec)


@pytest.mark.parametrize("spec", ["adamm", {"name": "adamm"}])
def test_an_unknown_name_is_explained(good, spec):
    with pytest.raises(UnknownComponentError, match="did you mean 'adam'"):
        good.resolve("optimizers", spec)


def test_a_type_error_inside_a_component_is_not_disguised(good):
    class Faulty(Layer):
        def __init__(self):
            len(3)

    with pytest.raises(ParameterError, match=r"Faulty.* cannot be made: TypeError: .* has no len") as caught:
        good.resolve("layers", Faulty)
    assert isinstance(caught.value.__cause__, TypeError)


# ---------------------------------------------------------------- config_of


def round_trip(source, kind, instance):
    return source.resolve(kind, json.loads(json.dumps(source.config_of(kind, instance))))


def test_a_built_in_and_a_plugin_s(good):
    assert good.config_of("activations", ReLU()) == {"name": "relu"}
    assert good.config_of("optimizers", good.resolve("optimizers", {"name": "sign_descent", "lr": 0.5})) == {
        "name": "nncore-good/sign_descent",
        "lr": 0.5,
    }
    stopping = EarlyStopping(patience=3, monitor="loss")
    assert good.config_of("callbacks", stopping)["patience"] == 3
    assert round_trip(good, "callbacks", stopping).config() == stopping.config()


def test_components_inside_components(good):
    layer = Dense(
        3,
        activation=LeakyReLU(0.25),
        weight_initializer=good.get("initializers", "ones"),
        bias_initializer=good.resolve("initializers", "ones"),
    )
    described = good.config_of("layers", layer)
    assert described["activation"] == {"kind": "activations", "name": "leaky_relu", "slope": 0.25}
    assert described["bias_initializer"] == described["weight_initializer"] == {"kind": "initializers", "name": "nncore-good/ones"}
    again = round_trip(good, "layers", layer)
    assert isinstance(again.activation, LeakyReLU)
    assert again.activation.slope == 0.25
    assert isinstance(again.bias_initializer, Initializer)
    assert good.config_of("layers", again) == described


def test_components_in_lists_and_deeper(good):
    doubling = good.get("layers", "doubling")
    layer = doubling([doubling(Dense(2, activation=LeakyReLU(0.5))), Dropout(0.25)])
    again = round_trip(good, "layers", layer)
    assert again.inner[0].inner.activation.slope == 0.5
    assert again.inner[1].rate == 0.25


def test_numpy_values_become_plain_ones(good):
    doubling = good.get("layers", "doubling")
    values = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": np.arange(4.0).reshape(2, 2),
        "d": (1, None, True),
        "e": np.bool_(True),
        "f": np.array(2),
    }
    described = good.config_of("layers", doubling(values))["inner"]
    assert described == {"a": 0.5, "b": 3, "c": [[0.0, 1.0], [2.0, 3.0]], "d": [1, None, True], "e": True, "f": 2}
    assert [type(described[key]) for key in "abe"] == [float, int, bool]


@pytest.fixture(scope="module")
def doubling(tmp_path_factory):
    """A registry, and a layer of it that takes any argument."""
    with open_site(tmp_path_factory.mktemp("site")) as site:
        site.install("nncore-good")
        source = site.registry()
        cls = source.get("layers", "doubling")
    return source, cls


KEYS = st.text().filter(lambda key: key != "kind")
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@settings(max_examples=50)
@given(st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10))
def test_json_values_come_back_as_they_were(doubling, value):
    source, cls = doubling
    assert round_trip(source, "layers", cls(value)).inner == value


UNWRITABLE = {
    "function": print, "keys": {1: 2}, "set": {3}, "object": object(), "complex": 1j, "complex array": np.array([1j]),
    "text array": np.array(["a"]), "bytes": b"bytes", "list of functions": [lambda: 0],
}  # fmt: skip


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_what_json_cannot_hold_is_refused(good, value):
    with pytest.raises(ParameterError, match=r"Doubling\.inner = .* cannot be written to a file"):
        good.config_of("layers", good.get("layers", "doubling")(value))


def test_an_unregistered_component_cannot_be_described(good):
    class Mine(ReLU):
        pass

    with pytest.raises(UnknownComponentError, match="not registered"):
        good.config_of("activations", Mine())
    with pytest.raises(UnknownComponentError, match="not registered"):
        good.config_of("layers", Dense(3, activation=Mine()))


@pytest.mark.parametrize("argument", ["layer_name", "kind"])
def test_an_argument_that_would_hide_the_name(site, argument):
    site.write(
        "nncore-hiding",
        f"""
from nncore.plugin import Layer

NNCORE_API = (1, 0)

class Hiding(Layer):
    def __init__(self, {argument}="x"):
        self.{argument} = {argument}

@hookimpl
def nncore_layers(api):
    return [Component("hiding", "nncore_hiding:Hiding")]
""",
    )
    source = site.registry()
    with pytest.raises(PluginError, match=f"an argument called '{argument}'"):
        source.config_of("layers", source.resolve("layers", "hiding"))


# ---------------------------------------------------------------- the registry of the process


def test_the_functions_use_what_is_installed(process):
    process.install("nncore-good")
    assert "sign_descent" in registry.names("optimizers")
    assert registry.get("activations", "relu") is ReLU
    assert registry.resolve("optimizers", "sign_descent").lr == 0.01
    assert registry.component("optimizers", "sign_descent").plugin.distribution == "nncore-good"
    assert registry.qualified_name("activations", ReLU) == "relu"
    assert registry.config_of("activations", ReLU()) == {"name": "relu"}
    assert "nncore-good" in [plugin.distribution for plugin in registry.plugins()]
    assert [problem for problem in registry.problems() if problem.distribution == "nncore-good"] == []


def test_a_broken_plugin_is_warned_about_once(process):
    process.install("nncore-broken")
    with pytest.warns(PluginWarning, match="plugin nncore-broken 1.0.*nncore_library_that_is_not_there") as caught:
        registry.names("optimizers")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "adam" in registry.names("optimizers")
    assert [problem.distribution for problem in registry.problems()] == ["nncore-broken"]


@pytest.mark.parametrize("variable", ["NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS"])
def test_a_misspelt_name_in_the_environment_is_warned_about(process, monkeypatch, variable):
    process.install("nncore-good")
    monkeypatch.setenv(variable, "nncore-gooood")
    with pytest.warns(PluginWarning, match="nncore-gooood.*not installed; did you mean 'nncore-good'"):
        registry.names("optimizers")


def test_warnings_as_errors_do_not_cost_the_registry(process):
    process.install("nncore-broken")
    with pytest.raises(PluginWarning):
        registry.names("optimizers")
    assert "adam" in registry.names("optimizers")


def test_strict_by_environment(process, monkeypatch):
    process.install("nncore-broken")
    monkeypatch.setenv("NNCORE_PLUGINS_STRICT", "1")
    for _ in range(2):
        with pytest.raises(PluginError, match="nncore-broken") as caught:
            registry.names("optimizers")
        assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_reload_finds_what_was_installed_meanwhile_and_chooses(process):
    assert "sign_descent" not in registry.names("optimizers")
    process.install("nncore-good", "nncore-twin-a")
    assert "sign_descent" not in registry.names("optimizers")
    registry.reload()
    assert {"sign_descent", "tiger"} <= set(registry.names("optimizers"))
    registry.reload(disabled=["nncore-good"])
    assert "sign_descent" not in registry.names("optimizers")
    registry.reload(only=["nncore-good"])
    assert "sign_descent" in registry.names("optimizers")
    assert "tiger" not in registry.names("optimizers")


def test_a_manifest_that_looks_up_components_is_refused_and_does_not_hang(process):
    process.write("nncore-eager", "import nncore\nnncore.get('activations', 'relu')")
    with pytest.warns(PluginWarning, match="nncore-eager.*look it up where it is used"):
        assert registry.get("activations", "relu") is ReLU


def test_many_threads_discover_once(process, monkeypatch):
    made = []

    class Counting(registry.Registry):
        def __init__(self, *args, **kwargs):
            made.append(self)
            time.sleep(0.02)  # enough time for every thread to arrive
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(registry.registry, "Registry", Counting)
    barrier, results = threading.Barrier(8), []

    def look_up():
        barrier.wait()
        results.append(registry.get("activations", "relu"))

    threads = [threading.Thread(target=look_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [ReLU] * 8
    assert len(made) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_discovers(process):
    """In a fork, the child inherits a lock that no thread will release; its own look-up must not wait for it."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with registry.registry._lock:
            held.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = multiprocessing.get_context("fork").Process(target=registry.get, args=("activations", "relu"))
    try:
        child.start()
        child.join(timeout=30)
        assert child.exitcode == 0
    finally:
        child.kill()
        release.set()
        holder.join()
