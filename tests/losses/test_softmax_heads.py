"""Several classifications at once."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.losses.softmax_heads import SoftmaxHeads
from nncore.testing import tables
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin


@pytest.mark.parametrize("n_classes", [(3, 2, 5), (4,), (1, 1), (2, 300, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_is_the_sum_of_the_heads_cross_entropies(n_classes: tuple[int, ...], dtype: type) -> None:
    rng = np.random.default_rng(0)
    z, target = (3 * rng.normal(size=(11, sum(n_classes)))).astype(dtype), rng.integers(n_classes, size=(11, len(n_classes)))
    groups = np.split(np.arange(sum(n_classes)), np.cumsum(n_classes)[:-1])
    single, loss = SoftmaxCrossEntropy(), SoftmaxHeads(n_classes)
    value = sum(single.forward(z[:, columns], target[:, head]) for head, columns in enumerate(groups))
    d_z = np.hstack([single.backward(z[:, columns], target[:, head]) for head, columns in enumerate(groups)])
    tolerance = (16 + max(n_classes)) * np.finfo(dtype).eps
    for rung in (Rung(loss), Rung(numpy_twin(loss))):
        value_here, d_here = rung(z, target.astype(dtype), np.ones(11, dtype))
        np.testing.assert_allclose(value_here, value, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(d_here, d_z, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (2.0, r"y is 2 at row 4, column 1; that head's classes are whole numbers from 0 to 1"),
        (-1.0, r"y is -1 at row 4, column 1"),
        (0.5, r"y is 0.5 at row 4, column 1"),
    ],
)
def test_targets_are_checked(wrong: float, message: str) -> None:
    y = np.zeros((6, 3))
    y[4, 1] = wrong
    net = nn.Sequential(nn.Dense(10))
    with pytest.raises(DataError, match=message):
        net.fit(np.zeros((6, 2)), y, loss=nn.SoftmaxHeads((3, 2, 5)))
    assert not net.is_built
    with pytest.raises(DataError, match="validation " + message):
        net.fit(np.zeros((6, 2)), np.zeros((6, 3)), loss=nn.SoftmaxHeads((3, 2, 5)), validation=(np.zeros((6, 2)), y))


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"\(3, 2\) classes need 5 outputs, the network has 4"):
        nn.Sequential(nn.Dense(4)).fit(np.zeros((6, 2)), np.zeros((6, 2)), loss=nn.SoftmaxHeads((3, 2)))
    with pytest.raises(ShapeError, match=r"needs \(n_samples, 2\)"):
        nn.Sequential(nn.Dense(5)).fit(np.zeros((6, 2)), np.zeros((6, 3)), loss=nn.SoftmaxHeads((3, 2)))
    with pytest.raises(ParameterError, match="n_classes"):
        SoftmaxHeads((3, 0))
    with pytest.raises(ParameterError, match="missing a required argument: 'n_classes'"):
        nn.Sequential(nn.Dense(5)).fit(np.zeros((6, 2)), np.zeros((6, 2)), loss="softmax_heads")


@pytest.mark.parametrize("target", [-1.0, 2.0, 1e30, np.nan])
def test_the_kernel_does_not_trust_a_target_that_changes_under_its_hands(target: float) -> None:
    """The kernel checks targets although they may change meanwhile: a float64 array of the user's is used without a copy."""
    loss = SoftmaxHeads((2,))
    function = tables.loss(loss.kernel.load()).real_f64
    buffers = {"output": np.zeros((1, 2)), "weight": np.ones(1), "loss": np.zeros(1), "d_output": np.zeros((1, 2))}
    assert function(**buffers, target=np.array([[target]]), n_rows=1, n_outputs=2, n_targets=1, hyper=np.array(loss.hyper())) != 0


def test_a_network_answers_three_questions_at_once(tmp_path) -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (600, 2))
    y = np.column_stack([(X[:, 0] > 0) + (X[:, 0] > 0.5), X.sum(axis=1) > 0, np.floor((X[:, 1] + 1) * 2)]).astype(int)
    net = nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(9))
    history = net.fit(
        X, y, loss=nn.SoftmaxHeads((3, 2, 4)), optimizer=nn.Adam(lr=0.02), schedule="cosine", epochs=60, rng=0, validation=(X, y),
        progress=False,
    )  # fmt: skip
    assert history["val_head_accuracy"][-1] > 0.97
    assert net.evaluate(X, y)["head_accuracy"] == history["val_head_accuracy"][-1]
    probabilities = net.predict_proba(X)
    for head, columns in enumerate((slice(0, 3), slice(3, 5), slice(5, 9))):
        np.testing.assert_allclose(probabilities[:, columns].sum(axis=1), 1, rtol=1e-5)
        assert (probabilities[:, columns].argmax(axis=1) == y[:, head]).mean() > 0.95
    net.save(tmp_path / "heads.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "heads.nncore").predict_proba(X), probabilities)
