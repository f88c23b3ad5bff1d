"""Members of an ensemble are each trained by their own loss; predictions and scores use their mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest

import nncore as nn
from nncore.contract import Loss, activation_for
from nncore.errors import ParameterError
from nncore.network import member_outputs
from nncore.testing import numpy_twin, team_of
from nncore.testing.losses import real_targets
from nncore.testing.widths import outputs_for

K, N_ROWS = 3, 9


def heads(loss: Loss, n_outputs: int, link: Any, dtype: str = "float64") -> nn.Sequential:
    last = nn.MemberHeads(n_outputs, activation_for(loss, n_outputs))
    net = nn.Sequential(nn.RepeatMembers(K), last, nn.MeanMembers(link)).build(4, loss=loss, optimizer="sgd", rng=0, dtype=dtype)
    net.parameters[:] += np.random.default_rng(1).normal(0, 0.3, net.n_parameters)
    return net


def alone(net: nn.Sequential, j: int, loss: Loss, n_outputs: int) -> nn.Sequential:
    """The network of a single member."""
    layer = nn.Dense(n_outputs, activation_for(loss, n_outputs))
    one = nn.Sequential(layer).build(4, loss=loss, optimizer="sgd", rng=0, dtype="float64")
    for name in ("weight", "bias"):
        one.named_parameters()[f"dense_1.{name}"][...] = net.named_parameters()[f"member_heads_1.{name}"][j]
    return one


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_the_loss_is_the_mean_of_the_members_own(loss: Loss, twin: bool) -> None:
    rng = np.random.default_rng(0)
    n_outputs, X, weight = outputs_for(loss, 4), rng.normal(size=(N_ROWS, 4)), rng.uniform(0.1, 2, N_ROWS)
    labels = loss.targets_for(n_outputs) == "labels"
    y = rng.integers(n_outputs, size=N_ROWS) if labels else real_targets(loss, rng, N_ROWS, n_outputs)
    net = heads(numpy_twin(loss) if twin else loss, n_outputs, loss.link)
    assert net.forward(X, training=True).shape == (N_ROWS, K, n_outputs)
    value, values = net.backward(y, sample_weight=weight), []
    for j in range(K):
        one = alone(net, j, loss, n_outputs)
        one.forward(X, training=True)
        values.append(one.backward(y, sample_weight=weight))
        for name in ("weight", "bias"):
            mine, others = net.named_gradients()[f"member_heads_1.{name}"][j], one.named_gradients()[f"dense_1.{name}"]
            np.testing.assert_allclose(mine, others / K, rtol=1e-12, atol=1e-14)
    assert value == pytest.approx(np.mean(values), rel=1e-12)
    predictions = np.mean([alone(net, j, loss, n_outputs).predict_proba(X) for j in range(K)], axis=0)
    np.testing.assert_allclose(net.predict_proba(X), predictions, rtol=1e-9)
    net.fit(X, y, sample_weight=weight, validation=(X, y), epochs=2, batch_size=4, progress=False)
    assert np.isfinite(net.evaluate(X, y)["loss"])


def test_a_loss_of_whole_batches_sees_one_member_at_a_time() -> None:
    class Spread(Loss):
        """Compares the variance of the outputs over the batch with that of the targets."""

        needs_batch = True

        def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
            assert output.shape == target.shape
            return ((output - weight @ output) - target)[:, 0] ** 2

        def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
            d = 2 * weight[:, None] * ((output - weight @ output) - target)
            return d - weight[:, None] * d.sum(axis=0)

    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(N_ROWS, 4)), rng.normal(size=(N_ROWS, 1))
    net = heads(Spread(), 1, None)
    net.forward(X, training=True)
    value = net.backward(y)
    ones = [alone(net, j, Spread(), 1) for j in range(K)]
    for one in ones:
        one.forward(X, training=True)
    assert value == pytest.approx(np.mean([one.backward(y) for one in ones]), rel=1e-12)
    gradients = np.stack([one.named_gradients()["dense_1.weight"] for one in ones]) / K
    np.testing.assert_allclose(net.named_gradients()["member_heads_1.weight"], gradients, rtol=1e-12, atol=1e-15)


def test_scores_and_validation_are_of_the_mean() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    net = heads(nn.SoftmaxCrossEntropy(), 3, "softmax")
    history = net.fit(X, y, epochs=3, validation=(X, y), callbacks=[nn.EarlyStopping(patience=5)], batch_size=20, progress=False)
    scores, probabilities = net.evaluate(X, y), net.predict_proba(X)
    assert scores["loss"] == pytest.approx(-np.log(probabilities[np.arange(60), y]).mean(), rel=1e-12)
    assert scores["accuracy"] == pytest.approx((probabilities.argmax(axis=1) == y).mean())
    assert history["val_loss"][-1] == pytest.approx(min(history["val_loss"]), rel=1e-12)
    assert net.output_shape == (3,)
    assert net.predict_one(X[0]).shape == (3,)
    step = 1e-6 * np.eye(4)
    numeric = [(net.predict(X[:1] + d) - net.predict(X[:1] - d))[0] / 2e-6 for d in step]
    np.testing.assert_allclose(net.jacobian(X[:1])[0], np.transpose(numeric), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("link", "loss", "match"),
    [
        (None, "softmax_cross_entropy", r"the link 'softmax', but mean_members_1 takes .* outputs: .*\(link='softmax'\)"),
        ("sigmoid", "mse", r"mse has no link, .* write nn.MeanMembers\(\)"),
        ("softmax", "poisson", r"MeanMembers\(link='exp'\)"),
    ],
)  # fmt: skip
def test_a_loss_with_another_link_is_refused(link: Any, loss: str, match: str) -> None:
    net = nn.Sequential(nn.RepeatMembers(K), nn.MemberHeads(2), nn.MeanMembers(link))
    with pytest.raises(ParameterError, match=match):
        net.fit(np.zeros((4, 3)), np.zeros((4, 2)), loss=loss, progress=False)
    assert not net.is_built
    nn.Sequential(nn.RepeatMembers(K), nn.MemberHeads(2), nn.MeanMembers("identity")).build(3, loss=loss)


def test_elsewhere_the_mean_is_what_follows_sees() -> None:
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
    net = nn.Sequential(nn.RepeatMembers(2), nn.MembersDense(4, "tanh"), nn.MeanMembers(), nn.Dense(1)).build(
        3, loss="mse", optimizer="sgd", rng=0, dtype="float64"
    )
    np.testing.assert_array_equal(net.forward(X, training=True), net.predict(X))
    assert net.backward(y) == pytest.approx(net.evaluate(X, y)["loss"])


def test_an_ensemble_is_saved_and_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(60, 13)).astype(np.float32), rng.integers(4, size=60)

    def made() -> nn.Sequential:
        hidden = nn.MembersDense(8, "relu", input_groups=[3, 10]), nn.Dropout(0.2)
        return nn.Sequential(nn.RepeatMembers(K), *hidden, nn.MemberHeads(4), nn.MeanMembers("softmax"))

    fit: dict[str, Any] = {"batch_size": 32, "progress": False}
    whole, part = made(), made()
    whole.fit(X, y, loss="softmax_cross_entropy", epochs=4, rng=0, **fit)
    part.fit(X, y, loss="softmax_cross_entropy", epochs=2, rng=0, **fit)
    part.save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    again.fit(X, y, epochs=2, **fit)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    with team_of(3):
        np.testing.assert_array_equal(again.predict(X), whole.predict(X))


# ---- fewer members -----------------------------------------------------------------------------------------------------------


def trained(*more: Any) -> tuple[nn.Sequential, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(50, 6)), rng.integers(3, size=50)
    hidden = nn.MembersDense(8, "relu"), nn.MembersDense(8, "relu", scale_inputs=False, scale_outputs=False, share_bias=True)
    net = nn.Sequential(nn.RepeatMembers(5), *hidden, *more, nn.MemberHeads(3), nn.MeanMembers("softmax"))
    net.fit(X, y, loss="softmax_cross_entropy", epochs=2, rng=0, dtype="float64", progress=False)
    return net, X, y


def test_members_that_are_kept_are_the_same() -> None:
    net, X, y = trained()
    net.metadata["what"] = ["kept"]
    before = net.parameters.copy()
    single = [nn.keep_members(net, [j]).predict_proba(X) for j in range(5)]
    np.testing.assert_allclose(np.mean(single, axis=0), net.predict_proba(X), rtol=1e-12)
    some = nn.keep_members(net, np.array([3, 1]))
    np.testing.assert_allclose(some.predict_proba(X), (single[3] + single[1]) / 2, rtol=1e-12)
    assert some.n_parameters < net.n_parameters
    assert some.metadata == {"what": ["kept"]}
    some.metadata["what"].append("its own")
    some.fit(X, y, epochs=1, progress=False)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.metadata == {"what": ["kept"]}


@pytest.mark.parametrize("members", [[], [5], [-1], [0, 0], [0.5], 2, None], ids=str)
def test_members_that_are_not_there_are_refused(members: Any) -> None:
    with pytest.raises(ParameterError, match="different whole numbers from 0 to 4"):
        nn.keep_members(trained()[0], members)


def test_networks_that_are_no_ensembles_are_refused() -> None:
    with pytest.raises(ParameterError, match="exactly one RepeatMembers or RepeatedDense"):
        nn.keep_members(nn.Sequential(nn.Dense(2)).build(3, rng=0), [0])
    net = nn.Sequential(nn.RepeatMembers(2), nn.Flatten(), nn.LayerNorm(), nn.Dense(1)).build(3, rng=0)
    with pytest.raises(ParameterError, match="depends on the number of members"):
        nn.keep_members(net, [0])


def test_outputs_of_members_before_their_mean() -> None:
    X = np.random.default_rng(0).normal(size=(N_ROWS, 4))
    net = heads(nn.MSE(), 2, None)
    found = member_outputs(net, X)
    assert found.shape == (K, N_ROWS, 2)
    for j in range(K):
        np.testing.assert_allclose(found[j], alone(net, j, nn.MSE(), 2).predict(X), rtol=1e-12)
    with pytest.raises(ParameterError, match=r"does not end with nn.MeanMembers"):
        member_outputs(nn.Sequential(nn.Dense(1)).build(4), X)
