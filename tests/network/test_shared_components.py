"""If two networks or estimators share a component and are fitted at the same time, each has the bits of a separate fit.

The registry is enumerated, so that new components are covered.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest
from network.test_one_truth import KINDS, Case, cases

import nncore as nn
from nncore import registry
from nncore.contract import components_in
from nncore.errors import BusyError, NNCoreError
from nncore.plugin import Callback

Result = dict[str, bytes | list[Any]]
#: Kinds that are arguments of a fit, and the arguments.
GIVEN: dict[str, Callable[[Any], dict[str, Any]]] = {
    "samplers": lambda one: {"sampler": one},
    "transforms": lambda one: {"transforms": [one]},
    "metrics": lambda one: {"metrics": [one]},
    "callbacks": lambda one: {"callbacks": [one]},
}
#: Kinds outside a network: they write files, encode its inputs or connect processes, one fit at a time.
NOT_GIVEN = {"formats", "exporters", "encodings", "collectives"}


class Meeting(Callback):
    """Makes two fits take each step at the same time, until one of them ends."""

    pause_every = 1

    def __init__(self, barrier: threading.Barrier) -> None:
        self.barrier = barrier

    def __deepcopy__(self, memo: Any) -> Meeting:
        return self

    def on_progress(self, training: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(30)


def at_once(*fits: Callable[[Meeting], Result]) -> list[Result | BusyError]:
    """Result of each fit, or the error that refuses it."""
    barrier, results = threading.Barrier(len(fits)), dict[int, Any]()

    def run(number: int) -> None:
        try:
            results[number] = fits[number](Meeting(barrier))
        except BaseException as error:
            results[number] = error
        finally:
            barrier.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(fits))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for found in results.values():
        if isinstance(found, BaseException) and not isinstance(found, BusyError):
            raise found
    return [results[number] for number in range(len(fits))]


def alone(fit: Callable[[Meeting], Result]) -> Result:
    [found] = at_once(fit)
    assert not isinstance(found, BusyError)
    return found


def result_of(net: nn.Sequential, history: Any) -> Result:
    """Everything that two fits could mix up."""
    columns: Result = {name: history[name].tobytes() for name in history if name != "seconds"}
    buffers = {name: view.tobytes() for name, view in net.named_buffers().items()}
    return {"parameters": net.parameters.tobytes(), "end": [history.stop_reason], **columns, **buffers}


# ---- networks --------------------------------------------------------------------------------------------------------------


class Shared:
    """A component, and a network for it: one that contains it, or one with any loss if only fits take the component."""

    def __init__(self, kind: str, component: Any, case: Case | None = None) -> None:
        self.kind, self.component, self.case = kind, component, case

    def __str__(self) -> str:
        return f"{self.kind}-{type(self.component).__name__}"

    def find_network(self) -> None:
        losses = [] if self.case is not None else components.losses()
        for loss in losses:
            self.case = Case("losses", loss, "native")
            with contextlib.suppress(NNCoreError):
                self.fit(copy.deepcopy(self.component), 1)
                return
        assert self.case is not None

    def fit(self, component: Any, sign: int, *meeting: Meeting) -> Result:
        """Fit with the component; data differ by the sign, so that mixed-up fits are noticed."""
        assert self.case is not None
        case, hosted, given = copy.copy(self.case), component, dict[str, Any]()
        case.X = sign * case.X
        if self.kind in GIVEN:
            hosted, given = case.component, GIVEN[self.kind](component)
        options = {"epochs": 2, "batch_size": 8, "validation": (case.X, case.y), "rng": 0, "progress": False, "n_threads": 1}
        callbacks = [*given.pop("callbacks", []), *meeting]
        if self.kind != "callbacks":
            callbacks.append(nn.LambdaCallback(on_fit_begin=lambda training: assert_not_in(component, training)))
        net = case.build(hosted)
        return result_of(net, net.fit(case.X, case.y, **options, **case.arguments(hosted), **given, callbacks=callbacks))


def assert_not_in(component: Any, training: Any) -> None:
    """Check that a fit uses copies, so that it does not change the component."""
    net = training.network
    whole = [*net.layers, net.loss, net.optimizer, *net.schedules.values(), *net.groups.values()]
    metrics = [metric for evaluation in training._evaluations for metric in evaluation.metrics]
    parts = list(components_in([*whole, training.sampler, *training.transforms, *metrics]))
    assert all(part is not component for part in parts)
    assert any(type(part) is type(component) for part in parts)


def instances(kind: str) -> Iterator[Any]:
    for name in registry.names(kind):
        cls = registry.get(kind, name)
        for arguments in cls.examples or ({},):
            yield cls(**arguments)


def shared() -> Iterator[Shared]:
    for case in cases():
        if case.is_trainable():
            yield Shared(case.kind, case.component, case)
    for kind in GIVEN:
        yield from (Shared(kind, component) for component in instances(kind))


#: If components have a kernel and NumPy methods, the methods are tested among the slow tests.
PARAMETERS = [pytest.param(one, marks=pytest.mark.slow if one.case is not None and one.case.rung == "numpy" else ()) for one in shared()]


def test_every_kind_that_a_network_is_given_is_tried() -> None:
    assert {*KINDS, *GIVEN} == {*registry.KINDS} - NOT_GIVEN


@pytest.mark.parametrize("one", PARAMETERS, ids=str)
def test_networks_that_share_a_component_have_the_bits_of_each_alone(one: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path / "first", monkeypatch)
    one.find_network()
    expected = []
    for sign in (1, -1):
        enter(tmp_path / f"alone{sign}", monkeypatch)
        expected.append(alone(lambda meeting, sign=sign: one.fit(copy.deepcopy(one.component), sign, meeting)))
    enter(tmp_path / "both", monkeypatch)
    found = at_once(*(lambda meeting, sign=sign: one.fit(one.component, sign, meeting) for sign in (1, -1)))
    refused = [isinstance(result, BusyError) for result in found]
    assert sum(refused) == (one.kind == "callbacks")
    for result, is_refused, right in zip(found, refused, expected, strict=True):
        assert is_refused or result == right


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, for callbacks that write."""
    folder.mkdir()
    monkeypatch.chdir(folder)


# ---- estimators ------------------------------------------------------------------------------------------------------------

#: The estimator's arguments for a component of each kind.
ARGUMENTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "layers": lambda one: {"layers": [nn.Dense(4), one, nn.Flatten()]},
    "activations": lambda one: {"activation": one},
    "initializers": lambda one: {"layers": [nn.Dense(4, weight_initializer=one)]},
    "losses": lambda one: {"loss": one},
    "optimizers": lambda one: {"solver": one},
    "regularizers": lambda one: {"groups": {"*.weight": {"regularizer": one}}},
    "constraints": lambda one: {"groups": {"*.weight": {"constraint": one}}},
    "schedules": lambda one: {"learning_rate": one},
    "samplers": lambda one: {"sampler": one},
    "transforms": lambda one: {"transforms": [one]},
    "metrics": lambda one: {"scoring": one, "early_stopping": True},
    "callbacks": lambda one: {"callbacks": [one]},
}
X = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def fit_estimator(cls: type[Any], kind: str, component: Any, sign: int, meeting: Meeting) -> Result:
    given = ARGUMENTS[kind](component)
    callbacks = [*given.pop("callbacks", []), meeting]
    sizes = {} if "layers" in given else {"hidden_layer_sizes": (4,)}
    options = {**sizes, "max_iter": 2, "batch_size": 8, "random_state": 0, "n_threads": 1}
    model = cls(**{**options, **given, "callbacks": callbacks}).fit(sign * X, Y)
    return result_of(model.network_, model.history_)


def estimators() -> list[type[Any]]:
    found = [getattr(nn.estimators, name) for name in nn.estimators.__all__]
    return [cls for cls in found if inspect.isclass(cls) and {"callbacks", "sampler", "loss"} <= inspect.signature(cls).parameters.keys()]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*is ignored, as in scikit-learn:UserWarning")
@pytest.mark.parametrize("kind", sorted({*registry.KINDS} - NOT_GIVEN))
def test_estimators_that_share_a_component_have_the_bits_of_each_alone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    tried = set()
    for number, component in enumerate(instances(kind)):
        for cls in estimators():
            try:
                enter(tmp_path / f"{cls.__name__}{number}", monkeypatch)
                expected = alone(lambda meeting, cls=cls, one=component: fit_estimator(cls, kind, copy.deepcopy(one), 1, meeting))
            except (NNCoreError, ValueError):
                continue  # the component does not suit this estimator
            enter(tmp_path / f"{cls.__name__}{number}both", monkeypatch)
            fits = [lambda meeting, cls=cls, one=component, sign=sign: fit_estimator(cls, kind, one, sign, meeting) for sign in (1, -1)]
            assert at_once(*fits)[0] == expected
            tried.add(type(component))
            break
    assert len(tried) > len(registry.names(kind)) / 2
