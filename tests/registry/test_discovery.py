"""Discovery of plugins among the installed distributions; faulty ones do not affect others."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from plugin_fixtures.fake_site import FakeSite, open_site

import nncore
from nncore.errors import PluginError, ShadowedInstallError
from nncore.registry import DISTRIBUTION, KINDS, PluginInfo, check_install
from nncore.registry.discovery import Policy, discover, normalised

BAD = {
    "nncore-broken": ("import", "ModuleNotFoundError: No module named 'nncore_library_that_is_not_there'"),
    "nncore-exits": ("import", "SystemExit: usage: nncore-exits FILE"),
    "nncore-outdated": ("version", "written for version 0.9"),
    "nncore-unversioned": ("version", "NNCORE_API = (1, 0)"),
    "nncore-raising": ("hooks", "RuntimeError: no optimizers today"),
    "nncore-rubbish": ("hooks", "must return a list of nncore.plugin.Component"),
    "nncore-misspelt": ("hooks", "did you mean nncore_optimizers?"),
}


@pytest.fixture
def site(tmp_path):
    with open_site(tmp_path) as site:
        yield site


def found(site: FakeSite, policy: Policy | None = None) -> dict[str, PluginInfo]:
    return {plugin.distribution: plugin for plugin in discover(site.entry_points(), policy or Policy())}


def test_the_built_ins_come_through_the_same_door_and_first(site):
    site.install("nncore-good")
    built_in, good = discover(site.entry_points(), Policy())
    assert (built_in.distribution, built_in.entry, built_in.module) == (DISTRIBUTION, "builtin", "nncore.registry.builtin")
    assert built_in.built_in
    assert built_in.version == importlib.metadata.version(DISTRIBUTION)
    assert (good.distribution, good.version, good.entry, good.module) == ("nncore-good", "1.0", "plugin", "nncore_good")
    assert not good.built_in
    assert good.problem is None
    assert [(kind, component.name) for kind, component in good.components if kind == "optimizers"] == [("optimizers", "sign_descent")]


def test_a_plugin_is_shown_in_a_line(site):
    site.install("nncore-good", "nncore-broken")
    plugins = found(site)
    assert repr(plugins[DISTRIBUTION]).startswith(f"<plugin nncore-ml {nncore.__version__} (builtin): ")
    assert f" {len([k for k, _ in plugins[DISTRIBUTION].components if k == 'optimizers'])} optimizers" in repr(plugins[DISTRIBUTION])
    assert repr(plugins["nncore-good"]).startswith("<plugin nncore-good 1.0 (plugin): 1 ")
    assert repr(plugins["nncore-broken"]) == "<plugin nncore-broken 1.0 (plugin): has a problem>"
    assert "nncore-good 1.0 (plugin): blocked>" in repr(found(site, Policy(disabled=["nncore-good"]))["nncore-good"])


def test_no_component_is_imported(site):
    site.install("nncore-good")
    discover(site.entry_points(), Policy())
    assert "nncore_good" in sys.modules
    assert "nncore_good.components" not in sys.modules


@pytest.mark.parametrize("distribution", BAD)
def test_a_bad_plugin_is_described_and_left_out(site, distribution):
    site.install(distribution, "nncore-good")
    plugins = found(site)
    stage, error = BAD[distribution]
    bad = plugins[distribution]
    assert bad.problem.stage == stage
    assert error in bad.problem.error
    assert f"plugin {distribution} 1.0 (plugin), {stage}: " in str(bad.problem)
    assert bad.components == ()
    assert plugins["nncore-good"].problem is None
    assert plugins[DISTRIBUTION].components


def test_all_bad_plugins_at_once_leave_the_good_one_alone(site):
    site.install(*BAD, "nncore-good")
    plugins = found(site)
    assert {name for name, plugin in plugins.items() if plugin.problem} == BAD.keys()
    assert {kind for kind, _ in plugins["nncore-good"].components} == set(KINDS)


@pytest.mark.parametrize("distribution", BAD)
def test_strict_raises_and_chains(site, distribution):
    site.install(distribution)
    with pytest.raises(PluginError, match=distribution) as caught:
        discover(site.entry_points(), Policy(strict=True))
    assert BAD[distribution][1] in str(caught.value)
    assert caught.value.__cause__ is not None


def test_an_interrupt_during_an_import_is_not_swallowed(site):
    site.write("nncore-interrupted", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover(site.entry_points(), Policy())


def test_the_time_of_an_import_is_reported(site):
    site.install("nncore-slow")
    assert found(site)["nncore-slow"].seconds >= 0.05


def test_a_failed_import_is_timed_too(site):
    site.write("nncore-late", "import time\ntime.sleep(0.02)\nraise ImportError")
    assert found(site)["nncore-late"].seconds >= 0.02


def test_blocked_plugins_are_listed_but_not_imported(site):
    site.install("nncore-good", "nncore-exits")
    plugins = found(site, Policy(disabled=["NNCore_Good", "nncore-exits"]))
    for name in ("nncore-good", "nncore-exits"):
        assert plugins[name].blocked
        assert plugins[name].problem is None
        assert plugins[name].components == ()
    assert not {"nncore_good", "nncore_exits"} & sys.modules.keys()


def test_only_the_allowed_ones_load_and_the_built_ins_always(site):
    site.install("nncore-good", "nncore-twin-a", "nncore-twin-b")
    plugins = found(site, Policy(only=["nncore.good", "nncore-twin-a"], disabled=["nncore-twin-a", DISTRIBUTION]))
    assert {name for name, plugin in plugins.items() if plugin.blocked} == {"nncore-twin-a", "nncore-twin-b"}
    assert plugins[DISTRIBUTION].components
    assert [plugin.distribution for plugin in discover(site.entry_points(), Policy(only=[])) if not plugin.blocked] == [DISTRIBUTION]


def test_an_allowed_plugin_that_is_not_installed_is_reported(site):
    site.install("nncore-good")
    missing = found(site, Policy(only=["nncore-good", "Nncore_Godo"]))["nncore-godo"]
    told = "allowed by NNCORE_PLUGINS, but not installed; did you mean 'nncore-good'?"
    assert str(missing.problem) == f"plugin nncore-godo, environment: {told}"
    with pytest.raises(PluginError, match="nncore-godo"):
        discover(site.entry_points(), Policy(only=["nncore-godo"], strict=True))


def test_two_distributions_with_one_entry_name_both_load(site):
    site.install("nncore-twin-a", "nncore-twin-b")
    plugins = found(site)
    assert [plugins[f"nncore-twin-{which}"].entry for which in "ab"] == ["plugin", "plugin"]
    assert all(plugins[f"nncore-twin-{which}"].components for which in "ab")


def test_one_distribution_with_two_entries(site):
    site.install("nncore-good")
    site.install("nncore-twin-a")
    site.write_metadata("nncore-both", {"one": "nncore_good", "two": "nncore_twin_a"}, version="2.1")
    entries = [plugin for plugin in discover(site.entry_points(), Policy()) if plugin.distribution == "nncore-both"]
    assert [(plugin.entry, plugin.version) for plugin in entries] == [("one", "2.1"), ("two", "2.1")]
    # nncore-both comes first in the alphabet, so it gets the modules. The other owner of the same modules gets an error.
    assert all(plugin.components for plugin in entries)
    assert "nncore-both:one already has it" in found(site)["nncore-good"].problem.error


@pytest.mark.parametrize("value", ["no_such_module_at_all", "nncore_good:absent", "not a module", "nncore.plugin:Component"])
def test_an_entry_point_that_leads_nowhere(site, value):
    site.install("nncore-good")
    site.write_metadata("nncore-lost", {"plugin": value})
    assert found(site)["nncore-lost"].problem.stage == "import"


def test_a_distribution_without_metadata_does_not_hide_the_others(site):
    site.install("nncore-good", "nncore-twin-a")
    (site.folder / "nncore_twin_a-1.0.dist-info" / "METADATA").unlink()
    plugins = discover(site.entry_points(), Policy())
    assert "nncore-good" in [plugin.distribution for plugin in plugins if plugin.components]
    assert "nncore_twin_a" in [plugin.module for plugin in plugins]


# Damages of a dist-info folder, and the messages about them.
DAMAGE = {
    "no METADATA": (lambda folder: (folder / "METADATA").unlink(), "reinstall it"),
    "no name": (lambda folder: (folder / "METADATA").write_text("Metadata-Version: 2.1\n"), "METADATA is missing or gives no name"),
    "METADATA not UTF-8": (lambda folder: (folder / "METADATA").write_bytes(b"Name: \xff\xfe\n"), "UnicodeDecodeError"),
    "not UTF-8": (lambda folder: (folder / "entry_points.txt").write_bytes(b"[nncore]\nplugin = \xff\n"), "UnicodeDecodeError"),
    "UTF-16": (lambda folder: (folder / "entry_points.txt").write_text("[nncore]\nplugin = x\n", "utf-16"), "UnicodeDecodeError"),
    "does not parse": (lambda folder: (folder / "entry_points.txt").write_text("[nncore]\nplugin nncore_twin_a\n[\n"), "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_metadata_stop_no_look_up_and_are_told(site, damage, monkeypatch):
    site.install("nncore-good", "nncore-twin-a")
    change, words = DAMAGE[damage]
    folder = site.folder / "nncore_twin_a-1.0.dist-info"
    change(folder)
    importlib.invalidate_caches()
    plugins = {plugin.distribution: plugin for plugin in discover(policy=Policy())}
    assert plugins["nncore-good"].components
    assert plugins[DISTRIBUTION].components
    problem = plugins["nncore-twin-a"].problem
    assert problem.stage == "metadata"
    assert words in problem.error
    assert str(folder) in problem.error
    assert "pip install --force-reinstall --no-deps nncore-twin-a" in problem.error
    with pytest.raises(PluginError, match="nncore-twin-a"):
        discover(policy=Policy(strict=True))


def test_damaged_metadata_of_who_has_nothing_to_do_with_nncore_are_not_told(site):
    site.write_metadata("somebody-else", {"x": "y"}, group="console_scripts")
    (site.folder / "somebody_else-1.0.dist-info" / "METADATA").unlink()
    (site.folder / "leftover-1.0.dist-info").mkdir()
    importlib.invalidate_caches()
    assert [plugin.problem for plugin in discover(policy=Policy()) if plugin.problem] == []


def test_one_module_looks_through_all_distributions():
    """Only one module searches all distributions, since it handles damaged metadata; the hook for frozen programs may fail."""
    package = Path(nncore.__file__).parent
    everything = re.compile(r"\bentry_points\(|metadata\.distributions\(|packages_distributions\(")
    found = [path.relative_to(package).as_posix() for path in package.rglob("*.py") if everything.search(path.read_text(encoding="utf-8"))]
    assert [path for path in found if path not in ("registry/discovery.py", "_pyinstaller/hook-nncore.py")] == []


@pytest.mark.parametrize("spelt", ["nncore-godo", "good", "goood"])
@pytest.mark.parametrize("variable", ["NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS"])
def test_a_misspelt_name_in_the_environment_is_told(site, monkeypatch, variable, spelt):
    site.install("nncore-good")
    monkeypatch.setenv(variable, spelt)
    problem = next(plugin for plugin in discover(site.entry_points()) if plugin.distribution == spelt).problem
    assert problem.stage == "environment"
    assert f"by {variable}, but not installed; did you mean 'nncore-good'?" in problem.error


def test_a_name_that_is_near_nothing_is_told_too(site):
    site.install("nncore-good")
    far = found(site, Policy(disabled=["something-else"]))["something-else"]
    assert str(far.problem) == "plugin something-else, environment: blocked by NNCORE_DISABLE_PLUGINS, but not installed"


def test_an_entry_point_without_a_distribution(site):
    site.install("nncore-good")
    loose = EntryPoint(name="loose", value="nncore_good", group="nncore")
    builtin = [point for point in site.entry_points() if point.value == "nncore.registry.builtin"]
    assert discover([*builtin, loose], Policy())[1].distribution == "unknown"


def test_distribution_names_are_compared_as_pep_503_says():
    assert normalised("NNCore__Lion.Extra-") == "nncore-lion-extra-"
    assert normalised(" a.-_b ") == "a-b"


@pytest.mark.parametrize(
    ("environment", "policy"),
    [
        ({}, Policy(None, [], False)),
        ({"NNCORE_PLUGINS": ""}, Policy([], [], False)),
        ({"NNCORE_PLUGINS": " a, b ,"}, Policy(["a", "b"], [], False)),
        ({"NNCORE_DISABLE_PLUGINS": "a,b"}, Policy(None, ["a", "b"], False)),
        ({"NNCORE_PLUGINS_STRICT": "1"}, Policy(None, [], True)),
        ({"NNCORE_PLUGINS_STRICT": "0"}, Policy(None, [], False)),
        ({"NNCORE_PLUGINS_STRICT": ""}, Policy(None, [], False)),
    ],
)
def test_the_environment(monkeypatch, environment, policy):
    for name in ("NNCORE_PLUGINS", "NNCORE_DISABLE_PLUGINS", "NNCORE_PLUGINS_STRICT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Policy.from_environment() == policy


def test_the_environment_rules_discovery_by_default(site, monkeypatch):
    site.install("nncore-good")
    monkeypatch.setenv("NNCORE_DISABLE_PLUGINS", "nncore-good")
    assert next(plugin for plugin in discover(site.entry_points()) if plugin.distribution == "nncore-good").blocked


def test_this_installation_is_sound():
    check_install([EntryPoint(name="builtin", value="nncore.registry.builtin", group="nncore")])


def test_without_the_distribution_the_remedy_is_given(site):
    site.install("nncore-good")
    others = [point for point in site.entry_points() if point.value != "nncore.registry.builtin"]
    with pytest.raises(PluginError, match="pip install nncore-ml"):
        discover(others, Policy())


def test_another_entry_of_the_own_distribution_does_not_stand_for_the_built_ins():
    with pytest.raises(PluginError, match="not installed"):
        check_install([EntryPoint(name="other", value="nncore.registry.builtin", group="nncore")])


def test_the_other_project_installed_over_this_one(site):
    """PyPI's ``nncore`` and this one in the same site-packages: both own the folder ``nncore``."""
    site.write_metadata("nncore", {}, version="0.2.6")
    builtin = [EntryPoint(name="builtin", value="nncore.registry.builtin", group="nncore")]
    with pytest.raises(ShadowedInstallError, match=r"'nncore' 0\.2\.6.*pip uninstall nncore nncore-ml"):
        check_install(builtin, site.folder / "nncore")
    # Elsewhere on the path it is harmless, since this nncore is the one that was imported.
    check_install(builtin, Path(nncore.__file__).parent)


def test_a_built_in_manifest_that_fails_is_never_left_out(site, monkeypatch):
    monkeypatch.setattr("nncore.registry.builtin.NNCORE_API", (9, 0))
    with pytest.raises(PluginError, match=r"nncore-ml .* written for version 9\.0"):
        discover(site.entry_points(), Policy())


def test_the_other_project_is_looked_for_where_this_package_was_imported_from(monkeypatch):
    class Other:
        metadata = {"Name": "nncore"}
        version = "0.2.6"

        def locate_file(self, path):
            return Path(nncore.__file__).parents[1] / path

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Other())
    with pytest.raises(ShadowedInstallError, match="nncore, over nncore-ml"):
        discover(policy=Policy())
