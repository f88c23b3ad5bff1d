"""Ordered classes: probabilities, McCullagh's proportional odds, classifiers and the command line."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

import nncore as nn
from nncore.cli import main
from nncore.estimators import MLPClassifier
from nncore.losses.binary_cross_entropy import BinaryCrossEntropy
from nncore.losses.ordinal import Ordinal
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin

RUNGS = (Ordinal(), numpy_twin(Ordinal()))


def samples(n_rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples of four classes, by thresholds of a noisy score."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return X, np.digitize(X @ [2.0, -1.0, 0.0] + rng.logistic(size=n_rows), [-2.0, 0.0, 1.5])


def test_the_loss_is_that_of_the_decided_probabilities() -> None:
    rng = np.random.default_rng(1)
    output, labels = rng.normal(0, 2, (40, 4)), rng.integers(5, size=40)
    probabilities = Ordinal().decide(output)
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    for rung in RUNGS:
        value, _ = Rung(rung)(output, labels, np.ones(40))
        np.testing.assert_allclose(value, -np.log(probabilities[np.arange(40), labels]), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_its_digits_far_from_the_thresholds(dtype: type) -> None:
    """The loss keeps its digits far from the thresholds, where both logistic functions round to 1, or to 0."""
    output = np.array([[60.0, -3.0, 2.0], [-60.0, 1.0, 0.0], [0.0, -90.0, 0.0], [1e4, 0.0, 0.0]], dtype)
    labels = np.array([1, 2, 1, 0])
    g2 = 60 - np.log1p(np.exp(-3.0))
    g3 = -60 - np.log1p(np.exp(1.0)) - np.log(2)
    expected = [g2 + np.log1p(np.exp(3.0)), -(g3 + np.log(2)) + np.log(2), np.log(2) * 2 + 90, 1e4]
    for rung in RUNGS:
        value, d_output = Rung(rung)(output, labels, np.ones(4, dtype))
        np.testing.assert_allclose(value, expected, rtol=16 * np.finfo(dtype).eps)
        assert np.isfinite(d_output).all()


def test_two_classes_are_binary_cross_entropy() -> None:
    z, labels = np.random.default_rng(2).normal(0, 3, (20, 1)), np.arange(20) % 2
    for rung in RUNGS:
        for is_, should in zip(
            Rung(rung)(z, labels, np.ones(20)), Rung(BinaryCrossEntropy())(z, labels[:, None] * 1.0, np.ones(20)), strict=True
        ):
            np.testing.assert_allclose(is_, should, rtol=1e-14)


def test_a_far_mistake_costs_more_than_a_near_one() -> None:
    output = np.repeat([[4.0, 0.5, 0.5, 0.5]], 5, axis=0)
    value, _ = Rung(Ordinal())(output, np.arange(5), np.ones(5))
    best = value.argmin()
    assert (np.diff(value[: best + 1]) < 0).all()
    assert (np.diff(value[best:]) > 0).all()


def test_a_score_and_thresholds_are_proportional_odds() -> None:
    """Training a score and thresholds finds the maximum of McCullagh's likelihood, as SciPy does from its definition."""
    X, y = samples(300)

    def minus_log_likelihood(parameters: np.ndarray) -> float:
        weight, first, gaps = parameters[:3], parameters[3], np.exp(parameters[4:])
        thresholds = np.concatenate([[-np.inf], first + np.concatenate([[0], np.cumsum(gaps)]), [np.inf]])
        score = X @ weight
        return -np.log(expit(thresholds[y + 1] - score) - expit(thresholds[y] - score)).mean()

    expected = minimize(minus_log_likelihood, np.zeros(6), method="BFGS", options={"gtol": 1e-9})
    net = nn.Sequential(nn.Dense(1, use_bias=False), nn.Dense(3, weight_initializer={"name": "constant", "value": [[1.0, 0.0, 0.0]]}))
    history = net.fit(
        X, y, loss="ordinal", groups={"dense_2.weight": {"frozen": True}}, optimizer=nn.Adam(lr=0.05), schedule="cosine", epochs=1500,
        batch_size=300, shuffle=False, rng=0, dtype="float64", progress=False,
    )  # fmt: skip
    found = net.named_parameters()
    assert net.evaluate(X, y)["loss"] == pytest.approx(expected.fun, abs=1e-9)
    np.testing.assert_allclose(found["dense_1.weight"][:, 0], expected.x[:3], atol=1e-4)
    bias = found["dense_2.bias"]
    thresholds = -np.cumsum([bias[0], *-np.logaddexp(0, bias[1:])])
    np.testing.assert_allclose(thresholds, expected.x[3] + np.concatenate([[0], np.cumsum(np.exp(expected.x[4:]))]), atol=1e-4)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classifiers_answer_with_classes_and_their_probabilities(n_classes: int) -> None:
    X, codes = samples(400)
    y = np.array([10, 20, 30, 40])[np.minimum(codes, n_classes - 1)]
    model = MLPClassifier((8,), loss="ordinal", learning_rate_init=0.02, max_iter=80, random_state=0).fit(X, y)
    assert model.n_outputs_ == n_classes - 1
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (400, n_classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
    np.testing.assert_array_equal(model.predict_proba_one(X[0]), probabilities[0])
    assert model.predict_one(X[0]) == model.predict(X[:1])[0]
    assert model.score(X, y) == (model.predict(X) == y).mean() > 0.55
    assert np.abs(model.predict(X) - y).mean() < 7  # two thirds of a class


def test_the_command_line_takes_it(tmp_path, capsys) -> None:
    X, y = samples(200)
    rows = ["a,b,c,stars", *(",".join([*(f"{value:.4f}" for value in x), str(1 + label)]) for x, label in zip(X, y, strict=True))]
    (tmp_path / "stars.csv").write_text("\n".join(rows))
    model = str(tmp_path / "stars.nncore")
    train = ["train", str(tmp_path / "stars.csv"), "--target", "stars", "--loss", "ordinal", "--model", "mlp", "--epochs", "20"]
    assert main([*train, "--no-baselines", "--out", model]) == 0
    assert "classification" in capsys.readouterr().out
    assert main(["predict", model, str(tmp_path / "stars.csv"), "--proba"]) == 0
    header, *answers = capsys.readouterr().out.strip().splitlines()
    assert header == "stars,P(1),P(2),P(3),P(4)"
    probabilities = np.array([[float(cell) for cell in answer.split(",")[1:]] for answer in answers])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert [answer.split(",")[0] for answer in answers] == [str(k) for k in 1 + probabilities.argmax(axis=1)]
