"""Looking components up by name: bare, qualified, ambiguous, misspelt, missing."""

from __future__ import annotations

import sys

import pytest
from manifest import classes
from plugin_fixtures.fake_site import open_site

from nncore.activations.relu import ReLU
from nncore.errors import AmbiguousComponentError, MissingExtraError, ParameterError, PluginError, UnknownComponentError
from nncore.plugin import Activation, Optimizer
from nncore.registry import KINDS
from nncore.registry.catalogue import article
from nncore.registry.discovery import Policy


@pytest.fixture
def site(tmp_path):
    with open_site(tmp_path) as site:
        yield site


def unknown(registry, kind, name):
    with pytest.raises(UnknownComponentError) as caught:
        registry.get(kind, name)
    return str(caught.value)


def test_a_built_in_by_its_bare_and_its_qualified_name(site):
    registry = site.registry()
    assert registry.get("activations", "relu") is ReLU
    assert registry.get("activations", "nncore-ml/relu") is ReLU
    assert registry.get("activations", "NNCore_ML/relu") is ReLU


def test_a_plugin_s_component_is_imported_when_it_is_asked_for(site):
    site.install("nncore-good")
    registry = site.registry()
    assert "sign_descent" in registry.names("optimizers")
    assert "nncore_good.components" not in sys.modules
    cls = registry.get("optimizers", "sign_descent")
    assert issubclass(cls, Optimizer)
    assert cls is sys.modules["nncore_good.components"].SignDescent
    assert registry.get("optimizers", "nncore-good/sign_descent") is cls


def test_a_registration_says_where_a_component_comes_from(site):
    site.install("nncore-good")
    registration = site.registry().component("optimizers", "sign_descent")
    assert (registration.plugin.distribution, registration.plugin.version) == ("nncore-good", "1.0")
    assert registration.component.summary == "w −= lr·sign(g)"
    assert registration.qualified_name == "nncore-good/sign_descent"
    assert site.registry().component("optimizers", "adam").qualified_name == "adam"
    assert "nncore_good.components" not in sys.modules


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_sorted_and_each_can_be_looked_up(site, kind):
    site.install("nncore-good", "nncore-impostor", "nncore-twin-a", "nncore-twin-b")
    registry = site.registry()
    names = registry.names(kind)
    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert len({registry.component(kind, name) for name in names}) == len(names)


def test_a_built_in_name_cannot_be_taken_over(site):
    site.install("nncore-impostor")
    registry = site.registry()
    assert registry.get("activations", "relu") is ReLU
    assert registry.get("activations", "nncore-impostor/relu") is sys.modules["nncore_impostor"].Impostor
    assert {"relu", "nncore-impostor/relu", "honest"} <= set(registry.names("activations"))
    assert "nncore-impostor/honest" not in registry.names("activations")
    assert registry.component("activations", "relu").qualified_name == "relu"
    assert registry.component("activations", "nncore-impostor/relu").qualified_name == "nncore-impostor/relu"


def test_the_name_of_a_built_in_is_nothing_wrong_with_a_plugin(site):
    """A plugin's component may have a name that nncore introduces later, without an error."""
    site.install("nncore-impostor")
    registry = site.registry(Policy(strict=True))
    assert registry.problems() == []
    assert all(plugin.problem is None for plugin in registry.plugins())


def test_two_plugins_with_the_name_of_a_built_in(site):
    site.install("nncore-impostor")
    site.write(
        "nncore-second",
        "NNCORE_API = (1, 0)\nfrom nncore.plugin import Activation\nclass Second(Activation): pass\n"
        "@hookimpl\ndef nncore_activations(api): return [Component('relu', 'nncore_second:Second')]",
    )
    registry = site.registry()
    assert registry.problems() == []
    assert registry.get("activations", "relu") is ReLU
    assert registry.get("activations", "nncore-second/relu") is sys.modules["nncore_second"].Second
    assert {"nncore-impostor/relu", "nncore-second/relu"} < set(registry.names("activations"))
    for cls in (sys.modules["nncore_second"].Second, ReLU):
        assert registry.get("activations", registry.qualified_name("activations", cls)) is cls


def test_strict_also_raises_for_a_name_that_is_defined_twice(site):
    hook = "@hookimpl\ndef nncore_optimizers(api): return [Component('tiger', 'a:A'), Component('tiger', 'b:B')]"
    site.write("nncore-double", f"NNCORE_API = (1, 0)\n{hook}")
    with pytest.raises(PluginError, match="defined twice"):
        site.registry(Policy(strict=True))


def test_two_plugins_with_one_name(site):
    site.install("nncore-twin-a", "nncore-twin-b")
    registry = site.registry()
    assert registry.problems() == []
    with pytest.raises(AmbiguousComponentError, match="'nncore-twin-a/tiger' or 'nncore-twin-b/tiger'"):
        registry.get("optimizers", "tiger")
    assert registry.get("optimizers", "nncore-twin-a/tiger") is not registry.get("optimizers", "nncore-twin-b/tiger")
    assert {"nncore-twin-a/tiger", "nncore-twin-b/tiger"} <= set(registry.names("optimizers"))
    assert "tiger" not in registry.names("optimizers")


def test_blocking_one_of_two_makes_the_name_clear(site):
    site.install("nncore-twin-a", "nncore-twin-b")
    registry = site.registry(Policy(disabled=["nncore-twin-a"]))
    assert registry.component("optimizers", "tiger").plugin.distribution == "nncore-twin-b"


def test_a_distribution_that_defines_a_name_twice(site):
    hook = "@hookimpl\ndef nncore_optimizers(api): return [Component('tiger', 'a:A'), Component('tiger', 'b:B')]"
    site.write("nncore-double", f"NNCORE_API = (1, 0)\n{hook}")
    registry = site.registry()
    [problem] = registry.problems()
    assert "the optimizer 'tiger' is defined twice; the first definition counts" in problem.error
    assert registry.component("optimizers", "tiger").component.target == "a:A"


@pytest.mark.parametrize("name", ["Relu", "RELU", "relu7", "rleu", "nncore-lm/relu"])
def test_did_you_mean(site, name):
    message = unknown(site.registry(), "activations", name)
    assert message.startswith(f"there is no activation {name!r}")
    assert "did you mean" in message
    assert "'relu'" in message


def test_did_you_mean_an_ambiguous_or_a_qualified_one(site):
    site.install("nncore-twin-a", "nncore-twin-b")
    assert "'tiger'" in unknown(site.registry(), "optimizers", "tigre")
    assert "'nncore-twin-a/tiger'" in unknown(site.registry(), "optimizers", "nncore-twin-c/tiger")


def test_without_a_near_name_all_are_listed(site):
    message = unknown(site.registry(), "metrics", "zzzzzz")
    assert f"the names are {', '.join(sorted(classes('metrics')))}" in message


def test_a_name_of_another_kind(site):
    assert "'relu' is an activation" in unknown(site.registry(), "optimizers", "relu")
    assert "'adam' is an optimizer" in unknown(site.registry(), "losses", "nncore-ml/adam")


def test_a_failed_plugin_is_named_where_it_may_have_helped(site):
    site.install("nncore-broken")
    expected = "plugin nncore-broken failed to load, it may have provided this: ModuleNotFoundError"
    assert expected in unknown(site.registry(), "optimizers", "tiger")
    assert expected in unknown(site.registry(), "optimizers", "nncore_broken/tiger")
    assert "nncore-broken failed" not in unknown(site.registry(), "optimizers", "nncore-other/tiger")


def test_a_blocked_plugin_is_named_where_it_may_have_helped(site):
    site.install("nncore-good")
    assert "nncore-good is blocked (NNCORE_PLUGINS" in unknown(site.registry(Policy(only=[])), "optimizers", "sign_descent")


def test_a_plugin_that_is_not_installed(site):
    assert "no plugin nncore-lion is installed" in unknown(site.registry(), "optimizers", "NNCore_Lion/lion")


@pytest.mark.parametrize("name", ["", "/", "nncore-ml/", "/relu", "a/b/relu"])
def test_names_that_are_only_punctuation(site, name):
    unknown(site.registry(), "activations", name)


def test_a_kind_that_does_not_exist(site):
    for call in (lambda r: r.get("optimiser", "adam"), lambda r: r.names("optimiser"), lambda r: r.qualified_name("optimiser", ReLU)):
        with pytest.raises(ParameterError, match="the kinds are layers, activations"):
            call(site.registry())


@pytest.mark.parametrize("name", [None, 3, ReLU, ["relu"]])
def test_a_name_that_is_no_string(site, name):
    with pytest.raises(ParameterError, match="must be a string"):
        site.registry().get("activations", name)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('half installed')", "RuntimeError: half installed"),
        ("raise SystemExit(2)", "SystemExit: 2"),
        ("", "AttributeError: module 'nncore_half_component' has no attribute 'Tiger'"),
        ("def Tiger(): pass", "is not a subclass of nncore.plugin.Optimizer"),
        ("from nncore.plugin import Activation\nclass Tiger(Activation): pass", "is not a subclass of nncore.plugin.Optimizer"),
    ],
)
def test_a_target_that_fails_names_the_plugin(site, source, expected):
    hook = "@hookimpl\ndef nncore_optimizers(api): return [Component('tiger', 'nncore_half_component:Tiger')]"
    site.write("nncore-half", f"NNCORE_API = (1, 0)\n{hook}", version="2.3")
    (site.folder / "nncore_half_component.py").write_text(source)
    registry = site.registry()
    with pytest.raises(PluginError, match=r"the optimizer 'nncore-half/tiger' of nncore-half 2\.3") as caught:
        registry.get("optimizers", "tiger")
    assert expected in str(caught.value)


def test_a_missing_optional_library_keeps_its_own_error(site):
    hook = "@hookimpl\ndef nncore_optimizers(api): return [Component('tiger', 'nncore_half_component:Tiger')]"
    site.write("nncore-half", f"NNCORE_API = (1, 0)\n{hook}")
    (site.folder / "nncore_half_component.py").write_text("from nncore.errors import *\nraise MissingExtraError('pip install x')")
    with pytest.raises(MissingExtraError, match="pip install x"):
        site.registry().get("optimizers", "tiger")


def test_a_nested_class_as_target(site):
    site.write(
        "nncore-nested",
        "NNCORE_API = (1, 0)\nfrom nncore.plugin import Optimizer\nclass Zoo:\n    class Tiger(Optimizer): pass\n"
        "@hookimpl\ndef nncore_optimizers(api): return [Component('tiger', 'nncore_nested:Zoo.Tiger')]",
    )
    registry = site.registry()
    cls = registry.get("optimizers", "tiger")
    assert cls.__qualname__ == "Zoo.Tiger"
    assert registry.qualified_name("optimizers", cls) == "nncore-nested/tiger"


def test_the_name_of_a_class(site):
    site.install("nncore-good")
    registry = site.registry()
    assert registry.qualified_name("activations", ReLU) == "relu"
    assert registry.qualified_name("activations", registry.get("activations", "cube")) == "nncore-good/cube"


def test_the_name_of_a_class_that_the_manifest_names_by_a_re_export(site):
    site.install("nncore-good")
    import nncore_good.components

    assert site.registry().qualified_name("optimizers", nncore_good.components.SignDescent) == "nncore-good/sign_descent"


def test_a_class_nobody_registered_has_no_name(site):
    class Mine(ReLU):
        pass

    registry = site.registry()
    for kind, cls in (("activations", Mine), ("activations", Activation), ("optimizers", ReLU)):
        with pytest.raises(UnknownComponentError, match=rf"{cls.__qualname__} is not registered.*hook nncore_{kind}"):
            registry.qualified_name(kind, cls)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("layers", "a layer"),
        ("activations", "an activation"),
        ("losses", "a loss"),
        ("optimizers", "an optimizer"),
        ("initializers", "an initializer"),
    ],
)
def test_articles(kind, words):
    assert article(kind) == words
