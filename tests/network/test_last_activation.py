"""Every registered activation at the end of a network, with every loss, is trained or refused before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import components
import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import NNCoreError, ParameterError
from nncore.plugin import Activation, Loss
from nncore.testing.losses import example
from nncore.testing.widths import columns_for, outputs_for

X = np.random.default_rng(0).normal(size=(60, 4))


def activations() -> list[Activation]:
    """Every registered activation that can be trained through, with its required arguments."""
    classes = [registry.get("activations", name) for name in registry.names("activations")]
    made = [cls(**arguments) for cls in classes for arguments in cls.examples or ({},)]
    return [activation for activation in made if activation.trainable]


def activations_for(loss: Loss) -> list[tuple[Activation, int]]:
    """Activations for numbers of outputs that the loss takes, too: the kit's width, and a single output."""
    found = {}
    for activation in activations():
        for n_outputs in (outputs_for(loss, columns_for(activation, 3)), outputs_for(loss, 1)):
            if columns_for(activation, n_outputs) == n_outputs:
                found[repr(activation), n_outputs] = activation, n_outputs
    return list(found.values())


def target_for(loss: Loss, n_outputs: int) -> np.ndarray:
    _, real, labels = example(loss, len(X), n_outputs, np.float64)
    chosen = labels if real is None else real
    assert chosen is not None
    return chosen


def gives(activation: Activation, n_columns: int) -> np.ndarray:
    """Sampled outputs over a wide range, instead of declared ones."""
    z = np.random.default_rng(1).uniform(-60, 60, (2000, n_columns))
    return activation.forward(z)


def will_do(loss: Loss, values: np.ndarray) -> bool:
    """Whether the loss is meaningful for outputs that take only these values."""
    low, high = values.min(), values.max()
    match loss.output_domain_for(values.shape[1]):
        case "real":
            return True
        case "logits":
            return bool(low < -0.5 and high > 5 and (low < -5 or activation_leaks(values)))
        case "signed":
            return bool(low < 0 < high)
        case "distribution":
            sums = values.sum(axis=1)
            return bool(low >= 0 and np.allclose(sums, np.round(sums)) and sums.min() > 0.5)
    raise AssertionError("a word that no built-in loss uses: teach this test")


def activation_of(loss: Loss) -> Activation | None:
    """The function that turns outputs into predictions."""
    name = loss.link or activation_for(loss, 1)
    return None if name is None else registry.resolve("activations", name)


def activation_leaks(values: np.ndarray) -> bool:
    """Whether negative values continue to fall, however slowly, while positive ones rise."""
    below = values[values < 0]
    return bool(below.size and np.quantile(below, 0.05) < 1.5 * np.quantile(below, 0.5))


@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_trained_or_refused(loss: Loss) -> None:
    failed = []
    for activation, n_outputs in activations_for(loss):
        try:
            check_trained_or_refused(loss, activation, n_outputs)
        except (AssertionError, NNCoreError, pytest.fail.Exception) as error:
            failed.append(f"{activation!r}, {n_outputs} outputs: {error!r}")
    assert not failed, "\n".join(failed)


def check_trained_or_refused(loss: Loss, activation: Activation, n_outputs: int) -> None:
    network = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(n_outputs, activation=activation))
    fit = {"loss": loss, "optimizer": nn.Adam(lr=0.02), "epochs": 30, "batch_size": 20, "rng": 0, "dtype": "float64", "progress": False}
    y = target_for(loss, n_outputs)
    if not will_do(loss, gives(activation, n_outputs)):
        with pytest.raises(ParameterError, match="but the network ends with") as refusal:
            network.fit(X, y, **fit)
        assert registry.qualified_name("losses", type(loss)).rpartition("/")[2] in str(refusal.value)
        named = registry.qualified_name("activations", type(activation)).rpartition("/")[2]
        assert ("dense_2 without an activation" if named == "identity" else repr(named)) in str(refusal.value)
        assert not network.is_built
        return
    history = network.fit(X, y, **fit)
    is_sure = "distribution" in (activation.output_domain, getattr(activation_of(loss), "output_domain", None))
    if n_outputs == 1 and (is_sure or np.ptp(gives(activation, 1)) == 0):
        return  # a single class always has the probability 1 and the loss 0: nothing to learn
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_the_activation_that_a_loss_asks_for_is_accepted(loss: Loss) -> None:
    n_outputs = outputs_for(loss, 3)
    nn.Sequential(nn.Dense(n_outputs, activation=activation_for(loss, n_outputs))).build(4, loss=loss, rng=0)


# ---- every way to train -----------------------------------------------------------------------------------------------------

Y = (X[:, :1] > 0).astype(float)


def misfit() -> nn.Sequential:
    return nn.Sequential(nn.Dense(1, activation="sigmoid"))


def built() -> nn.Sequential:
    """A network as a file may contain it: with a loss that can no longer be set."""
    network = misfit().build(4, loss="mse", optimizer="sgd", rng=0)
    network.allocate((4,), registry.resolve("losses", "binary_cross_entropy"), registry.resolve("optimizers", "sgd"), network.dtype)
    return network


WAYS: dict[str, Callable[[], object]] = {
    "setting it": lambda: setattr(misfit().build(4), "loss", "binary_cross_entropy"),
    "build": lambda: misfit().build(4, loss="binary_cross_entropy"),
    "fit": lambda: misfit().fit(X, Y, loss="binary_cross_entropy", progress=False),
    "fit of a built network": lambda: misfit().build(4).fit(X, Y, loss="binary_cross_entropy", progress=False),
    "fit with the network's loss": lambda: built().fit(X, Y, progress=False),
    "train_on_batch": lambda: built().train_on_batch(X, Y),
    "forward and backward": lambda: built().forward(X, training=True),
    "find_learning_rate": lambda: nn.find_learning_rate(misfit(), X, Y, loss="binary_cross_entropy"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_into_training_checks(way: str) -> None:
    with pytest.raises(ParameterError, match=r"binary_cross_entropy takes logits.* without an activation"):
        WAYS[way]()


def test_a_refused_fit_changes_nothing() -> None:
    network = misfit().build(4, loss="mse", optimizer="sgd", rng=0)
    network.fit(X, Y, epochs=1, progress=False)
    before, loss, seed = network.parameters.copy(), network.loss, network.seed
    with pytest.raises(ParameterError):
        network.fit(X, Y, loss="binary_cross_entropy", optimizer="adam", rng=7, progress=False)
    assert (network.parameters == before).all()
    assert network.loss is loss
    assert repr(network.optimizer) == repr(registry.resolve("optimizers", "sgd"))
    assert (network.seed, network.n_epochs) == (seed, 1)


def test_a_file_is_read_and_used_whatever_it_was_trained_with(tmp_path: Path) -> None:
    network = built()
    network.save(tmp_path / "a.nncore")
    loaded = nn.load(tmp_path / "a.nncore")
    assert (loaded.predict(X) == network.predict(X)).all()
    assert loaded.evaluate(X, Y)["loss"] > 0
    with pytest.raises(ParameterError, match="takes logits"):
        loaded.fit(X, Y, progress=False)


def test_the_examples_of_the_fault_are_refused_and_their_remedies_learn() -> None:
    y = (X[:, 0] > 0).astype(int)
    for n_outputs, activation, wrong, right in [
        (1, "sigmoid", "binary_cross_entropy", (None, "binary_cross_entropy")),
        (2, "softmax", "softmax_cross_entropy", ("softmax", "cross_entropy")),
        (2, None, "cross_entropy", (None, "softmax_cross_entropy")),
    ]:
        target = y[:, None] if n_outputs == 1 else y
        with pytest.raises(ParameterError, match="but the network ends with"):
            nn.Sequential(nn.Dense(n_outputs, activation=activation)).fit(X, target, loss=wrong, progress=False)
        network = nn.Sequential(nn.Dense(n_outputs, activation=right[0]))
        network.fit(X, target, loss=right[1], optimizer=nn.Adam(lr=0.1), epochs=40, batch_size=20, rng=0, progress=False)
        assert network.evaluate(X, target)["accuracy"] > 0.95
