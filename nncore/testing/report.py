"""Run the conformance checks of any registered component without pytest, for ``nncore plugins --verify``."""

from __future__ import annotations

import unittest
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nncore.errors import MissingExtraError
from nncore.testing.activations import ActivationConformance
from nncore.testing.callbacks import CallbackConformance
from nncore.testing.collectives import CollectiveConformance
from nncore.testing.conformance import ArgumentsNeeded, Conformance
from nncore.testing.constraints import ConstraintConformance
from nncore.testing.encodings import EncodingConformance
from nncore.testing.exporters import ExporterConformance
from nncore.testing.formats import FormatConformance
from nncore.testing.initializers import InitializerConformance
from nncore.testing.layers import LayerConformance
from nncore.testing.losses import LossConformance
from nncore.testing.metrics import MetricConformance
from nncore.testing.networks import NetworkConformance
from nncore.testing.optimizers import OptimizerConformance
from nncore.testing.regularizers import RegularizerConformance
from nncore.testing.samplers import SamplerConformance
from nncore.testing.schedules import ScheduleConformance
from nncore.testing.transforms import TransformConformance

#: Test class of each kind.
CONFORMANCE: dict[str, type[Conformance]] = {
    "activations": ActivationConformance,
    "callbacks": CallbackConformance,
    "collectives": CollectiveConformance,
    "constraints": ConstraintConformance,
    "encodings": EncodingConformance,
    "exporters": ExporterConformance,
    "formats": FormatConformance,
    "initializers": InitializerConformance,
    "layers": LayerConformance,
    "losses": LossConformance,
    "metrics": MetricConformance,
    "optimizers": OptimizerConformance,
    "regularizers": RegularizerConformance,
    "samplers": SamplerConformance,
    "schedules": ScheduleConformance,
    "transforms": TransformConformance,
}


@dataclass(frozen=True)
class Outcome:
    """Result of one check.

    Attributes
    ----------
    check : str
        ``"kernel agrees with numpy"``.
    status : {"ok", "failed", "skipped", "untried"}
        "untried": the component cannot be made without arguments, and its class has no `examples`.
    message : str
        Why the check failed, or was not run.
    """

    check: str
    status: str
    message: str = ""


def conformance_class(kind: str, name: str) -> type[Conformance]:
    """The test class of a component, without settings."""
    return type(f"Verify_{name}", (CONFORMANCE[kind],), {"kind": kind, "name": name})


def verify(kind: str, name: str, *, begins: Callable[[str], None] = lambda check: None) -> Iterator[Outcome]:
    """Run every check of a component, found by name. `begins` is called with the name of each check before it runs."""
    tests = conformance_class(kind, name)
    defined = dict.fromkeys(name for cls in reversed(tests.__mro__) for name in vars(cls) if name.startswith("test_"))
    # From general to special. Whole networks come last, because they fail for any fault.
    for attribute in sorted(defined, key=lambda name: name in vars(NetworkConformance)):
        begins(_check(attribute))
        yield outcome(tests(), attribute)


def _check(attribute: str) -> str:
    """Name of a check from that of its test method: ``"kernel agrees with numpy"``."""
    return attribute.removeprefix("test_").replace("_", " ")


def outcome(tests: Conformance, attribute: str) -> Outcome:
    check = _check(attribute)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(tests, attribute)()
    except (unittest.SkipTest, MissingExtraError) as reason:
        return Outcome(check, "skipped", str(reason))
    except ArgumentsNeeded as error:
        return Outcome(check, "untried", str(error))
    except AssertionError as error:
        return Outcome(check, "failed", str(error))
    except (Exception, SystemExit) as error:  # the component's own code may raise anything
        return Outcome(check, "failed", f"{type(error).__name__}: {error}")
    return Outcome(check, "ok")
