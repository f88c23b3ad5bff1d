"""``import nncore`` is fast: each name is loaded when it is first used, and plugins at the first look-up."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import pytest
from plugin_fixtures.fake_site import FakeSite

import nncore

HEAVY = ["pluggy", "importlib.metadata", "email", "rich", "matplotlib", "pandas", "sklearn", "safetensors", "scipy"]


def modules_after(*statements: str, path: str = "") -> list[set[str]]:
    """The content of `sys.modules` after each statement, in a fresh interpreter."""
    program = "import sys, json, builtins\nsteps = []\n"
    program += "".join(f"{statement}\nsteps.append(list(sys.modules))\n" for statement in statements)
    program += "print(json.dumps(steps))"
    environment = {**os.environ, "PYTHONPATH": path, "NNCORE_PLUGINS_STRICT": "1"}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return [set(step) for step in json.loads(result.stdout)]


def test_import_brings_neither_plugins_nor_metadata_nor_components():
    before, after = modules_after("import numpy", "import nncore")
    new = after - before
    assert [module for module in HEAVY if module in new] == []
    assert {module for module in new if module.startswith("nncore")} == {"nncore"}


def test_a_component_by_attribute_does_without_a_search_for_plugins():
    before, after = modules_after("import numpy", "import nncore; nncore.Dense(3, activation='relu')")
    assert "nncore.registry" not in after
    assert "importlib.metadata" not in after - before


def test_the_first_look_up_imports_the_one_component(tmp_path):
    site = FakeSite(tmp_path)
    site.install("nncore-good")
    imported, listed, got = modules_after(
        "import nncore", "nncore.names('activations')", "nncore.get('activations', 'relu')", path=str(tmp_path)
    )
    assert "pluggy" not in imported
    assert {"pluggy", "nncore.registry.builtin", "nncore_good"} <= listed
    components = {module for module in got if module.startswith(("nncore.activations.", "nncore.optimizers.", "nncore_good."))}
    assert components == {"nncore.activations.relu"}
    assert not any(module.startswith(("nncore.activations.", "nncore_good.")) for module in listed)


def test_a_prediction_by_a_saved_network_imports_little_else(tmp_path):
    """A prediction by a saved network imports no modules for training, displays or descriptions, so a new process answers quickly."""
    path = tmp_path / "net.nncore"
    nncore.Sequential(nncore.Dense(3, activation="relu"), nncore.Dense(1)).build(2, rng=0).save(path)
    before, after = modules_after("import numpy", f"import nncore; nncore.load({str(path)!r}).predict([[0.0, 1.0]])")
    new = after - before
    folders = ("ensembles", "interchange", "testing", "estimators", "tabular", "cli", "network.many", "network.lbfgs")
    without = ("numpy.random", *(f"nncore.{folder}" for folder in folders))
    assert [module for module in sorted(new) if module.startswith(without)] == []
    assert len([module for module in new if module.startswith("nncore")]) <= 200


def test_two_hundred_other_distributions_are_not_imported(tmp_path):
    site = FakeSite(tmp_path)
    for number in range(200):
        site.write_metadata(f"other-{number}", {f"tool_{number}": f"other_{number}"}, group="console_scripts")
        (tmp_path / f"other_{number}.py").write_text("raise RuntimeError('imported')")
    [after] = modules_after("import nncore; nncore.get('activations', 'relu')", path=str(tmp_path))
    assert not [module for module in after if module.startswith("other_")]


@pytest.mark.parametrize("name", sorted({*nncore.__all__, *nncore._MODULES}))
def test_every_public_name_is_there(name):
    if name == "estimators":
        pytest.importorskip("sklearn")
    assert getattr(nncore, name) is not None
    assert name in dir(nncore)


def test_nothing_else_is_listed():
    assert dir(nncore) == sorted({*nncore.__all__, *nncore._MODULES})


@pytest.mark.parametrize("name", [*(name for name in nncore._MODULES if name != "errors"), "bench", "testing", "training", "typing"])
def test_public_modules_list_their_public_names(name):
    if name == "estimators":
        pytest.importorskip("sklearn")
    module = importlib.import_module(f"nncore.{name}")
    assert dir(module) == sorted(module.__all__)


def test_instances_list_public_names():
    pytest.importorskip("sklearn")
    estimators = [getattr(nncore.estimators, name) for name in nncore.estimators.__all__ if name[0].isupper() and name != "MPNeuron"]
    network = nncore.Sequential(nncore.Dense(3), nncore.Dense(2)).build(2, rng=0)
    others = network.layers[0], nncore.Embedding([3]), nncore.Adam(), nncore.MSE(), nncore.estimators.MPNeuron([1.0])
    for instance in [network, *others, *(estimator() for estimator in estimators)]:
        listed, known = set(dir(instance)), object.__dir__(instance)
        assert not [name for name in listed if name.startswith("_") and not name.startswith("__")], instance
        assert not [name for name in known if name not in listed and not name.startswith("_") and hasattr(instance, name)], instance


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'Optimiser'"):
        nncore.Optimiser  # noqa: B018
