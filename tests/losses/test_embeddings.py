"""Contrastive and triplet losses: distances of classes, blocks of pairs, targets, and refused classifiers."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.cli import main
from nncore.errors import DataError, NNCoreError, ParameterError, ShapeError
from nncore.estimators import MLPClassifier
from nncore.losses import embedding
from nncore.losses.contrastive import Contrastive
from nncore.losses.embedding import EmbeddingLoss
from nncore.losses.triplet import Triplet

LOSSES = [Contrastive(), Contrastive(0.5), Triplet(), Triplet(margin="soft")]
every = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def data(n_rows: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples of three classes that are not linearly separable."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % 3
    angle, radius = rng.uniform(0, 2 * np.pi, n_rows), 1 + y + rng.normal(0, 0.15, n_rows)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def agreement(net: nn.Sequential, X: np.ndarray, y: np.ndarray) -> float:
    """Number of samples whose nearest neighbour has their class, by the angle between embeddings."""
    z = net.predict(X).astype(np.float64)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    similarity = z @ z.T - 3 * np.eye(len(z))
    return float((y[similarity.argmax(axis=1)] == y).mean())


@every
def test_training_draws_classes_together(loss: EmbeddingLoss) -> None:
    """Training draws samples of a class together; there are more classes than input columns, and fewer than outputs."""
    X, y = data()
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(4))
    net.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.01), epochs=150, batch_size=90, rng=0, progress=False)
    X, y = data(seed=1)
    assert agreement(net, X, y) > 0.9


@every
def test_blocks_of_pairs_change_nothing_but_rounding(loss: EmbeddingLoss, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    output, target, weight = rng.normal(size=(50, 3)), rng.integers(4, size=(50, 1)) * 1.0, np.full(50, 0.02)
    value, d_output = loss.forward(output, target, weight), loss.backward(output, target, weight)
    monkeypatch.setattr(embedding, "PAIRS", 350)  # 7 rows at a time
    np.testing.assert_allclose(loss.forward(output, target, weight), value, rtol=1e-13)
    np.testing.assert_allclose(loss.backward(output, target, weight), d_output, rtol=1e-11, atol=1e-16)


@every
def test_samples_without_partners_have_no_loss(loss: EmbeddingLoss) -> None:
    output = np.random.default_rng(1).normal(size=(4, 3))
    for target in (np.arange(4.0)[:, None], np.zeros((1, 1))):
        n = len(target)
        assert not loss.forward(output[:n], target, np.full(n, 1 / n)).any()
        assert not loss.backward(output[:n], target, np.full(n, 1 / n)).any()


@every
def test_equal_outputs_and_zeros_are_finite(loss: EmbeddingLoss) -> None:
    target = np.array([[0.0], [0], [1], [1]])
    for output in (np.zeros((4, 2)), np.ones((4, 2)), np.array([[0.0, 0], [1, 0], [0, 1], [0, 0]]), np.full((4, 2), 1e30, np.float32)):
        weight = np.full(4, 0.25, output.dtype)
        assert np.isfinite(loss.forward(output, target, weight)).all()
        assert np.isfinite(loss.backward(output, target, weight)).all()


def test_the_hardest_triplet_by_hand() -> None:
    """The hardest triplet equals the one found by hand: on a line, 0 and 4 are of one class, 1 and 2 of another."""
    output, target = np.array([[0.0, 0], [4, 0], [1, 0], [2, 0]]), np.array([[0.0], [0], [1], [1]])
    weight = np.full(4, 0.25)
    np.testing.assert_allclose(Triplet(0.5).forward(output, target, weight), [4 - 1 + 0.5, 4 - 2 + 0.5, 1 - 1 + 0.5, 0])
    gradient = Triplet(0.5).backward(output, target, weight)
    of_0, of_4, of_1 = [-1 + 1, 1, -1, 0], [-1, 1 - 1, 0, 1], [1, 0, -1 - 1, 1]  # d(0, 4) − d(0, 1), d(4, 0) − d(4, 2), d(1, 2) − d(1, 0)
    np.testing.assert_allclose(gradient[:, 0], 0.25 * np.sum([of_0, of_4, of_1], axis=0), atol=1e-15)
    np.testing.assert_array_equal(gradient[:, 1], 0)


def test_targets_are_whole_numbers() -> None:
    net = nn.Sequential(nn.Dense(3))
    with pytest.raises(DataError, match=r"y is 0.5 at row 1; Contrastive\(temperature=0.1\) takes class indices, whole numbers from 0"):
        net.fit(np.zeros((3, 2)), np.array([0, 0.5, 1]), loss="contrastive")
    with pytest.raises(DataError, match="takes targets in"):
        net.fit(np.zeros((3, 2)), np.array([0, -1, 1]), loss="triplet")
    with pytest.raises(ShapeError, match="an embedding has at least 2 outputs, the network has 1"):
        nn.Sequential(nn.Dense(1)).fit(np.zeros((3, 2)), np.zeros(3, int), loss="triplet")


@pytest.mark.parametrize("loss", ["contrastive", "triplet"])
def test_classifiers_and_the_command_line_say_what_to_do(loss: str, tmp_path, capsys) -> None:
    X, y = data(30)
    with pytest.raises(ParameterError, match="learns embeddings, not classes"):
        MLPClassifier(loss=loss).fit(X, y)
    (tmp_path / "rings.csv").write_text("\n".join(["a,b,y", *(f"{a},{b},{label}" for (a, b), label in zip(X, y, strict=True))]))
    assert main(["train", str(tmp_path / "rings.csv"), "--target", "y", "--loss", loss]) == 2
    assert "use it in Python" in capsys.readouterr().err


@pytest.mark.parametrize("margin", [-1, np.nan, np.inf, "hard", None])
def test_margins_are_checked(margin: object) -> None:
    with pytest.raises(ParameterError, match="margin must be a number of at least 0, or 'soft'"):
        Triplet(margin)  # type: ignore[arg-type]


def test_a_bad_temperature_is_refused() -> None:
    with pytest.raises(NNCoreError, match=r"temperature must be a number in \(0, inf\)"):
        Contrastive(0)
