"""RealMLP built from layers of nncore, compared step for step with runs of pytabkit 1.8.0 that make_realmlp_runs.py recorded.

Initial values and batches are pytabkit's; the losses of all 51 steps of a fit agree to rounding, and so do the final values. Its layers
divide by √d; here the weights include this factor. So their learning rate is pytabkit's divided by √d, and ε and the decay, which are
relative to the rate, are multiplied by it.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import RecordedOrder, StepLosses

import nncore as nn

DATA = np.load(Path(__file__).with_name("realmlp_runs.npz"))
EPOCHS, BATCH = 17, 32
#: By the name of our tensor: its place in pytabkit, and the learning rate of its group relative to that of weights.
TENSORS = {
    "periodic_embedding_1.frequency": ("plr/weight_1", 0.1),
    "periodic_embedding_1.phase": ("plr/bias_1", 0.1),
    "periodic_embedding_1.weight": ("plr/weight_2", 0.1),
    "periodic_embedding_1.bias": ("plr/bias_2", 0.1),
    "scale_1.scale": ("net/first_layer/layer-0/scale", 6.0),
    "dense_1.weight": ("net/first_layer/layer-0/weight", 1.0),
    "dense_1.bias": ("net/first_layer/layer-0/bias", 0.1),
    "parametric_activation_1.alpha": ("net/first_layer/layer-0/act", 0.1),
    "dense_2.weight": ("net/middle_layer/layer-1/weight", 1.0),
    "dense_2.bias": ("net/middle_layer/layer-1/bias", 0.1),
    "parametric_activation_2.alpha": ("net/middle_layer/layer-1/act", 0.1),
    "dense_3.weight": ("net/middle_layer/layer-2/weight", 1.0),
    "dense_3.bias": ("net/middle_layer/layer-2/bias", 0.1),
    "parametric_activation_3.alpha": ("net/middle_layer/layer-2/act", 0.1),
    "dense_4.weight": ("net/last_layer/layer-3/weight", 1.0),
    "dense_4.bias": ("net/last_layer/layer-3/bias", 0.1),
}


def network(case: str, width: int, n_outputs: int) -> nn.Sequential:
    """RealMLP without dropout, whose masks would come from another generator."""
    activation = "selu" if "classes" in case else "mish"
    if "TD-S" in case:
        hidden = [nn.Dense(width, activation=activation) for _ in range(3)]
        return nn.Sequential(nn.Scale(), *hidden, nn.Dense(n_outputs))
    pairs = [(nn.Dense(width), nn.ParametricActivation(activation)) for _ in range(3)]
    return nn.Sequential(nn.PeriodicEmbedding(), nn.Scale(), *(layer for pair in pairs for layer in pair), nn.Dense(n_outputs))


def theirs(case: str, when: str, name: str, like: np.ndarray) -> np.ndarray:
    """A tensor of pytabkit in our layout: without √d, and with embeddings after the inputs, not before."""
    values = DATA[f"{case}/{when}//{TENSORS[name][0]}"].reshape(like.shape if name != "dense_1.weight" else (-1, like.shape[1]))
    if name.startswith("dense_") and name.endswith("weight"):
        values = values / math.sqrt(len(values))
    if "TD-S" not in case and name in ("scale_1.scale", "dense_1.weight"):
        n_columns = DATA[f"{case}/x"].shape[1]
        values = np.concatenate([values[-n_columns:], values[:-n_columns]])
    return values


def groups(net: nn.Sequential, case: str) -> dict[str, dict[str, float]]:
    """Learning rates, and a decay p ← p(1 − 0.02·lr·factor²) for all but the biases."""
    found = {}
    for name, tensor in net.named_parameters().items():
        of_layer, factor = name.partition(".")[0], TENSORS[name][1]
        root = math.sqrt(len(tensor)) if of_layer.startswith("dense_") and name.endswith("weight") else 1.0
        decay = 0.0 if "TD-S" in case or (of_layer.startswith("dense_") and name.endswith("bias")) else 0.02 * factor * root
        found[name] = {"lr_factor": factor / root, "epsilon": 1e-8 * root, "weight_decay": decay}
    return found


LR = {"TD-S, classes": 0.04, "TD-S, regression": 0.07, "TD, classes": 0.04, "TD, regression": 0.2}


@pytest.mark.parametrize("case", LR)
def test_every_loss_of_a_fit(case: str) -> None:
    X, y, batches, losses = (DATA[f"{case}/{name}"] for name in ("x", "y", "batches", "losses"))
    if y.dtype.kind == "f":
        y = (y - y.mean()) / y.std()
    net = network(case, 16, 3 if "classes" in case else 1).build(X.shape[1], rng=0)
    named = net.named_parameters()
    assert {TENSORS[name][0] for name in named} == {key.partition("first//")[2] for key in DATA if key.startswith(f"{case}/first")}
    for name, tensor in named.items():
        tensor[...] = theirs(case, "first", name, tensor)
    steps = StepLosses([BATCH] * (51 // EPOCHS))
    decays = {} if "TD-S" in case else {"weight_decay": "flat_cosine"}
    net.fit(
        X, y, loss={"name": "softmax_cross_entropy", "label_smoothing": 0.1} if "classes" in case else "mse",
        optimizer=nn.AdamW(lr=LR[case], beta2=0.95, weight_decay=0.0), groups=groups(net, case), schedule={"lr": "coslog4", **decays},
        sampler=RecordedOrder(batches.reshape(EPOCHS, -1).tolist()), callbacks=[steps], batch_size=BATCH, epochs=EPOCHS, progress=False,
    )  # fmt: skip
    assert len(steps.found) == len(losses) == 51
    np.testing.assert_allclose(steps.found, losses, rtol=2e-4)
    for name, tensor in named.items():
        np.testing.assert_allclose(tensor, theirs(case, "last", name, tensor), atol=2e-3)


def test_rates_of_dropout_are_those_at_the_start_of_a_step() -> None:
    """t = step / n_steps counts finished steps: the first has t = 0, and the last not quite 1."""
    X, y, n_steps = DATA["TD, classes/x"], DATA["TD, classes/y"], 51
    net = nn.Sequential(nn.Dense(8, activation="selu"), nn.Dropout(0.15), nn.Dense(3))
    history = net.fit(
        X, y, loss="softmax_cross_entropy", optimizer="adam", schedule={"lr": "coslog4", "dropout_1.rate": "flat_cosine"}, epochs=EPOCHS,
        batch_size=BATCH, drop_last=True, rng=0, progress=False,
    )  # fmt: skip
    assert net.n_steps == n_steps, "the last, incomplete batch is dropped"
    t = (np.arange(EPOCHS) * 3 + 2) / n_steps  # of the last step of each epoch
    falling = np.where(t < 0.5, 1, 0.5 * (1 + np.cos(np.pi * (2 * t - 1))))
    np.testing.assert_allclose(history["dropout_1.rate"], 0.15 * falling, rtol=1e-12)
    np.testing.assert_allclose(history["lr"], 1e-3 * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))), rtol=1e-12, atol=1e-18)
