"""Records runs of pytabkit's RealMLP for test_realmlp.py; run with a Python that has pytabkit 1.8.0, and PYTHONPATH=tests.

Small networks on a small table: initial values, the rows of every batch, the loss of every step of the whole fit, and the values at its
end. Dropout is off, since its masks come from another generator.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor, RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor
from pytabkit.models.nn_models.nn import PLREmbeddingsLayerCosBias
from pytabkit.models.training.lightning_modules import TabNNModule
from pytabkit_runs import record

CASES = {
    "TD-S, classes": (RealMLP_TD_S_Classifier, {}),
    "TD-S, regression": (RealMLP_TD_S_Regressor, {}),
    "TD, classes": (RealMLP_TD_Classifier, {"p_drop": 0.0}),
    "TD, regression": (RealMLP_TD_Regressor, {"p_drop": 0.0}),
}
WIDTH, BATCH, EPOCHS = 16, 32, 17


def table() -> tuple[np.ndarray, np.ndarray]:
    """Samples and a real target."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(135, 4)) * [1, 3, 0.2, 10] + [0, 1, -3, 50]
    signal = X[:, 0] * X[:, 1] + np.sin(10 * X[:, 2]) + 0.1 * X[:, 3]
    y = signal + 0.3 * rng.normal(size=len(X))
    return X, y


def recorded(maker: Any, arguments: dict[str, Any], X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    found: dict[str, Any] = {"losses": [], "batches": []}
    original, embed = TabNNModule.training_step, PLREmbeddingsLayerCosBias.forward_cont
    scaled: list[np.ndarray] = []

    def forward_cont(self: Any, x: Any) -> Any:
        if self.training:
            scaled.append(x[0].numpy().copy())
        return embed(self, x)

    def training_step(self: Any, batch: Any, number: int) -> Any:
        if not found["losses"]:
            data, rows = self.train_dl.ds.tensors, self.train_dl.idxs[0]
            found["x"], found["y"] = data["x_cont"][rows].numpy().copy(), data["y"][rows].numpy().copy()
            for name, parameter in zip(names_of(self.model), self.model.parameters(), strict=True):
                found[f"first/{name}"] = parameter[0].detach().numpy().copy()
        same = (batch["x_cont"][0].numpy()[:, None] == found["x"][None]).all(axis=2)
        assert (same.sum(axis=1) == 1).all()
        found["batches"].append(same.argmax(axis=1))
        loss = original(self, batch, number)
        found["losses"].append(loss.item())
        found["last"] = {name: p[0].detach().numpy().copy() for name, p in zip(names_of(self.model), self.model.parameters(), strict=True)}
        return loss

    TabNNModule.training_step, PLREmbeddingsLayerCosBias.forward_cont = training_step, forward_cont
    try:
        maker(
            hidden_sizes=[WIDTH] * 3,
            batch_size=BATCH,
            n_epochs=EPOCHS,
            n_cv=1,
            n_refit=0,
            val_fraction=0.2,
            random_state=0,
            device="cpu",
            n_threads=1,
            **arguments,
        ).fit(X, y)
    finally:
        TabNNModule.training_step, PLREmbeddingsLayerCosBias.forward_cont = original, embed
    if scaled:  # the network scales columns itself before its embeddings
        found["x"] = np.full_like(found["x"], np.nan)
        for rows, x in zip(found["batches"], scaled, strict=True):
            found["x"][rows] = x
        assert np.isfinite(found["x"]).all(), "every row was in a batch"
    y_used = found["y"]
    found["y"] = y_used.argmax(axis=1) if y_used.shape[1] > 1 else y_used[:, 0]  # classes, whose labels TD-S smooths first
    found |= {f"last/{name}": values for name, values in found.pop("last").items()}
    return {name: np.asarray(values) for name, values in found.items()}


def names_of(model: Any) -> list[str]:
    return [str(parameter.context.scope) for parameter in model.parameters()]


if __name__ == "__main__":
    record(Path(__file__).with_name("realmlp_runs.npz"), CASES, *table(), recorded)
