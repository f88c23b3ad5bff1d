"""Records runs of pytabkit's TabM-D for test_tabm_network.py; run with a Python that has pytabkit 1.8.0, and PYTHONPATH=tests.

Small networks on a small table: encoded inputs, initial values, the rows of every batch (of all members or of each), and scores. The scores
are the loss of every step and the validation score of every epoch. Dropout is off, since its masks would come from another generator.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytabkit import TabM_D_Classifier, TabM_D_Regressor
from pytabkit.models.alg_interfaces import tabm_interface
from pytabkit_runs import record

CASES = {
    "tabm, classes": (TabM_D_Classifier, {}),
    "tabm-mini, regression": (TabM_D_Regressor, {"arch_type": "tabm-mini"}),
    "embedded, classes": (
        TabM_D_Classifier,
        {"num_emb_type": "pwl", "num_emb_n_bins": 8, "d_embedding": 4, "weight_decay": 0.3, "gradient_clipping_norm": 0.5},
    ),
    "embedded mini, regression": (
        TabM_D_Regressor,
        {"arch_type": "tabm-mini", "num_emb_type": "pwl", "num_emb_n_bins": 5, "d_embedding": 3, "weight_decay": 0.3},
    ),
    "own batches, classes": (TabM_D_Classifier, {"share_training_batches": False}),
    "embedded, own batches, regression": (
        TabM_D_Regressor,
        {"share_training_batches": False, "num_emb_type": "pwl", "num_emb_n_bins": 8, "d_embedding": 4},
    ),
}
MEMBERS, WIDTH, BATCH, EPOCHS = 4, 16, 32, 6


def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Samples and a real target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(130, 3)) * [1, 3, 0.2] + [0, 1, -3], columns=["a", "b", "c"])
    X["d"] = pd.Categorical(rng.choice(["x", "y", "z"], len(X)))
    y = X["a"] * X["b"] + np.sin(10 * X["c"]) + (X["d"] == "x") + 0.3 * rng.normal(size=len(X))
    return X, y.to_numpy()


def recorded(maker: Any, arguments: dict[str, Any], X: pd.DataFrame, y: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, Any] = {"batches": [], "losses": [], "scores": []}
    functional, original = torch.nn.functional, tabm_interface.Model
    names = ("cross_entropy", "mse_loss")
    losses = {name: getattr(functional, name) for name in names}
    permuted, drawn, measured = torch.randperm, torch.rand, tabm_interface.Metrics.apply
    arguments = {"share_training_batches": True} | arguments
    shares = arguments["share_training_batches"]
    inputs: dict[str, list[torch.Tensor]] = {"x": [], "levels": [], "y": []}

    class Model(original):  # type: ignore[misc,valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            found["first"] = {name: tensor.detach().numpy().copy() for name, tensor in self.named_parameters()}
            found["model"] = self

        def forward(self, x_num: Any = None, x_cat: Any = None) -> Any:
            if self.training:
                inputs["x"].append(x_num.clone())
                inputs["levels"].append(x_cat.clone())
            return super().forward(x_num, x_cat)

    def randperm(n: int, **kwargs: Any) -> Any:
        found["batches"].append(permuted(n, **kwargs))
        return found["batches"][-1]

    def rand(*size: Any, **kwargs: Any) -> Any:
        numbers = drawn(*size, **kwargs)
        if not shares and numbers.shape == (MEMBERS, 104):  # each member has an order of its own
            found["batches"].append(numbers.argsort(dim=1))
        return numbers

    def watched(name: str) -> Any:
        def loss(prediction: Any, target: Any) -> Any:
            # With shared batches, pytabkit has mse_loss broadcast predictions (n, 1) against targets (n,): all with all.
            value = losses[name](prediction, target.reshape(prediction.shape) if name == "mse_loss" else target)
            found["losses"].append(value.item())
            inputs["y"].append(target.reshape(-1, MEMBERS)[:, 0].clone() if shares else target.reshape(-1).clone())
            return value

        return loss

    def apply(*args: Any, **kwargs: Any) -> Any:
        value = measured(*args, **kwargs)
        found["scores"].append(value.item())
        return value

    tabm_interface.Model, torch.randperm, torch.rand, tabm_interface.Metrics.apply = Model, randperm, rand, apply
    for name in names:
        setattr(functional, name, watched(name))
    try:
        maker(
            tabm_k=MEMBERS, d_block=WIDTH, n_blocks=2, dropout=0.0, batch_size=BATCH, n_epochs=EPOCHS,
            random_state=0, device="cpu", n_threads=1, **arguments,
        ).fit(X, y)  # fmt: skip
    finally:
        tabm_interface.Model, torch.randperm, torch.rand, tabm_interface.Metrics.apply = original, permuted, drawn, measured
        for name in names:
            setattr(functional, name, losses[name])
    batches = [order.numpy() for order in found.pop("batches") if order.shape[-1] == 104][-EPOCHS:]
    rows = np.concatenate(batches)
    if not shares:  # batch after batch, sample after sample, member after member
        rows = np.concatenate([order[:, first : first + BATCH].T.ravel() for order in batches for first in range(0, 104, BATCH)])
    arrays = {"batches": np.array(batches), "losses": np.array(found["losses"]), "scores": np.array(found["scores"][:EPOCHS])}
    for name, parts in inputs.items():
        values = torch.cat(parts).numpy()
        arrays[name] = np.empty((104, *values.shape[1:]), values.dtype)
        arrays[name][rows] = values
    arrays |= {f"first/{name}": values for name, values in found["first"].items()}
    return arrays


if __name__ == "__main__":
    record(Path(__file__).with_name("tabm_runs.npz"), CASES, *table(), recorded)
