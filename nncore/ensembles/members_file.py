"""Convert members to JSON and back. Files may be malicious, so every field is checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout
from nncore.ensembles.members import Members
from nncore.ensembles.target_scale import TargetScale
from nncore.errors import FileFormatError, NNCoreError
from nncore.network import Sequential

#: The key among the metadata of the first network of a file under which an estimator describes itself.
ESTIMATOR_KEY = "nncore.estimators"

# ---- writing ----------------------------------------------------------------------------------------------------------------


def described_members(members: Sequence[Members]) -> list[dict[str, Any]]:
    """Describe members, except their networks, for JSON."""
    return [_described(one) for one in members]


def _described(members: Members) -> dict[str, Any]:
    return {
        "n_networks": len(members.networks),
        "weights": members.weights,
        "numbers": members.columns.numbers.to_json(),
        "hot": members.columns.hot.to_json(),
        "coded": members.columns.coded.to_json(),
        "target": None if members.target is None else members.target.chain.to_json(),
    }


# ---- reading ----------------------------------------------------------------------------------------------------------------


@contextmanager
def damage_told() -> Iterator[None]:
    """Turn errors in the block into `FileFormatError`: the file is damaged."""
    try:
        yield
    except FileFormatError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, NNCoreError) as error:
        raise FileFormatError(f"the description of the ensemble is damaged ({error!r})") from error


def need(is_right: bool, what: str) -> None:
    """Raise `FileFormatError` unless the description is right."""
    if not is_right:
        raise FileFormatError(f"the description of the ensemble is damaged: {what}")


def count_of(value: Any, what: str) -> int:
    """Check that a value is a whole number of at least 0."""
    need(type(value) is int and 0 <= value < 2**31, f"{what} is not a whole number from 0 on")
    return int(value)


def number_of(value: Any, what: str) -> float:
    """Check that a value is a finite number."""
    need(type(value) in (int, float) and math.isfinite(value), f"{what} is not a finite number")
    return float(value)


def numbers_of(values: Any, length: int, what: str) -> NDArray[np.float64]:
    """Check that values are `length` finite numbers."""
    need(isinstance(values, list) and len(values) == length, f"{what} are not a list of {length} numbers")
    need(all(type(value) in (int, float) and math.isfinite(value) for value in values), f"{what} are not all finite numbers")
    return np.array(values, np.float64)


def read_members(described: Any, layout: InputLayout, networks: list[Sequential], n_targets: int | None, n_outputs: int) -> list[Members]:
    """Restore members from `described_members`.

    Parameters
    ----------
    described : list
    layout : InputLayout
        Layout of the columns that the caller expects.
    networks : list of Sequential
        All networks of the file.
    n_targets : int or None
        Number of real targets; None for classes.
    n_outputs : int
        Outputs of each network.

    Raises
    ------
    FileFormatError
        If description and networks do not match. Call it inside `damage_told`, which converts other errors.
    """
    need(isinstance(described, list) and bool(described), "it has no members")
    left, members = list(networks), []
    for one in described:
        n_networks = count_of(one["n_networks"], "n_networks")
        need(1 <= n_networks <= len(left), "the numbers of networks of its members do not add up to its networks")
        own, left = left[:n_networks], left[n_networks:]
        members.append(_members(one, layout, own, n_targets, n_outputs))
    need(not left, "the numbers of networks of its members do not add up to its networks")
    return members


def _members(described: Any, layout: InputLayout, networks: list[Sequential], n_targets: int | None, n_outputs: int) -> Members:
    numbers = EncodingChain.from_json(described["numbers"], len(layout.numbers))
    hot = EncodingChain.from_json(described["hot"], len(layout.hot))
    need(bool((hot.learned[0]["n_levels"] == layout.hot_levels).all()), "levels of one-hot columns do not match")
    coded = EncodingChain.from_json(described["coded"], len(layout.coded))
    need(coded.n_levels is not None and bool((coded.n_levels == layout.coded_levels).all()), "levels of coded columns do not match")
    columns = InputColumns(layout, numbers, hot, coded)
    for network in networks:
        need(network.input_shape == (columns.n_inputs,) and network.output_shape == (n_outputs,), "a network has the wrong shape")
    weights = None if described["weights"] is None else numbers_of(described["weights"], len(networks), "weights of networks").tolist()
    need(weights is None or min(weights) > 0, "weights of networks are not positive")
    if described["target"] is None:
        return Members(columns, None, networks, weights)
    if n_targets is None:
        raise FileFormatError("the description of the ensemble is damaged: classes have a target scale")
    scale = TargetScale(EncodingChain.from_json(described["target"], n_targets))
    need(scale.fits(networks[0].loss), "its target scale does not match its loss")
    return Members(columns, scale, networks, weights)
