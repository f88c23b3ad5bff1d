"""Display of the list of plugins: a line for each, as text and as HTML."""

from __future__ import annotations

import nncore as nn
from nncore.plugin import Component
from nncore.registry import PluginInfo, PluginProblem
from nncore.registry.plugin_list import PluginList

BROKEN = PluginProblem("nncore-bad", "2.0", "plugin", "import", "ModuleNotFoundError: <nothing> of that name")
SOME = PluginList(
    [
        PluginInfo("nncore-lion", "1.0", "lion", "lion", (("optimizers", Component("lion", "lion:Lion", "sign of a momentum")),)),
        PluginInfo("nncore-bad", "2.0", "plugin", "bad", problem=BROKEN),
        PluginInfo("nncore-off", "3.0", "plugin", "off", blocked=True),
        PluginInfo("nncore-none", "4.0", "plugin", "none"),
    ]
)


def test_a_line_for_each_plugin():
    title, _, header, _, *lines = repr(SOME).splitlines()
    assert title == "4 plugins"
    assert header.split("  ")[0] == "plugin"
    given = [line.split("  ")[-1] for line in lines]
    assert given == [
        "optimizers lion",
        "left out at import: ModuleNotFoundError: <nothing> of that name",
        "blocked (NNCORE_PLUGINS, NNCORE_DISABLE_PLUGINS)",
        "nothing",
    ]


def test_many_components_are_counted():
    [line] = [line for line in repr(nn.plugins()).splitlines() if line.startswith("nncore-ml")]
    assert f"{len(nn.names('layers'))} layers; " in line
    assert "adam" not in line


def test_html_escapes_what_others_wrote():
    text = SOME._repr_html_()
    assert "<nothing>" not in text
    assert "&lt;nothing&gt;" in text
    assert text.count("<tr>") == 5
