"""Every hook is documented, used by the built-ins and usable by a plugin; hooks are enumerated, so that new ones are covered."""

from __future__ import annotations

import inspect

import pytest
from each import each
from plugin_fixtures.fake_site import open_site

from nncore.contract import hookspecs
from nncore.plugin import Component
from nncore.registry import KINDS, builtin
from nncore.registry.catalogue import BASES, kind_of

HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "nncore_spec")]


def test_the_hooks_are_the_pinned_ones_and_more():
    assert {"nncore_layers", "nncore_activations", "nncore_losses", "nncore_initializers", "nncore_optimizers"} <= set(HOOKS)


def test_every_hook_is_a_kind_with_a_base_class():
    assert [f"nncore_{kind}" for kind in KINDS] == HOOKS
    assert set(BASES) == set(KINDS)


@pytest.mark.parametrize("hook", HOOKS)
def test_documented(hook):
    specification = getattr(hookspecs, hook)
    assert list(inspect.signature(specification).parameters) == ["api"]
    assert f"`nncore.plugin.{BASES[hook.removeprefix('nncore_')].__name__}`" in specification.__doc__


@pytest.mark.parametrize("hook", HOOKS)
def test_the_built_ins_implement_it(hook):
    components = getattr(builtin, hook)(hookspecs.API)
    assert components
    assert all(isinstance(component, Component) and component.summary for component in components)
    assert len({component.name for component in components}) == len(components)


def test_the_built_ins_are_written_for_this_version():
    assert builtin.NNCORE_API == hookspecs.API


@pytest.mark.parametrize("kind", KINDS)
def test_a_third_party_gets_through_it(tmp_path, kind):
    with open_site(tmp_path) as site:
        site.install("nncore-good")
        registry = site.registry()
        ours = [name for name in registry.names(kind) if registry.component(kind, name).plugin.distribution == "nncore-good"]
        assert len(ours) == 1
        instance = registry.resolve(kind, ours[0])
        assert kind_of(type(instance)) == kind
        assert registry.config_of(kind, instance)["name"] == f"nncore-good/{ours[0]}"


@each("kind, name", [(kind, c.name) for kind in KINDS for c in getattr(builtin, f"nncore_{kind}")(hookspecs.API)])
def test_every_built_in_can_be_had(tmp_path, kind, name):
    with open_site(tmp_path) as site:
        registry = site.registry()
        cls = registry.get(kind, name)
        assert inspect.getdoc(cls) != inspect.getdoc(BASES[kind])
        assert registry.qualified_name(kind, cls) == name
