"""Search for a learning rate and a width with Optuna, and give up early on trials that fall behind the others.

A callback reports the validation loss after every epoch; Optuna's pruner compares it with that of earlier trials at the same epoch.
Needs Optuna (``pip install optuna``); takes a few seconds.
"""

from __future__ import annotations

from typing import Any

import optuna

import nncore as nn
from nncore.datasets import load_digits_split

X_train, y_train, X_val, y_val = load_digits_split()
X_train, X_val = X_train.reshape(-1, 64)[:1000] / 16, X_val.reshape(-1, 64)[:500] / 16
y_train, y_val = y_train[:1000], y_val[:500]


class Pruning(nn.plugin.Callback):
    """Tell a trial how it is doing, and end it if it is not worth going on."""

    def __init__(self, trial: optuna.Trial, monitor: str = "val_loss") -> None:
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, training: Any) -> None:
        self.trial.report(training.history[self.monitor][-1], training.epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"pruned after epoch {training.epoch}")


def objective(trial: optuna.Trial) -> float:
    """The best validation loss of a network with the trial's hyperparameters."""
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    n_units = trial.suggest_int("n_units", 8, 64, log=True)
    net = nn.Sequential(nn.Dense(n_units, activation="relu"), nn.Dense(10))
    history = net.fit(
        X_train, y_train, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=lr), epochs=15, batch_size=32, rng=0,
        validation=(X_val, y_val), schedule="one_cycle", callbacks=[Pruning(trial)], progress=False,
    )  # fmt: skip
    return float(history["val_loss"].min())


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=pruner)
    study.optimize(objective, n_trials=16)
    pruned = study.get_trials(states=[optuna.trial.TrialState.PRUNED])
    print(f"{len(study.trials)} trials, {len(pruned)} of them pruned")
    print(f"best validation loss {study.best_value:.3f} with {study.best_params}")
