"""Records schedules of torch.optim.lr_scheduler, as data for test_torch.py; run with a Python that has PyTorch when a case is added.

Every case is a fit of a number of steps. It has the schedule of nncore and the scheduler of PyTorch, stepped after every step, that should
give the same learning rates from ``lr=1``. Plateaus are stepped after every epoch of one step, with the losses of `LOSSES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import lr_scheduler

LOSSES = [5.0, 4.0, 4.5, 4.2, 3.99, 4.1, 3.98, 3.97, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5, 1.0, 1.1, 0.95, 0.94]


def warm_cosine(optimizer: torch.optim.Optimizer) -> Any:
    parts = [lr_scheduler.LinearLR(optimizer, 1 / 11, total_iters=10), lr_scheduler.CosineAnnealingLR(optimizer, 90)]
    return lr_scheduler.SequentialLR(optimizer, parts, milestones=[10])


#: schedule of nncore, steps, scheduler of PyTorch
CASES: list[tuple[dict[str, Any], int, Callable[[torch.optim.Optimizer], Any]]] = [
    ({"name": "cosine"}, 40, lambda o: lr_scheduler.CosineAnnealingLR(o, 40)),
    ({"name": "cosine", "last": 0.1}, 40, lambda o: lr_scheduler.CosineAnnealingLR(o, 40, eta_min=0.1)),
    ({"name": "cosine", "cycles": 4}, 40, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10)),
    ({"name": "cosine", "cycles": 3, "growth": 2, "last": 0.01}, 70, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10, 2, 0.01)),
    ({"name": "step", "milestones": [0.3, 0.8]}, 60, lambda o: lr_scheduler.MultiStepLR(o, [18, 48])),
    ({"name": "step", "every": 0.1, "multiplier": 0.7}, 70, lambda o: lr_scheduler.StepLR(o, 7, 0.7)),
    ({"name": "one_cycle"}, 50, lambda o: lr_scheduler.OneCycleLR(o, 1.0, 50)),
    (
        {"name": "one_cycle", "rise": 0.45, "first": 0.1, "last": 0.001},
        37,
        lambda o: lr_scheduler.OneCycleLR(o, 1.0, 37, pct_start=0.45, div_factor=10, final_div_factor=100),
    ),
    ({"name": "warmup", "fraction": 0.1}, 100, warm_cosine),
    ({"name": "polynomial"}, 40, lambda o: lr_scheduler.PolynomialLR(o, 40)),
    ({"name": "polynomial", "power": 2.5}, 40, lambda o: lr_scheduler.PolynomialLR(o, 40, 2.5)),
    ({"name": "exponential", "multiplier": 0.9, "every": 0.02}, 50, lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    ({"name": "cyclic", "cycles": 3, "first": 0.1}, 60, lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 10, cycle_momentum=False)),
    (
        {"name": "cyclic", "cycles": 3, "first": 0.1, "rise": 0.25, "mode": "triangular2"},
        60,
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 5, 15, "triangular2", cycle_momentum=False),
    ),
    (
        {"name": "cyclic", "cycles": 4, "first": 0.1, "mode": "exp_range", "multiplier": 0.9**16},
        64,
        lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 8, mode="exp_range", gamma=0.9, cycle_momentum=False),
    ),
    # PyTorch waits for one epoch more than its `patience`.
    ({"name": "plateau", "patience": 3}, 24, lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=2, threshold=0)),
    (
        {"name": "plateau", "patience": 1, "cooldown": 2},
        24,
        lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0, cooldown=2),
    ),
    (
        {"name": "plateau", "patience": 1, "multiplier": 0.5, "min_delta": 0.05, "min_factor": 0.02},
        24,
        lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.05, threshold_mode="abs", min_lr=0.02, eps=0),
    ),
]


def rates(n_steps: int, make: Callable[[torch.optim.Optimizer], Any]) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64, requires_grad=True)], lr=1.0)
    scheduler, found = make(optimizer), []
    for loss in (LOSSES * n_steps)[:n_steps]:
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(loss)
        else:
            scheduler.step()
    return found


if __name__ == "__main__":
    cases = [{"schedule": schedule, "rates": rates(n_steps, make)} for schedule, n_steps, make in CASES]
    text = json.dumps({"torch": torch.__version__, "losses": LOSSES, "cases": cases})
    Path(__file__).with_name("torch_factors.json").write_text(text.replace('{"schedule"', '\n{"schedule"') + "\n")
