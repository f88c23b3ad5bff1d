"""Flags that add state to an optimizer, and decoupled weight decay of only some tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import Optimizer
from nncore.testing import team_of

CASES: list[tuple[Optimizer, int]] = [(nn.Adam(amsgrad=True), 3), (nn.AdamW(amsgrad=True), 3), (nn.RMSProp(centered=True), 2)]
X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)


def network(optimizer: Any, **settings: Any) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(3000, activation="tanh"), nn.Dense(2)).build(5, loss="mse", optimizer=optimizer, rng=3)
    return fit(net, 2, **settings)


def fit(net: nn.Sequential, epochs: int, **settings: Any) -> nn.Sequential:
    net.fit(X, Y, epochs=epochs, batch_size=16, progress=False, **settings)
    return net


@pytest.mark.parametrize(("optimizer", "n_slots"), CASES, ids=lambda value: repr(value))
def test_a_flag_brings_its_slot_and_files_hold_it(optimizer: Optimizer, n_slots: int, tmp_path: Path) -> None:
    net = network(optimizer)
    assert len(net.optimizer_state) == n_slots * 4
    net.save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    with team_of(3):
        fit(again, 1)
    np.testing.assert_array_equal(again.parameters, fit(net, 1).parameters)
    for name, kept in net.optimizer_state.items():
        np.testing.assert_array_equal(again.optimizer_state[name], kept)


@pytest.mark.parametrize("flag", ["amsgrad", "centered"])
def test_a_network_s_own_does_not_change_its_state(flag: str) -> None:
    net = network(nn.Adam() if flag == "amsgrad" else nn.RMSProp())
    with pytest.raises(ParameterError, match="state"):
        setattr(net.optimizer, flag, True)
    assert not getattr(net.optimizer, flag)


def test_amsgrad_takes_no_longer_steps_after_a_large_gradient() -> None:
    """AMSGrad's steps do not grow after a large gradient; Adam's do, since it forgets the gradient."""
    ends = {}
    for amsgrad in (False, True):
        optimizer = nn.Adam(0.1, beta1=0.0, beta2=0.5, amsgrad=amsgrad)
        w, state = np.zeros(1), np.zeros((optimizer.n_slots, 1))
        for t, g in enumerate([100.0, *[1.0] * 20], start=1):
            optimizer.step(w, np.array([g]), state, t)
        ends[amsgrad] = -w[0]
    assert ends[True] < 0.15
    assert ends[False] > 1.0


def test_centered_does_not_take_a_root_of_less_than_nothing() -> None:
    """Centred RMSProp never takes the root of a negative number: for equal gradients r − a² consists of rounding errors."""
    optimizer = nn.RMSProp(1e-3, rho=0.5, epsilon=1.0, centered=True)
    w, state = np.zeros(200, np.float32), np.zeros((2, 200), np.float32)
    g = np.linspace(0.1, 1e3, 200, dtype=np.float32)
    for t in range(1, 60):
        optimizer.step(w, g, state, t)
    assert np.isfinite(w).all()


def test_decoupled_decay_leaves_out_what_a_group_says() -> None:
    """Groups exclude tensors from decoupled decay, which alone moves tensors without gradients."""
    net = nn.Sequential(nn.Dense(4, bias_initializer={"name": "constant", "value": 1.0}), nn.Dense(2)).build(5, loss="mse", rng=0)
    before = {name: tensor.copy() for name, tensor in net.named_parameters().items()}
    zeros = np.zeros(64, np.float32)
    net.fit(
        X, Y, sample_weight=zeros + 1e-30, optimizer=nn.AdamW(lr=0.1, epsilon=1e10, weight_decay=0.5), epochs=1, batch_size=64,
        groups={"*.bias": {"weight_decay": 0.0}}, progress=False,
    )  # fmt: skip
    for name, tensor in net.named_parameters().items():
        kept = 1.0 if name.endswith("bias") else 0.95
        np.testing.assert_allclose(tensor, kept * before[name], rtol=1e-6, atol=1e-9)
