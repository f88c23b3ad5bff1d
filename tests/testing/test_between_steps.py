"""The kits for regularizers and constraints find violations of the contract: each class here has one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import registering

import nncore as nn
from nncore import registry
from nncore.plugin import Constraint, Kernel, Regularizer, function_table
from nncore.testing import tables
from nncore.testing.report import conformance_class, outcome, verify


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


def kernel_of(kind: str, name: str) -> Kernel:
    """The kernel of a built-in component, offered by a module of this process."""
    functions = vars(tables.open_table(registry.get(f"{kind}s", name).kernel.load(), kind))
    module = ModuleType(f"lent_{kind}_{name}")
    module.table = function_table(kind, **{key: function.pointer for key, function in functions.items()})  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return Kernel(f"{module.__name__}:table")


class Quartic(Regularizer):
    """λ·Σw⁴."""

    ranges: ClassVar[dict[str, str]] = {"strength": "[0, inf)"}

    def __init__(self, strength: float = 0.01) -> None:
        self.strength = strength

    def value(self, w: np.ndarray) -> float:
        return float(self.strength * np.sum(w**4, dtype=np.float64))

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += 4 * self.strength * w**3


class Box(Constraint):
    """Weights between -1 and 1."""

    def project(self, w: np.ndarray, rate: float) -> None:
        np.clip(w, -1, 1, out=w)

    def is_feasible(self, w: np.ndarray) -> np.ndarray:
        return np.abs(w) <= 1


@pytest.mark.parametrize(("kind", "cls"), [("regularizers", Quartic), ("constraints", Box)])
def test_a_sound_component_passes_everything(kind: str, cls: Any) -> None:
    nn.register(kind, cls, "sound")
    found = list(verify(kind, "sound"))
    assert [result for result in found if result.status == "failed"] == []
    assert len(found) >= 14


class WrongGradient(Quartic):
    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += 3 * self.strength * w**3


class Overwriting(Quartic):
    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g[...] = 4 * self.strength * w**3


class Writing(Quartic):
    def value(self, w: np.ndarray) -> float:
        w *= 0.5
        return 0.0


class Array(Quartic):
    def value(self, w: np.ndarray) -> Any:
        return w**4


class NanAtZero(Quartic):
    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            g += 4 * self.strength * w**5 / w**2


class Halves(Quartic):
    split = "halves"


class OtherKernel(Quartic):
    """Has the kernel of L2."""

    split = "elements"
    kernel = kernel_of("regularizer", "l2")


class WrongSplit(nn.GroupLasso):
    """Takes norms of rows, but declares that it can be split into elements."""

    split = "elements"
    kernel = kernel_of("regularizer", "group_lasso")


class Loose(Box):
    def project(self, w: np.ndarray, rate: float) -> None:
        np.clip(w, -2, 2, out=w)


class Idle(nn.UnitNorm):
    """Does nothing."""

    def project(self, w: np.ndarray, rate: float) -> None:
        pass


class Shrinking(Box):
    def project(self, w: np.ndarray, rate: float) -> None:
        w *= 0.5 / max(1.0, np.abs(w).max())


class Infinite(Box):
    def project(self, w: np.ndarray, rate: float) -> None:
        with np.errstate(all="ignore"):
            w /= np.abs(w).max()


class WrongColumns(nn.MaxNorm):
    """Declares rows, but its kernel takes the norms of columns."""

    split = "rows"  # type: ignore[assignment]
    kernel = kernel_of("constraint", "max_norm")


FAULTS = [
    ("regularizers", WrongGradient, "gradient", "against central differences"),
    ("regularizers", Overwriting, "gradient", "against central differences"),
    ("regularizers", Writing, "value", "w, which value must not write"),
    ("regularizers", Array, "value", "a finite number is expected"),
    ("regularizers", NanAtZero, "value", "all zeros is not finite"),
    ("regularizers", Halves, "split", "split is 'halves'; it must be one of elements, rows, columns, tensor"),
    ("regularizers", OtherKernel, "kernel_agrees_with_numpy", "the kernel's value"),
    ("regularizers", OtherKernel, "both_rungs_train_alike", "losses with the kernel"),
    ("regularizers", WrongSplit, "parts_give_the_bits_of_the_whole", "value of parts, added up|gradient in parts"),
    ("constraints", Loose, "project", "is_feasible calls infeasible"),
    ("constraints", Idle, "holds_in_a_network", "do not keep the constraint"),
    ("constraints", Shrinking, "idempotent", "projected twice, against once"),
    ("constraints", Infinite, "project", "numbers that are not finite"),
    ("constraints", WrongColumns, "parts_give_the_bits_of_the_whole", "in parts"),
]


@pytest.mark.parametrize(("kind", "cls", "check", "message"), FAULTS, ids=[f"{cls.__name__}-{check}" for _, cls, check, _ in FAULTS])
def test_a_fault_is_caught(kind: str, cls: Any, check: str, message: str) -> None:
    nn.register(kind, cls, "faulty")
    result = outcome(conformance_class(kind, "faulty")(), f"test_{check}")
    assert result.status == "failed"
    assert any(part in result.message for part in message.split("|")), result.message
