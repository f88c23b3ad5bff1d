"""The table of a network's layers: shapes, parameters, work and memory, as text and as HTML."""

from __future__ import annotations

import re

import numpy as np
import pytest

import nncore as nn
from nncore.network import summary
from nncore.plugin import Layer, LayerCall, Plan


class Tag(Layer):
    """Passes its input on, in NumPy; its argument is any text."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x


def network() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Dense(1000, activation="relu"), nn.BatchNorm(), nn.Dropout(0.1), Tag("<b>&"), nn.Dense(3))


def rows_of(text: str) -> dict[str, list[str]]:
    """Cells of the table by the name of the layer."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("─"))
    rows = [re.split(r" {2,}", line.strip()) for line in lines[start + 1 : lines.index("", start)]]
    return {row[0]: row[1:] for row in rows}


def test_every_layer_with_its_shape_parameters_and_rung():
    net = network().build((4, 5), loss="mse", optimizer="sgd")
    rows = rows_of(net.summary())
    assert list(rows) == net.layer_names
    assert rows["flatten_1"] == ["Flatten()", "20", "0", "-", "0", "nothing to run"]
    assert rows["dense_1"] == ["Dense(n_outputs=1000, activation='relu')", "1000", "21 000", "yes", "42 000", "native"]
    assert rows["batch_norm_1"][2:] == ["2 000", "yes", "4 000", "native"]
    assert rows["dropout_1"][2:] == ["0", "-", "0", "native"]
    assert rows["tag_1"] == ["Tag(text='<b>&')", "1000", "0", "-", "0", "numpy"]
    assert rows["dense_2"][1:] == ["3", "3 003", "yes", "6 003", "native"]


def test_flops_are_counted_as_by_hand():
    net = nn.Sequential(nn.Dense(7, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(3, use_bias=False)).build(5)
    first = 7 * 5 * 2 + 7 + 7  # five multiply-adds for each of seven outputs, a bias, tanh
    norm = 7 * 4  # − μ, / σ, · γ, + β
    last = 3 * 7 * 2
    assert [int(row[4]) for row in rows_of(net.summary()).values()] == [first, norm, 0, last]
    assert f"{first + norm + last} FLOPs to predict a sample (a multiply-add is 2)" in net.summary()
    assert net.describe()["n_flops"] == first + norm + last


def test_looking_up_costs_no_flops():
    front = nn.Embedding(n_categories=[10], n_outputs=[4], columns=[0])
    net = nn.Sequential(front, nn.FillMissing(), nn.Dense(1)).build(3)
    assert net.describe()["n_flops"] == 2 * net.named_parameters()["dense_1.weight"].size + 1


def test_layers_inside_layers_come_before_them_under_their_name():
    block = nn.Residual([nn.Dense(8, activation="relu"), Tag()], activation="relu")
    net = nn.Sequential(block, nn.Concat([[], [nn.Dense(2)]]), nn.Dense(3)).build(8)
    rows = rows_of(net.summary())
    assert list(rows) == ["residual_1.dense_1", "residual_1.tag_1", "residual_1", "concat_1.dense_1", "concat_1", "dense_1"]
    assert rows["residual_1"] == ["Residual: 2 branches added", "8", "0", "-", "16", "native"]  # a sum and a ReLU
    assert rows["concat_1"] == ["Concat: 2 branches side by side", "10", "0", "-", "0", "native"]
    assert rows_of(nn.Sequential(block).summary())["residual_1"][-1] == "numpy"


def test_frozen_tensors():
    net = nn.Sequential(nn.Dense(4), nn.Dense(4), nn.Dense(1)).build(2, loss="mse", optimizer="sgd", rng=0)
    groups = {"dense_1.*": {"frozen": True}, "dense_2.bias": {"frozen": True}}
    net.fit(np.zeros((4, 2)), np.zeros(4), epochs=1, groups=groups, progress=False)
    rows = rows_of(net.summary())
    assert [row[3] for row in rows.values()] == ["frozen", "not bias", "yes"]
    assert "21 are trained, 16 frozen" in net.summary()


def test_long_descriptions_are_cut():
    net = nn.Sequential(Tag("a" * 100)).build(2)
    assert rows_of(net.summary())["tag_1"][0] == f"Tag(text='{'a' * 49}…"


def test_totals_are_those_of_the_network():
    net = network().build((4, 5), loss="mse", optimizer=nn.Adam(lr=0.5))
    text = net.summary()
    n, n_buffers = net.parameters.size, sum(view.size for view in net.named_buffers().values())
    assert sum(int(row[2].replace(" ", "")) for row in rows_of(text).values()) == n
    assert f"{n:,}".replace(",", " ") + " parameters and" in text
    assert f": {(n + n_buffers) * 4 / 1024:.1f} KiB, {(4 * n + n_buffers) * 4 / 1024:.1f} KiB while training" in text
    assert "loss MSE() (native)" in text
    assert "optimizer Adam(lr=0.5) (native)" in text
    assert "trained for 0 steps, 0 epochs" in text
    assert "float32, input 4 × 5" in text


def test_training_is_counted():
    net = nn.Sequential(nn.Dense(1)).build(2, loss="mse", optimizer="sgd", rng=0)
    net.fit(np.zeros((10, 2)), np.zeros(10), epochs=3, batch_size=5, weight_decay=0.5, progress=False)
    assert "trained for 6 steps, 3 epochs" in net.summary()
    assert "weight decay 0.5" in net.summary()
    net.n_steps = net.n_epochs = 1
    assert "trained for 1 step, 1 epoch" in net.summary().splitlines()[-1]


def test_before_the_network_is_built():
    text = network().summary()
    assert text.startswith("Sequential, not built yet")
    assert rows_of(text)["dense_1"] == ["Dense(n_outputs=1000, activation='relu')", *"????", "native"]
    assert "build(n_inputs)" in text


def test_columns_are_aligned():
    lines = network().build((4, 5)).summary().splitlines()
    header = next(line for line in lines if line.startswith("layer"))
    rows = lines[lines.index(header) + 2 : lines.index("", lines.index(header))]
    end = header.index("parameters") + len("parameters")
    for row in rows:
        assert row[end - 1].isdigit()
        assert row[end : end + 2] == "  "
        assert row[header.index("does") - 1] == " " != row[header.index("does")]


def test_a_notebook_shows_a_table_of_the_summary_too():
    formatter = pytest.importorskip("IPython.core.formatters").DisplayFormatter()
    net = network().build((4, 5), loss="mse")
    shown, _ = formatter.format(net.summary())
    assert shown == {"text/plain": net.summary(), "text/html": net._repr_html_()}


def test_html_escapes_what_users_wrote():
    text = network().build((4, 5), loss="mse")._repr_html_()
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text
    assert text.count("<tr>") == 7
    assert text.count("<td") == 6 * 7
    assert "<table>" in network()._repr_html_()


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**20, "1.0 MiB"), (3 * 2**50, "3072.0 TiB")],
)
def test_memory(n_bytes: int, text: str):
    assert summary._memory(n_bytes) == text
