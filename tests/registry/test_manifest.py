"""Reading one manifest: valid and invalid ones, and the error messages."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pluggy
import pytest

from nncore.contract import hookspecs
from nncore.plugin import Component, hookimpl
from nncore.registry.manifest import Rejected, isolated, read

LION = Component("lion", "nncore_lion.lion:Lion")


@pytest.fixture
def manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("nncore")
    manager.add_hookspecs(hookspecs)
    return manager


def manifest(returned: Any = (), *, version: Any = (1, 0), hook: str = "nncore_optimizers", marker: Any = hookimpl) -> ModuleType:
    module = ModuleType("manifest_under_test")

    def implementation(api):
        return list(returned) if isinstance(returned, tuple) else returned

    implementation.__name__ = hook
    setattr(module, hook, marker(implementation))
    if version is not None:
        module.NNCORE_API = version
    return module


def rejection(manager: pluggy.PluginManager, plugin: object, name: str = "nncore-x:plugin") -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(manager, name, plugin)
    return caught.value


def test_collects_components_in_order_with_their_kind(manager):
    other = Component("tiger", "nncore_lion.tiger:Tiger")
    assert read(manager, "nncore-lion:plugin", manifest((other, LION))) == [("optimizers", other), ("optimizers", LION)]
    assert manager.has_plugin("nncore-lion:plugin")


def test_an_empty_list_is_fine(manager):
    assert read(manager, "nncore-x:plugin", manifest(())) == []


def test_hooks_of_other_plugins_are_not_called_again(manager):
    calls = []

    def counting(api):
        calls.append(api)
        return [LION]

    first, second = manifest(), manifest((LION,))
    first.nncore_optimizers = hookimpl(counting)
    counting.__name__ = "nncore_optimizers"
    read(manager, "nncore-a:plugin", first)
    assert read(manager, "nncore-b:plugin", second) == [("optimizers", LION)]
    assert calls == [hookspecs.API]


def test_after_a_rejected_manifest_the_next_one_is_read(manager):
    rejection(manager, manifest(None), "nncore-a:plugin")
    rejection(manager, manifest((LION,), hook="nncore_optimisers"), "nncore-b:plugin")
    assert read(manager, "nncore-good:plugin", manifest((LION,))) == [("optimizers", LION)]


@pytest.mark.parametrize("version", [None, 1, "1.0", (1,), (1, 0, 0), [1, 0], (1, "0"), (True, False), (1.0, 0.0)])
def test_a_version_that_is_missing_or_unreadable(manager, version):
    error = rejection(manager, manifest((LION,), version=version))
    assert error.stage == "version"
    assert "NNCORE_API = (1, 0)" in str(error)


@pytest.mark.parametrize(
    ("version", "remedy"),
    [((0, 9), "upgrade the plugin"), ((0, 0), "upgrade the plugin"), ((1, 1), "upgrade nncore"), ((2, 0), "upgrade nncore")],
)
def test_another_version(manager, version, remedy):
    error = rejection(manager, manifest((LION,), version=version))
    assert error.stage == "version"
    assert "version {}.{}".format(*version) in str(error)
    assert str(error).endswith(remedy)


def test_an_older_minor_version_is_served(manager, monkeypatch):
    monkeypatch.setattr(hookspecs, "API", (1, 3))
    assert read(manager, "nncore-x:plugin", manifest((LION,), version=(1, 2))) == [("optimizers", LION)]


@pytest.mark.parametrize(
    "returned", [None, {}, "lion", LION, [LION, "lion"], [("lion", "nncore_lion:Lion")], 3], ids=lambda value: type(value).__name__
)
def test_rubbish_instead_of_a_list_of_components(manager, returned):
    error = rejection(manager, manifest(returned))
    assert error.stage == "hooks"
    assert "nncore_optimizers must return a list of nncore.plugin.Component" in str(error)


@pytest.mark.parametrize("name", ["", "Lion", "li-on", "a/b", "lion ", "löwe", "lion\n", None, 3])
def test_a_name_that_cannot_be_written(manager, name):
    assert "lower case letters, digits and underscores" in str(rejection(manager, manifest((Component(name, "a.b:C"),))))


@pytest.mark.parametrize("target", ["", "nncore_lion.Lion", ":Lion", "nncore_lion:", "a:b:c", "a..b:C", "a-b:C", "a.b:C()", None, dict])
def test_a_target_that_cannot_be_imported(manager, target):
    assert "'package.module:Class'" in str(rejection(manager, manifest((Component("lion", target),))))


def test_a_raising_hook_is_chained(manager):
    module = manifest()

    @hookimpl
    def nncore_optimizers(api):
        raise RuntimeError("no optimizers today")

    module.nncore_optimizers = nncore_optimizers
    error = rejection(manager, module)
    assert (error.stage, str(error)) == ("hooks", "RuntimeError: no optimizers today")
    assert isinstance(error.__cause__, RuntimeError)


def test_a_misspelt_hook(manager):
    assert "did you mean nncore_optimizers?" in str(rejection(manager, manifest((LION,), hook="nncore_optimisers")))
    assert "the hooks are nncore_layers" in str(rejection(manager, manifest((LION,), hook="quite_different"), "nncore-y:plugin"))


def test_an_optional_hook_of_another_host_is_passed_over(manager):
    optional = pluggy.HookimplMarker("nncore")(optionalhook=True)
    assert read(manager, "nncore-x:plugin", manifest((LION,), hook="nncore_widgets", marker=optional)) == []


def test_a_hook_with_arguments_nobody_passes(manager):
    module = manifest()

    @hookimpl
    def nncore_optimizers(api, extra):
        return [LION]

    module.nncore_optimizers = nncore_optimizers
    error = rejection(manager, module)
    assert error.stage == "hooks"
    assert "extra" in str(error)


def test_a_forgotten_decorator(manager):
    error = rejection(manager, manifest((LION,), marker=lambda function: function))
    assert "nncore_optimizers lacks the decorator nncore.plugin.hookimpl" in str(error)


def test_a_manifest_without_hooks(manager):
    module = ModuleType("empty")
    module.NNCORE_API = (1, 0)
    assert "implements no hook" in str(rejection(manager, module))


def test_an_entry_point_that_names_no_module(manager):
    error = rejection(manager, LION)
    assert error.stage == "import"
    assert "must name a module, not the Component" in str(error)


def test_one_module_under_two_entries(manager):
    module = manifest((LION,))
    read(manager, "nncore-a:plugin", module)
    assert "nncore-a:plugin already has it" in str(rejection(manager, module, "nncore-b:plugin"))
    assert "nncore-a:plugin already has it" in str(rejection(manager, manifest((LION,)), "nncore-a:plugin"))


def test_isolation_stops_everything_but_an_interrupt():
    class Odd(BaseException):
        pass

    def throw(error):
        raise error

    for error in (ValueError("x"), SystemExit(3), GeneratorExit(), Odd("y"), MemoryError()):
        with pytest.raises(Rejected) as caught:
            isolated("import", lambda error=error: throw(error))
        assert caught.value.__cause__ is error
    with pytest.raises(KeyboardInterrupt):
        isolated("import", lambda: throw(KeyboardInterrupt()))
    assert isolated("import", lambda: 3) == 3
