"""Every family of ensembles makes networks from each of its presets."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.ensembles import FAMILIES, InputColumns
from nncore.ensembles.input_columns import InputLayout
from nncore.network import Sequential
from nncore.registry import resolve

NAMED = [(family, preset) for family, one in FAMILIES.items() for preset in one.presets]


@pytest.mark.parametrize(("family", "preset"), NAMED)
@pytest.mark.parametrize("is_classifier", [True, False])
def test_presets_make_networks(family: str, preset: str, is_classifier: bool) -> None:
    one = FAMILIES[family]
    recipe = one.presets[preset][0 if is_classifier else 1]
    matrix = np.random.default_rng(0).normal(size=(30, 2))
    none = np.zeros(0, np.int64)
    layout = InputLayout(np.arange(2), none, none, none, none, none)
    columns = InputColumns.learn(layout, matrix, None, recipe.number_encodings, recipe.level_encodings, rng=0)
    rows = columns.encode(matrix, np.dtype(np.float32))
    loss = resolve("losses", "softmax_cross_entropy" if is_classifier else "mse")
    n_outputs = 3 if is_classifier else 1
    network = Sequential(*one.layers(recipe, columns, rows, loss, n_outputs)).build(2, loss=loss, rng=0, batch=rows)
    assert one.started(network, recipe, 0).keys() == {"groups", "schedule"}
    assert network.predict_proba(rows).shape == (30, n_outputs)
    assert one.size(recipe)
