"""Draws the pictures in docs/images; run from the root of the repository with the extra `plot` installed.

Data are the digits that come with nncore, the benchmark pages, or made up from a fixed seed: the same pictures come out every time.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from sklearn.model_selection import train_test_split

import nncore as nn
from nncore.datasets import load_digits, load_digits_split
from nncore.displays import (
    ActivationHistogramDisplay,
    ConfusionDisplay,
    DecisionRegionDisplay,
    GradientHistogramDisplay,
    ImageGridDisplay,
    TuningDisplay,
    ValidationCurveDisplay,
)
from nncore.estimators import RealMLPClassifier

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images"
#: A page loads several of them.
LARGEST = 60_000


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels from 0 to 1, labels; to learn from, and to test."""
    X_train, y_train, X_test, y_test = load_digits_split()
    return X_train.reshape(-1, 64) / 16, y_train, X_test.reshape(-1, 64) / 16, y_test


def ten_digits() -> Figure:
    *_, X_test, y_test = load_digits_split()
    return ImageGridDisplay.from_images(X_test[:10], titles=y_test[:10]).figure_


def digit_network() -> tuple[nn.Sequential, nn.History]:
    X, y, X_test, y_test = digits()
    network = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(10))
    history = network.fit(
        X,
        y,
        loss="softmax_cross_entropy",
        optimizer=nn.Adam(lr=5e-3),
        epochs=30,
        batch_size=32,
        validation=(X_test, y_test),
        rng=0,
        progress=False,
    )
    return network, history


def learning_curve() -> Figure:
    return digit_network()[1].plot().figure_


def overfitting() -> Figure:
    """300 digits, learnt by heart."""
    X, y, *_ = digits()
    network = nn.Sequential(nn.Dense(128, activation="relu"), nn.Dense(10))
    options = {"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=5e-3), "epochs": 100, "batch_size": 32}
    history = network.fit(X[:300], y[:300], validation=(X[300:], y[300:]), rng=0, progress=False, **options)
    return history.plot().figure_


def confusion() -> Figure:
    network, _ = digit_network()
    *_, X_test, y_test = digits()
    return ConfusionDisplay.from_estimator(network, X_test, y_test).figure_


def learning_rate() -> Figure:
    X, y, *_ = digits()
    network = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(10))
    search = nn.find_learning_rate(network, X, y, loss="softmax_cross_entropy", optimizer="adam", batch_size=64, rng=0)
    return search.plot().figure_


def rings(n_samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three classes around each other."""
    label = np.arange(n_samples) % 3
    angle = rng.uniform(0, 2 * np.pi, n_samples)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return circle * (1 + label)[:, None] + rng.normal(0, 0.3, (n_samples, 2)), label


def decision_regions() -> Figure:
    X, y = rings(300, np.random.default_rng(0))
    network = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(3))
    network.fit(X, y, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), epochs=60, batch_size=32, rng=0, progress=False)
    return DecisionRegionDisplay.from_estimator(network, X, y, names=["inner", "middle", "outer"]).figure_


def validation_curve() -> Figure:
    """The same task with labels of which some are wrong: a small network cannot, a large one learns them by heart."""
    rng = np.random.default_rng(1)
    (X, y), (X_val, y_val) = rings(150, rng), rings(2000, rng)
    for labels in (y, y_val):
        wrong = rng.random(len(labels)) < 0.15
        labels[wrong] = rng.integers(0, 3, wrong.sum())

    def fit(n_units: int, seed: int) -> nn.Sequential:
        network = nn.Sequential(nn.Dense(n_units, activation="tanh"), nn.Dense(3))
        options = {"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=0.02), "epochs": 300, "batch_size": 32}
        network.fit(X, y, rng=seed, progress=False, **options)
        return network

    names = {"param_name": "hidden units", "n_repetitions": 5}
    return ValidationCurveDisplay.from_networks(fit, [1, 2, 4, 8, 16, 32, 64], train=(X, y), validation=(X_val, y_val), **names).figure_


def tuning() -> Figure:
    """The same task, by hyperparameters that are drawn."""
    X, y = rings(300, np.random.default_rng(1))
    y[::7] = (y[::7] + 1) % 3
    return TuningDisplay.from_estimator(RealMLPClassifier("fast", tune=24, random_state=0).fit(X, y)).figure_


#: How the first picture writes learners of the page on tables, and where: ours are right-aligned and bold.
LEARNERS = {
    "nncore RealMLP fast": ("RealMLPClassifier, RealMLPRegressor", "right", 10),
    "nncore MLP 64-64, 8 bags": ("MLP 64-64, bagged", "right", 10),
    "nncore MLP 64-64": ("MLP 64-64", "center", 10),
    "LightGBM": ("LightGBM", "center", 10),
    "HistGradientBoosting": ("HistGradientBoosting", "left", -12),
    "XGBoost": ("XGBoost", "left", -12),
}


def tables_at_a_glance() -> Figure:
    """Score against processor time, from the first ranking of docs/benchmarks/tabular.md."""
    page = (DOCS / "benchmarks" / "tabular.md").read_text(encoding="utf-8")
    n_tables, rows = re.search(r"### \d+ learners on (\d+) tables\n.*?\n\| learner .*?\n\| ---.*?\n(.*?)\n\n", page, re.DOTALL).groups()
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    ax = figure.subplots()
    for row in rows.splitlines():
        learner, _, _, score, _, seconds, _ = (cell.strip() for cell in row.strip("|").split("|"))
        label, side, offset = LEARNERS[learner.strip("*")]
        ours = learner.startswith("**")
        style = {"color": "#c2410c" if ours else "#334155", "weight": "bold" if ours else "normal"}
        place = (float(seconds), float(score))
        ax.plot(*place, "o", color=style["color"], markersize=10)
        vertical = "top" if offset < 0 else "bottom"
        ax.annotate(label, place, (0, offset), textcoords="offset points", ha=side, va=vertical, fontsize=12, **style)
    ax.set_xscale("log")
    ax.set_xlim(0.08, 1.6)
    ax.set_ylim(0, 1)
    ax.set_xticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel("CPU seconds a fit", fontsize=12)
    ax.set_ylabel("normalised score", fontsize=12)
    ax.set_title(f"{n_tables} public tables, no tuning; nncore in orange", fontsize=13, loc="left")
    return figure


def deep_network(activation: str) -> nn.Sequential:
    layers = [nn.Dense(32, activation=activation) for _ in range(7)]
    return nn.Sequential(*layers, nn.Dense(10)).build(64, loss="softmax_cross_entropy", optimizer="sgd", rng=0)


def gradients_of(activation: str) -> Callable[[], Figure]:
    def draw() -> Figure:
        X, y, *_ = digits()
        return GradientHistogramDisplay.from_network(deep_network(activation), X[:256], y[:256]).figure_

    return draw


def dead_units() -> Figure:
    """What a learning rate that is far too large leaves of a network of ReLUs."""
    X, y, *_ = digits()
    network = nn.Sequential(*(nn.Dense(32, activation="relu") for _ in range(3)), nn.Dense(10))
    network.fit(X, y, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.1), epochs=3, batch_size=32, rng=0, progress=False)
    return ActivationHistogramDisplay.from_network(network, X[:256]).figure_


def intervals() -> Figure:
    """A median and the ends of a 90 % interval, where the noise grows to both sides."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1500, 1))
    y = np.sin(3 * X[:, 0]) + rng.normal(0, 0.1 + 0.4 * np.abs(X[:, 0]))
    network = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(3))
    loss = nn.Quantile((0.05, 0.5, 0.95))
    network.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.01), schedule="cosine", epochs=60, batch_size=64, rng=0, progress=False)
    grid = np.linspace(-1, 1, 101)
    low, median, high = loss.decide(network.predict(grid[:, None])).T
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(X[::3, 0], y[::3], ".", color="tab:grey", markersize=3, label="samples")
    axes.fill_between(grid, low, high, alpha=0.3, label="quantiles 0.05 to 0.95")
    axes.plot(grid, median, label="median")
    axes.set(xlabel="feature", ylabel="target")
    axes.legend(loc="upper left")
    return figure


def reliability() -> Figure:
    """Confidence against accuracy of a network for digits, before and after temperature scaling."""
    X, y = load_digits()
    X = X.reshape(-1, 64) / 16
    X_train, X, y_train, y = train_test_split(X, y, train_size=100, random_state=0, stratify=y)
    X_val, X, y_val, y = train_test_split(X, y, train_size=300, random_state=0, stratify=y)
    network = nn.Sequential(nn.Dense(128, activation="relu"), nn.Dense(10))
    options = {"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=5e-3), "epochs": 100, "batch_size": 32}
    network.fit(X_train, y_train, rng=0, progress=False, **options)
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0.3, 1], [0.3, 1], ":", color="tab:grey", label="calibrated")
    for label in ("as trained", "after calibrate"):
        if label != "as trained":
            network.calibrate(X_val, y_val)
        p = network.predict_proba(X)
        sure, right = p.max(axis=1), p.argmax(axis=1) == y
        bins = [(low < sure) & (sure <= low + 0.1) for low in np.arange(0.3, 1, 0.1)]
        axes.plot([sure[b].mean() for b in bins], [right[b].mean() for b in bins], "o-", markersize=4, label=label)
    axes.set(xlabel="predicted probability of the class", ylabel="share that is right")
    axes.legend(loc="upper left")
    return figure


def losses() -> Figure:
    """What an error costs by losses of regression, and the logit of the right one of two classes by losses of classification."""
    error, nothing = np.linspace(-4, 4, 401)[:, None], np.zeros((401, 1))
    of_reals = {
        "half_mse": nn.HalfMSE(),
        "mae": nn.MAE(),
        "huber, delta 1": nn.Huber(),
        "log_cosh": nn.LogCosh(),
        "quantile 0.9": nn.Quantile(0.9),
    }
    of_classes = {"binary_cross_entropy": nn.BinaryCrossEntropy(), "binary_focal, gamma 2": nn.BinaryFocal(), "hinge": nn.Hinge()}
    with style.context("nncore.displays.style"):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, loss in of_reals.items():
            left.plot(error, loss.forward(error, nothing), label=name)
        for name, loss in of_classes.items():
            right.plot(error, loss.forward(error, nothing + 1), label=name)
        left.set(xlabel="prediction − target", ylabel="loss", ylim=(0, 4))
        right.set(xlabel="output, where the target is 1", ylim=(0, 4))
        left.legend()
        right.legend()
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "digits": ten_digits,
    "learning-curve": learning_curve,
    "overfitting": overfitting,
    "confusion": confusion,
    "learning-rate": learning_rate,
    "tables": tables_at_a_glance,
    "losses": losses,
    "decision-regions": decision_regions,
    "validation-curve": validation_curve,
    "tuning": tuning,
    "gradients-sigmoid": gradients_of("sigmoid"),
    "gradients-relu": gradients_of("relu"),
    "dead-units": dead_units,
    "intervals": intervals,
    "reliability": reliability,
}


def as_png(figure: Figure) -> bytes:
    """Small, and without a date or a version in it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return file.getvalue()


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        picture = as_png(draw())
        if len(picture) > LARGEST:
            raise SystemExit(f"{name}.png would have {len(picture)} bytes, more than {LARGEST}")
        (IMAGES / f"{name}.png").write_bytes(picture)
        print(f"{name}.png {len(picture) // 1024} kB")


if __name__ == "__main__":
    main()
