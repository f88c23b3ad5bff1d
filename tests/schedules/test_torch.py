"""Learning rates of torch.optim.lr_scheduler, recorded by make_torch_factors.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore import registry
from nncore.contract import History

DATA = json.loads(Path(__file__).with_name("torch_factors.json").read_text())


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: ", ".join(map(str, case["schedule"].values())))
def test_factors_are_those_of_torch(case: dict[str, Any]) -> None:
    schedule, n_steps = registry.resolve("schedules", case["schedule"]), len(case["rates"])
    if case["schedule"]["name"] == "plateau":
        history, factors = History(), []
        for step, loss in enumerate(DATA["losses"]):
            factors.append(schedule.factor(np.array([step]), n_steps)[0])
            history.append(val_loss=loss)
            schedule.observe(history)
    else:
        factors = schedule.factor(np.arange(n_steps), n_steps)
    np.testing.assert_allclose(factors, case["rates"], rtol=1e-9, atol=1e-12)
