from __future__ import annotations

import pytest
from bench.samples import results

from nncore.bench import picture
from nncore.bench.picture import Panel
from nncore.bench.results import Results
from nncore.errors import ParameterError


def test_a_panel_for_the_limit_and_each_peer() -> None:
    columns = picture.columns(results())
    assert {title: [panel.peer for panel in panels] for title, panels in columns.items()} == {
        "training, 1 thread": [None, "torch", "jax"],
        "training, 2 threads": [None, "torch", "jax"],
        "prediction, 1 thread": [None, "onnxruntime"],
    }
    assert [panel.title for panel in columns["training, 1 thread"]] == ["of the limit: 50 %", "against torch: 10.5×", "against jax: 0.50×"]


def test_shades() -> None:
    ratio, limit = Panel([], "torch"), Panel([], None)
    assert ratio.shade(1) == 0
    assert ratio.shade(4) == pytest.approx(-ratio.shade(0.25)) == pytest.approx(0.4)
    assert (ratio.shade(1e6), ratio.shade(1e-6)) == (1, -1)
    assert (limit.shade(0.3), limit.shade(1.4)) == (0.3, 1)


def test_every_cell_is_written() -> None:
    pytest.importorskip("matplotlib")
    figure = picture.draw(results())
    images = [ax for ax in figure.get_axes() if ax.images]
    assert len(images) == 8
    texts = [text.get_text() for ax in images for text in ax.texts]
    assert {"100×", "1.10×", "0.50×", "50 %", "7.00×", "1 %"} <= set(texts)
    assert len(texts) == 3 * 4 - 2 + 2 + 3  # cells of training, without the gaps, of prediction, and the columns' titles


def test_nothing_to_draw() -> None:
    with pytest.raises(ParameterError, match="a picture needs training or prediction"):
        picture.draw(Results({}, results().rates))
