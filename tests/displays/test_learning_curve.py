from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from drawing import drawn, overlapping_texts
from matplotlib.figure import Figure

from nncore.contract import History
from nncore.displays import LearningCurveDisplay
from nncore.errors import NotBuiltError, ParameterError


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


def figure_of(history: History) -> Figure:
    return LearningCurveDisplay.from_history(history).figure_


def test_learning_curves_have_loss_left_and_metrics_right():
    history = history_of(9)
    figure = figure_of(history)
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
    figure = figure_of(history_of(5, metrics=(), validation=False))
    (loss,) = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training"]
    drawn(figure)


def test_several_metrics_are_told_apart():
    figure = figure_of(history_of(5, metrics=("accuracy", "top_3")))
    texts = [text.get_text().split(" (")[0] for text in figure.axes[1].get_legend().get_texts()]
    assert texts == ["training accuracy", "validation accuracy", "training top 3", "validation top 3"]
    drawn(figure)


@pytest.mark.parametrize(("fall", "scale"), [(5.0, "linear"), (1000.0, "log")])
def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_scale(fall: float, scale: str):
    figure = figure_of(history_of(9, fall=fall, validation=False))
    assert figure.axes[0].get_yscale() == scale
    assert figure.axes[1].get_yscale() == "linear"
    drawn(figure)


def test_a_loss_of_zero_has_no_logarithm():
    history = History()
    for loss in (1000.0, 0.0):
        history.append(loss=loss)
    assert figure_of(history).axes[0].get_yscale() == "linear"


def test_a_single_epoch_is_visible():
    for line in LearningCurveDisplay.from_history(history_of(1)).ax_.lines:
        assert line.get_marker() == "o"
    drawn(figure_of(history_of(1)))


def test_curves_with_gaps():
    history = History()
    for epoch in range(6):
        history.append(loss=1.0 / (epoch + 1), val_loss=np.nan, accuracy=np.nan if epoch % 2 else 0.5)
    drawn(figure_of(history))


def test_curves_go_into_a_given_axes():
    ax = Figure().subplots()
    display = history_of(3).plot(ax=ax)
    assert (display.ax_, display.figure_) == (ax, ax.get_figure())
    assert len(ax.lines) >= 2


def test_an_empty_history_has_no_curves():
    with pytest.raises(ParameterError, match="fit the network first"):
        LearningCurveDisplay.from_history(History())


def test_texts_do_not_overlap():
    assert overlapping_texts(figure_of(history_of(30, metrics=("accuracy", "top_3")))) == []


def test_the_learning_rate_is_not_drawn_as_a_metric():
    history = History()
    history.append(loss=1.0, lr=0.1, seconds=1.0)
    assert len(figure_of(history).axes) == 1


def test_an_estimator_with_a_history():
    history = history_of(4)
    assert LearningCurveDisplay.from_estimator(SimpleNamespace(history_=history, loss_curve_=[1.0])).history is history


def test_scikit_learns_multi_layer_perceptron():
    from sklearn.neural_network import MLPClassifier

    X = np.random.default_rng(0).normal(size=(100, 3))
    model = MLPClassifier(4, max_iter=300, n_iter_no_change=3, early_stopping=True, random_state=0).fit(X, X[:, 0] > 0)
    display = LearningCurveDisplay.from_estimator(model)
    loss, score = display.axes_
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(score.lines[-1].get_ydata(), model.validation_scores_)
    drawn(display.figure_)


def test_an_estimator_that_is_not_fitted():
    with pytest.raises(NotBuiltError, match="call fit first"):
        LearningCurveDisplay.from_estimator(SimpleNamespace())


def test_values_between_infinite_ones_are_seen():
    history = History()
    for loss in (1.0, np.nan, 0.5, np.inf, 0.4, 0.3):
        history.append(loss=loss)
    (ax,) = figure_of(history).axes
    dots = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert [line.get_xdata().tolist() for line in dots] == [[1, 3]]
