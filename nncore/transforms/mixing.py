"""Shared by transforms that mix two samples."""

from __future__ import annotations

import numpy as np

from nncore.plugin import TransformCall


def mixing_share(words: np.ndarray, alpha: float) -> float:
    """max(λ, 1 − λ), λ from Beta(alpha, alpha): ½ + ½·√(1 − q)·|c| / √(q + (1 − q)·c²), q = u^(1/alpha), c = cos 2πv."""
    first, second, third = (int(word) for word in words[:3])
    u, v = (first + (second + 0.5) / 2.0**32) / 2.0**32, third / 2.0**32
    q, c = u ** (1 / alpha), np.cos(2 * np.pi * v)
    return float(0.5 + 0.5 * np.sqrt(1 - q) * abs(c) / np.sqrt(q + (1 - q) * c * c))


def partner_distance(words: np.ndarray, n_rows: int) -> int:
    """Distance in rows of the partner: 1 to n_rows − 1, if there are several rows."""
    return 1 + (int(words[3]) * (n_rows - 1) >> 32) if n_rows > 1 else 0


def mix_targets(call: TransformCall, partner: np.ndarray, share: float) -> None:
    """Mixed targets and weights: `share` of a row's own and the rest of its partner's."""
    assert call.source_target is not None
    assert call.source_weight is not None
    assert call.target is not None
    assert call.weight is not None
    dtype = call.x.dtype.type
    share = dtype(share)
    weight, other_weight = call.source_weight, call.source_weight[partner]
    total = other_weight + share * (weight - other_weight)
    is_plain = (weight == other_weight) | (total <= 0)
    of_own = np.where(is_plain, share, share * weight / np.where(is_plain, 1, total)).astype(dtype)[:, None]
    other_target = call.source_target[partner]
    call.target[...] = other_target + of_own * (call.source_target - other_target)
    call.weight[...] = total
