"""The base class of losses."""

from __future__ import annotations

from nncore.plugin import Loss


def test_a_loss_wants_as_many_targets_as_outputs():
    assert Loss().n_targets(3) == 3
