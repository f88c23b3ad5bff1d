"""Calls of every public function and method with plausible and hostile arguments, in a process of its own: ``api.py EXAMPLES SEED LOG``.

Prints how many calls it made, and those that ended in an error which no docstring names. The log ends with the call that is under way.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile import hostile_values, is_documented
from publics import Public, has_constructor_of_nncore, is_for_hosts, public_callables

import nncore as nn
from nncore import registry
from nncore.arguments import shown
from nncore.plugin import Callback, Configurable, Layer, Loss, Metric, Optimizer, Sampler, Schedule, Transform

#: Bytes that may be requested beyond those in use when the calls begin; more raises MemoryError.
MEMORY = 2**30
#: Seconds of CPU time until a call is interrupted, as by Ctrl-C.
PATIENCE = 1

R = np.random.default_rng(0)
X = R.normal(size=(24, 3)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int)
REALS = X[:, :1] * 2


def is_documented_for_users(public: Public) -> bool:
    """Whether a docstring tells users about the arguments; other methods are for nncore itself."""
    parameters = [name for name in inspect.signature(public.call).parameters if name != "self"]
    doc = inspect.getdoc(public.owner if public.owner and public.name.endswith("__init__") else public.call) or ""
    return not parameters or "Parameters\n---" in doc or inspect.isclass(public.call)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(1)).build(3, loss="mse", optimizer="adam", rng=0)


def plausible(folder: Path) -> dict[str, list[Callable[[], Any]]]:
    """Plausible arguments, by their names."""
    net = network()
    saved = folder / "saved.nncore"
    net.save(saved)
    nn.save_many([net, net], folder / "many.nncore")
    history = net.fit(X, REALS, epochs=2, progress=False, validation=(X, REALS))
    estimator = nn.estimators.MLPClassifier(max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, CLASSES)
    figure = __import__("matplotlib.figure", fromlist=["Figure"]).Figure()

    def each(*values: Any) -> list[Callable[[], Any]]:
        return [lambda value=value: value for value in values]

    words = {f"{registry.singular(kind)}": each(*registry.names(kind)) for kind in registry.KINDS}
    return words | {
        "X": each(X, X.astype(np.float64), X.tolist(), X[:0], X[0]), "x": each(X[0], X), "y": each(REALS, CLASSES, REALS[:, 0], REALS[:3]),
        "sample_weight": each(np.ones(24), np.zeros(24), R.random(24)), "X_val": each(X), "y_val": each(CLASSES, REALS[:, 0]),
        "validation": each((X, REALS), (X, REALS, np.ones(24)), (X,)), "epochs": each(0, 1, 2), "batch_size": each(1, 7, 24, 1000),
        "path": each(folder / "new.nncore", str(saved), folder / "many.nncore", folder, folder / "log.csv"), "components": each({}),
        "kind": each(*registry.KINDS, "layer"), "name": each("relu", "adam", "val_loss", "loss", "encoder", "my_own"),
        "network": [network], "networks": [lambda: [network(), network()], lambda: {"a": network()}], "n_inputs": each(3, (3,), (1, 3)),
        "groups": each({"*.bias": {"frozen": True}}, {"dense_1.*": {"lr": 0.1}}), "schedule": each("cosine", {"lr": "cosine"}),
        "transforms": each(["mixup"], []), "callbacks": each([], ["early_stopping"], [print]), "metrics": each([], ["mae"], None),
        "rng": each(0, np.random.default_rng(0)),
        "dtype": each("float32", np.float64, "f4"), "progress": each(False), "n": each(1, 2, None),
        "n_threads": each(1, 2), "weight_decay": each(0.0, 0.1), "lowest": each(1e-5), "highest": each(1.0), "n_steps": each(10, 20),
        "history": each(history), "estimator": each(estimator), "ax": [lambda: figure.add_subplot()],
        "output": each(0, [0] * 24), "d_output": each(np.ones((24, 1))), "training": each(True, False),
        "builder": each(nn.inspection.NumPyBuilder()),
        "layers": each(["dropout"], [nn.Dense(3)]), "shortcut": each([]), "branches": each([[], ["dropout"]]), "function": each(len),
        "cls": each(nn.Dense, None), "component": each(net.layers[0]), "place": each("layers", "loss"), "value": each(0.5, 1),
        "names": each(["a", "b"]), "counts": each(np.eye(2, dtype=int)), "images": each(R.random((4, 5, 5))), "values": each({"a": X}),
        "max_iter": each(1), "max_epochs": each(2), "hidden_layer_sizes": each((3,), ()), "solver": each("adam", "sgd", "lbfgs"),
        "then": each("cosine"), "weight": each([1.0, 2.0]), "param_range": each([1, 2]),
        "param_name": each("alpha"), "param_values": each([1, 2]),
    }  # fmt: skip


def receivers(values: dict[str, list[Callable[[], Any]]]) -> dict[type, Callable[[], Any]]:
    """Objects on which the methods of each class are called."""
    history, estimator = values["history"][0](), values["estimator"][0]()
    regressor = nn.estimators.MLPRegressor(max_iter=1, random_state=0)
    logistic, perceptron = nn.estimators.LogisticNeuron(5), nn.estimators.Perceptron(5, random_state=0)
    for one, y in ((regressor, REALS[:, 0]), (logistic, CLASSES), (perceptron, CLASSES)):
        one.fit(X, y)
    found: dict[type, Callable[[], Any]] = {
        type(one): (lambda one=one: one) for one in (history, estimator, regressor, logistic, perceptron)
    }
    return found | {
        nn.Sequential: network,
        nn.estimators.MPNeuron: lambda: nn.estimators.MPNeuron([1.0, 2.0, 3.0]),
        nn.inspection.NumPyBuilder: nn.inspection.NumPyBuilder,
        nn.displays.LearningCurveDisplay: lambda: nn.displays.LearningCurveDisplay.from_history(history),
        nn.displays.ConfusionDisplay: lambda: nn.displays.ConfusionDisplay(np.eye(2, dtype=int), names=["a", "b"]),
        nn.displays.ImageGridDisplay: lambda: nn.displays.ImageGridDisplay(np.zeros((2, 3, 3))),
        nn.displays.ResidualsDisplay: lambda: nn.displays.ResidualsDisplay(y_true=REALS[:, 0], y_pred=REALS[:, 0]),
    }  # fmt: skip


def used(made: Any) -> None:
    """Use a constructed object where its arguments matter."""
    y, options = REALS, {"loss": "mse", "epochs": 1, "batch_size": 12, "progress": False, "rng": 0}
    if isinstance(made, nn.Sequential):
        made.build(3)
    elif isinstance(made, Layer):
        nn.Sequential(made, nn.Dense(1)).fit(X, y, **options)
    elif isinstance(made, (nn.FunctionLoss, nn.FunctionMetric, nn.FunctionSchedule, nn.LambdaCallback)):
        made.hyper()  # errors of the user's function are not nncore's
    elif isinstance(made, Loss):
        nn.Sequential(nn.Dense(made.n_outputs(1) if made.targets == "real" else 2)).fit(
            X, y if made.targets == "real" else CLASSES, **options | {"loss": made}
        )
    elif isinstance(made, (Optimizer, Schedule, Sampler)):
        word = registry.singular(next(kind for kind, base in registry.registry.BASES.items() if isinstance(made, base)))
        nn.Sequential(nn.Dense(1)).fit(X, y, **options | {word: made})
    elif isinstance(made, (Callback, Metric, Transform)):
        word = next(kind for kind, base in registry.registry.BASES.items() if isinstance(made, base))
        nn.Sequential(nn.Dense(1)).fit(X, y, **options | {word: [made]})
    elif isinstance(made, Configurable):
        made.hyper()
    elif hasattr(made, "fit"):
        made.fit(X, CLASSES)


def is_of_scikit_learn(error: BaseException, public: Public) -> bool:
    """Whether the error comes from scikit-learn's own check of samples and targets."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return any("/sklearn/" in file for file in files) and isinstance(error, (ValueError, TypeError))


def main(n_examples: int, number: int, log_file: str) -> int:
    os.environ["MPLBACKEND"] = "agg"
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    values = plausible(folder)
    on = receivers(values)
    publics = [
        public
        for public in public_callables()
        if not is_for_hosts(public)
        and is_documented_for_users(public)
        and (not inspect.isclass(public.call) or has_constructor_of_nncore(public.call))
        and (
            public.owner is None
            or public.owner in on
            or not inspect.isfunction(inspect.getattr_static(public.owner, public.name.rpartition(".")[2]))
        )
    ]
    publics += [Public(f"{kind}.{name}", registry.get(kind, name), None) for kind in registry.KINDS for name in registry.names(kind)]
    resource.setrlimit(resource.RLIMIT_AS, (_in_use() + MEMORY,) * 2)
    signal.signal(signal.SIGPROF, _interrupt)
    calls, faults = [0], {}  # type: ignore[var-annotated]
    pool = sorted(hostile_values())

    @seed(number)
    @settings(max_examples=n_examples, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        public = data.draw(st.sampled_from(publics))
        arguments: dict[str, Any] = {}
        hostile = hostile_values()
        for name, parameter in inspect.signature(public.call).parameters.items():
            if name == "self":
                continue
            known = values.get(name, [])
            choice = data.draw(st.integers(0, 9))
            if parameter.kind is parameter.VAR_POSITIONAL or parameter.kind is parameter.VAR_KEYWORD:
                continue
            if parameter.default is not parameter.empty and choice < 6:
                continue
            if known and choice < 9:
                arguments[name] = data.draw(st.sampled_from(known))()
            else:
                arguments[name] = hostile[data.draw(st.sampled_from(pool))]
        call = public.call
        if public.owner in on and inspect.isfunction(inspect.getattr_static(public.owner, call.__name__)):
            call = getattr(on[public.owner](), call.__name__)
        if "progress" in inspect.signature(public.call).parameters:
            arguments.setdefault("progress", False)
        print(
            f"\n>{public.name}({', '.join(f'{name}={shown(value)}' for name, value in arguments.items())})"[:2000]
            .encode("ascii", "replace")
            .decode(),
            file=log,
            flush=True,
        )
        calls[0] += 1
        with contextlib.suppress(KeyboardInterrupt):  # an interrupt may come just after the call
            signal.setitimer(signal.ITIMER_PROF, PATIENCE)
            try:
                made = call(**arguments)
                if inspect.isclass(public.call):
                    used(made)
            except (MemoryError, KeyboardInterrupt):
                pass
            except Exception as error:
                if not is_documented(error, public.call) and not is_of_scikit_learn(error, public):
                    where = [
                        f"{frame.filename}:{frame.lineno}"
                        for frame in traceback.extract_tb(error.__traceback__)
                        if "/nncore/" in frame.filename
                    ]
                    given = ", ".join(f"{name}={shown(value)}" for name, value in arguments.items())
                    faults.setdefault((public.name, type(error).__name__, where[-1] if where else ""), f"{given[:600]}: {str(error)[:200]}")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)

    with open(os.devnull, "w") as null, open(log_file, "w", encoding="utf-8") as log:
        out, sys.stdout = sys.stdout, null
        try:
            fuzz()
        finally:
            sys.stdout = out
    print(f"{calls[0]} calls of {len(publics)} functions")
    for (name, kind, where), what in faults.items():
        print(f"FAULT {name}: {kind} at {where}: {what}".encode("ascii", "replace").decode())
    return len(faults)


def _in_use() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]), 100))
