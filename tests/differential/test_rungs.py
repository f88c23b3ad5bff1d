"""Random networks train alike on the compiled rung and on NumPy, and with the same bits on one thread and on several.

``NNCORE_EXAMPLES=5000`` sets their number, ``NNCORE_FIRST_EXAMPLE=5000`` the first of them.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from differential.random_networks import Case, random_case, twin_of, written

import nncore as nn
from nncore.errors import NonFiniteError
from nncore.testing import team_of
from nncore.testing.expectations import expect_same_bits

FIRST, EXAMPLES = int(os.environ.get("NNCORE_FIRST_EXAMPLE", "0")), int(os.environ.get("NNCORE_EXAMPLES", "60"))
AT_ONCE = 10
#: Tolerance relative to an array's largest number: the effect of two orders of summation over a few steps.
TOLERANCE = {"float32": 2e-3, "float64": 1e-6}


def outcome(case: Case, n_parts: int) -> dict[str, np.ndarray] | None:
    """Results and state after a fit, a prediction and a single step; None if numbers were no longer finite."""
    network = case.network()
    try:
        with team_of(n_parts), np.errstate(over="ignore", invalid="ignore"):  # NumPy would warn before the host raises an error
            history = network.fit(case.X, case.y, **case.fit)
            found = {"loss": np.array(history["loss"]), "predictions": network.predict(case.X), "parameters": network.parameters.copy()}
            kept = [*network.named_buffers().values(), *network.optimizer_state.values()]
            found |= {f"buffer or state {number}": array for number, array in enumerate(kept)}
            found = {name: array.copy() for name, array in found.items()}
            return found | by_hand(network, case)
    except NonFiniteError:
        return None


def by_hand(network: nn.Sequential, case: Case) -> dict[str, np.ndarray]:
    weight = case.fit.get("sample_weight")
    found: dict[str, Any] = {"outputs": network.forward(case.X, training=True)}
    found["value"] = np.array(network.backward(case.y, sample_weight=weight))
    frozen = {name for name, rules in case.fit.get("groups", {}).items() if rules.get("frozen")}  # their gradients are undefined
    gradients = {f"gradient of {name}": array.copy() for name, array in network.named_gradients().items() if name not in frozen}
    return found | gradients | {"d_input": network.d_input.copy()}


def expect_close(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray], tolerance: float) -> None:
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        scale = float(np.abs(array).max(initial=0)) + 1e-3
        np.testing.assert_allclose(actual[name], array, rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("first", range(FIRST, FIRST + EXAMPLES, AT_ONCE))
def test_random_networks_train_alike(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        case = random_case(seed)
        try:
            alone = outcome(case, 1)
            if alone is not None and case.n_parts > 1:
                for name, array in (outcome(case, case.n_parts) or {}).items():
                    expect_same_bits(array, alone[name], f"{case.n_parts} threads: {name}")
            on_numpy = outcome(twin_of(case), 1)
            assert (alone is None) == (on_numpy is None), "numbers are no longer finite on one rung alone"
            if alone is not None and on_numpy is not None:
                expect_close(alone, on_numpy, TOLERANCE[case.fit["dtype"]])
        except Exception as error:
            raise AssertionError(f"example {seed}: {error}\n{written(case)}") from error
