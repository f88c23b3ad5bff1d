from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from nncore.errors import MissingExtraError, ParameterError, ShapeError
from nncore.history import History
from nncore.plotting import confusion_matrix, image_grid, learning_curves


def history_of(n_epochs: int, *, fall: float = 5.0, metrics: tuple[str, ...] = ("accuracy",), validation: bool = True) -> History:
    history = History()
    for epoch in range(n_epochs):
        loss = fall ** (1 - epoch / max(1, n_epochs - 1))
        row = {"loss": loss, "seconds": 0.1}
        if validation:
            row["val_loss"] = loss + (epoch - n_epochs / 2) ** 2
        for metric in metrics:
            row |= {metric: 1 / (1 + loss), **({f"val_{metric}": 0.9 / (1 + loss)} if validation else {})}
        history.append(**row)
    return history


def drawn(figure: Figure) -> bytes:
    """The picture; drawing is where matplotlib notices most mistakes."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    return file.getvalue()


def test_learning_curves_have_loss_left_and_metrics_right():
    history = history_of(9)
    figure = learning_curves(history)
    loss, metric = figure.axes
    assert loss.get_ylabel() == "loss"
    assert metric.get_ylabel() == "accuracy"
    curves = {line.get_label().split(" ")[0]: line for line in loss.lines}
    np.testing.assert_array_equal(curves["training"].get_xdata(), np.arange(1, 10))
    np.testing.assert_array_equal(curves["training"].get_ydata(), history["loss"])
    np.testing.assert_array_equal(curves["validation"].get_ydata(), history["val_loss"])
    legend = [text.get_text() for text in loss.get_legend().get_texts()]
    assert legend == ["training", f"validation (best {history['val_loss'].min():.4g} in epoch {history.best()})"]
    drawn(figure)


def test_learning_curves_without_metrics_or_validation():
    figure = learning_curves(history_of(5, metrics=(), validation=False))
    (loss,) = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training"]
    drawn(figure)


def test_several_metrics_are_told_apart():
    figure = learning_curves(history_of(5, metrics=("accuracy", "top_3")))
    texts = [text.get_text().split(" (")[0] for text in figure.axes[1].get_legend().get_texts()]
    assert texts == ["training accuracy", "validation accuracy", "training top 3", "validation top 3"]
    drawn(figure)


@pytest.mark.parametrize(("fall", "scale"), [(5.0, "linear"), (1000.0, "log")])
def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_scale(fall: float, scale: str):
    figure = learning_curves(history_of(9, fall=fall, validation=False))
    assert figure.axes[0].get_yscale() == scale
    assert figure.axes[1].get_yscale() == "linear"
    drawn(figure)


def test_a_loss_of_zero_has_no_logarithm():
    history = History()
    for loss in (1000.0, 0.0):
        history.append(loss=loss)
    assert learning_curves(history).axes[0].get_yscale() == "linear"


def test_a_single_epoch_is_visible():
    for line in learning_curves(history_of(1)).axes[0].lines:
        assert line.get_marker() == "o"
    drawn(learning_curves(history_of(1)))


def test_curves_with_gaps():
    history = History()
    for epoch in range(6):
        history.append(loss=1.0 / (epoch + 1), val_loss=np.nan, accuracy=np.nan if epoch % 2 else 0.5)
    drawn(learning_curves(history))


def test_curves_go_into_a_given_axes():
    ax = Figure().subplots()
    assert history_of(3).plot(ax=ax) is ax.get_figure()
    assert len(ax.lines) >= 2


def test_an_empty_history_has_no_curves():
    with pytest.raises(ParameterError, match="fit the network first"):
        learning_curves(History())


def test_confusion_matrix_counts():
    true, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    figure = confusion_matrix(true, predicted)
    (ax,) = figure.axes
    counts = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}
    assert counts == {(0, 0): "1", (0, 1): "1", (1, 1): "1", (2, 0): "1", (2, 2): "2"}
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.5, 0.5, 0], [0, 1, 0], [1 / 3, 0, 2 / 3]])
    assert ax.get_title() == "66.67% of 6 correct"
    drawn(figure)


def test_confusion_matrix_of_named_classes_keeps_those_that_do_not_occur():
    names = ["setosa", "versicolor", "virginica"]
    ax = confusion_matrix([0, 2], [0, 0], names=names).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == names
    assert ax.images[0].get_array().shape == (3, 3)


def test_confusion_matrix_of_strings():
    ax = confusion_matrix(["b", "a", "b"], ["b", "a", "a"]).axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[1, 0], [0.5, 0.5]])


def test_confusion_matrix_of_many_classes():
    y = np.random.default_rng(0).integers(0, 15, (2, 400))
    drawn(confusion_matrix(*y))


@pytest.mark.parametrize(
    ("true", "predicted", "names"),
    [
        ([0, 1], [0], None),
        ([], [], None),
        ([[0, 1]], [[0, 1]], None),
        ([0, 2], [0, 2], ["a", "b"]),
        ([-1, 0], [0, 0], ["a"]),
        (["x"], ["y"], ["x"]),
    ],
)
def test_confusion_matrix_of_what_does_not_fit(true: list, predicted: list, names: list[str] | None):
    with pytest.raises(ShapeError):
        confusion_matrix(true, predicted, names=names)


@pytest.mark.parametrize("shape", [(1, 8, 8), (7, 8, 8), (10, 5, 9), (3, 4, 4, 3), (2, 4, 4, 4)])
def test_image_grid(shape: tuple[int, ...]):
    images = np.random.default_rng(0).random(shape)
    titles = [f"title {i}" for i in range(len(images))]
    figure = image_grid(images, titles)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == titles
    np.testing.assert_allclose(shown[-1].images[0].get_array(), images[-1])
    drawn(figure)


def test_grey_images_share_a_scale():
    images = np.stack([np.zeros((2, 2)), np.full((2, 2), 4.0), np.full((2, 2), 16.0)])
    assert {ax.images[0].get_clim() for ax in image_grid(images).axes if ax.images} == {(0.0, 16.0)}


def test_image_grid_columns_and_highlight():
    figure = image_grid(np.zeros((5, 2, 2)), ["a"] * 5, n_columns=2, highlight=[True] + [False] * 4)
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (3, 2)
    assert figure.axes[0].title.get_color() != figure.axes[1].title.get_color()
    drawn(figure)


@pytest.mark.parametrize("images", [np.zeros((0, 2, 2)), np.zeros((2, 2)), np.zeros((1, 2, 2, 2)), np.float64(1)])
def test_what_is_not_images(images: np.ndarray):
    with pytest.raises(ShapeError, match="images"):
        image_grid(images)


def test_image_grid_checks_its_arguments():
    images = np.zeros((3, 2, 2))
    with pytest.raises(ShapeError, match="titles"):
        image_grid(images, ["a"])
    with pytest.raises(ShapeError, match="highlight"):
        image_grid(images, highlight=[True])
    with pytest.raises(ParameterError, match="n_columns"):
        image_grid(images, n_columns=0)


def test_pyplot_and_its_global_state_are_not_touched():
    drawing = "import sys, numpy; from nncore.plotting import image_grid; image_grid(numpy.eye(3)[None])"
    subprocess.run([sys.executable, "-c", f"{drawing}; assert 'matplotlib.pyplot' not in sys.modules"], check=True)


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[plot\]"):
        image_grid(np.zeros((1, 2, 2)))
