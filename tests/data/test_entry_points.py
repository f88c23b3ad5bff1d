"""Every public callable treats arrays alike: it converts them correctly, or raises an error that helps.

The callables are found by the names of their parameters.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nncore as nn
from nncore import displays, estimators, inspection
from nncore.errors import NNCoreError

pytestmark = pytest.mark.filterwarnings(
    "ignore::nncore.errors.ConvergenceWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:the matrix subclass:PendingDeprecationWarning",
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 2)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
WEIGHTS = RNG.uniform(0.5, 1.5, 24)
#: Parameters that take arrays, with valid arrays.
GOOD: dict[str, np.ndarray] = {
    "X": X, "y": Y, "x": X[0], "sample_weight": WEIGHTS, "batch": X, "d_output": np.ones((24, 2)), "y_true": Y, "y_pred": 1 - Y,
    "images": np.ones((2, 3, 3)), "X_val": X, "y_val": Y, "sample_weight_val": WEIGHTS, "classes": np.array([0, 1]),
}  # fmt: skip
#: Other arguments that the calls need.
NEEDED: dict[str, Any] = {
    "epochs": 1, "progress": False, "rng": 0, "n_inputs": 2, "training": True, "network": None, "networks": None, "estimator": None,
    "param_name": "alpha", "param_range": [0.1, 1.0], "loss": "softmax_cross_entropy", "optimizer": "sgd", "n_members": 2,
    "index": 1, "which": 1, "layer": None,
}  # fmt: skip
#: Mutually exclusive parameters.
EXCLUSIVE = {"backward": ("y", "d_output"), "input_gradients": ("y",)}


def network() -> nn.Sequential:
    built = nn.Sequential(nn.Dense(3, "tanh"), nn.Dense(2)).build(2, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    built.forward(X, training=True)
    return built


def regression() -> nn.Sequential:
    return nn.Sequential(nn.Dense(1)).build(2, loss="mse", optimizer="sgd", rng=0)


def estimator(cls: type) -> Any:
    if cls is estimators.MPNeuron:
        return cls([1.0, 2.0])
    made = cls(random_state=0)
    return made.set_params(hidden_layer_sizes=(3,), max_iter=2) if hasattr(made, "hidden_layer_sizes") else made.set_params(max_epochs=20)


def callables() -> Iterator[tuple[str, type | None, str, tuple[str, ...]]]:
    """Callables: label, class, name, and the parameters that take arrays."""
    for module in (nn, estimators, displays, inspection):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) and (thing is nn.Sequential or module in (estimators, displays)):
                methods = [method for method in dir(thing) if not method.startswith("_") and not method.endswith("_request")]
                for method in methods:
                    if callable(function := getattr(thing, method)) and (taken := _arrays(function)):
                        yield f"{name}.{method}", thing, method, taken
            elif inspect.isfunction(thing) and (taken := _arrays(thing)) and name != "formula":  # its x is a node of a formula
                yield name, None, f"{module.__name__}.{name}", taken


def _arrays(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters
    return tuple(name for name in parameters if name in GOOD) + (("validation",) if "validation" in parameters else ())


CASES = [
    pytest.param(cls, name, parameter, id=f"{label}-{parameter}")
    for label, cls, name, taken in callables()
    for parameter in taken
    if cls is not displays.ValidationCurveDisplay  # passes arrays on to scikit-learn and to `evaluate`
]


def call(cls: type | None, name: str, given: dict[str, Any]) -> Any:
    """Call it, and return the result as numbers."""
    receiver: Any = None
    if cls is None:
        module, _, function_name = name.rpartition(".")
        function = getattr(importlib.import_module(module), function_name)
    elif cls is nn.Sequential:
        receiver = nn.Sequential(nn.Dense(2)) if name == "build" else network()
        function = getattr(receiver, name)
    elif cls.__module__.startswith("nncore.estimators"):
        receiver = estimator(cls)
        if name not in ("fit", "partial_fit") and hasattr(cls, "fit"):
            receiver.fit(X, Y)
        function = getattr(receiver, name)
    else:
        function = getattr(cls, name)
    parameters = inspect.signature(function).parameters
    keywords = {key: value for key, value in NEEDED.items() if key in parameters}
    if "network" in keywords:
        keywords["network"] = network()
    if "layer" in keywords:
        keywords["layer"] = nn.Dense(3)
    if "networks" in keywords:
        receiver = network()
        keywords["networks"] = [receiver]
    if "estimator" in keywords:
        keywords["estimator"] = regression() if cls is displays.ResidualsDisplay else estimator(estimators.MLPClassifier).fit(X, Y)
    if name == "find_learning_rate" or name.endswith(".find_learning_rate"):
        keywords["n_steps"] = 10
    if cls is nn.Sequential and name != "fit":
        keywords.pop("loss", None)
        keywords.pop("optimizer", None)
    if name == "fit" and cls is nn.Sequential:
        keywords.pop("training", None)
    result = function(**keywords, **given)
    if receiver is not None and (result is receiver or isinstance(result, nn.training.History if False else type(receiver))):
        return receiver.predict(X)
    return _as_numbers(result, receiver)


def _as_numbers(result: Any, receiver: Any) -> Any:
    if result is None or type(result).__name__ == "History" or isinstance(result, list):  # a change of the receiver, or histories of fits
        return receiver.predict(X)
    if isinstance(result, dict):
        return np.concatenate([np.ravel(value) for value in result.values()])
    if type(result).__name__.endswith("Display"):
        parts = [value for part in vars(result).values() for value in (part.values() if isinstance(part, dict) else [part])]
        return np.concatenate([np.ravel(part) for part in parts if isinstance(part, np.ndarray) and part.dtype.kind in "if"])
    return result.losses if hasattr(result, "losses") else result


def good(name: str, parameter: str, cls: type | None) -> dict[str, Any]:
    short = name.rpartition(".")[2]
    function = getattr(cls, name) if cls is not None else getattr(importlib.import_module(name.rpartition(".")[0]), short)
    parameters = inspect.signature(function).parameters
    wanted = [p for p in parameters if p in GOOD and (p == parameter or parameters[p].default is inspect.Parameter.empty)]
    if cls is not None and short in ("fit", "evaluate", "score") and "y" in parameters:  # optional for streams
        wanted.append("y")
    for group in [EXCLUSIVE[short]] if short in EXCLUSIVE else []:
        wanted = [p for p in wanted if p not in group or p == parameter] or wanted
        if not {*group} & {*wanted}:
            wanted.append("y")
    if short == "partial_fit" and "classes" in parameters:
        wanted.append("classes")
    pair = {"X_val": "y_val", "y_val": "X_val"}
    wanted += [pair[parameter]] if parameter in pair else []
    wanted += ["X_val", "y_val"] if parameter == "sample_weight_val" else []
    return {p: GOOD[p] for p in dict.fromkeys(wanted)}


class Quantity(np.ndarray):
    unit = "km"


class Loader:
    """A stand-in for PyTorch's DataLoader."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter([self.array])


class Tensor:
    """A stand-in for an array of another library."""

    def __init__(self, array: np.ndarray, *, requires_grad: bool = False) -> None:
        self.array, self.requires_grad = array, requires_grad

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: Any) -> Any:
        return self.array[index]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def ndim(self) -> int:
        return self.array.ndim

    def detach(self) -> Tensor:
        return Tensor(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return np.array(self.array, dtype)


def _hidden(array: np.ndarray) -> np.ndarray:
    mask = np.zeros(array.shape, bool)
    mask.flat[1] = True
    return mask


def _masked(array: np.ndarray) -> Any:
    """A masked array with another number under the mask."""
    return np.ma.array(np.where(_hidden(array), array + 7, array), mask=_hidden(array))


def _frame(array: np.ndarray, dtype: str | None = None) -> Any:
    made = pd.DataFrame(array) if array.ndim == 2 else pd.Series(array)
    return made if dtype is None else made.astype(dtype)


def _with_na(array: np.ndarray) -> Any:
    made = _frame(array.astype(np.float64), "Float64")
    if array.ndim == 2:
        made.iloc[0, 1] = pd.NA
    else:
        made.iloc[1] = pd.NA
    return made


def _records(array: np.ndarray) -> np.ndarray:
    return np.rec.fromarrays([array.ravel()[: len(array)]] * 2, names="u,v")


#: Kinds of arrays with the same values.
SAME: dict[str, Callable[[np.ndarray], Any]] = {
    "list": lambda array: array.tolist(),
    "object": lambda array: array.astype(object),
    "decimal": lambda array: np.array([Decimal(float(value)) for value in array.ravel()], object).reshape(array.shape),
    "fortran": np.asfortranarray,
    "read-only": lambda array: np.broadcast_to(array, array.shape),
    "frame": _frame,
    "nullable": lambda array: _frame(array.astype(np.float64), "Float64"),
    "mask without holes": lambda array: np.ma.array(array, mask=np.zeros(array.shape, bool)),
    "tensor": Tensor,
    "matrix": np.matrix,
}  # fmt: skip
#: Kinds of arrays with unknown values: read as NaN, or refused.
UNKNOWN: dict[str, Callable[[np.ndarray], Any]] = {
    "masked": _masked,
    "list of masked": lambda array: list(_masked(array)),
    "nullable with NA": _with_na,
    "objects with None": lambda array: np.where(_hidden(array), None, array.astype(object)),
}  # fmt: skip
#: Kinds of arrays that are invalid.
REFUSED: dict[str, Callable[[np.ndarray], Any]] = {
    "generator": lambda array: (row for row in array),
    "iterator": iter,
    "map": lambda array: map(float, array.ravel()),
    "set": lambda array: set(array.ravel().tolist()),
    "dict": lambda array: {"a": array},
    "loader": Loader,
    "records": _records,
    "complex": lambda array: array + 1j,
    "times": lambda array: array.astype(np.int64).astype("datetime64[D]"),
    "quantity": lambda array: array.view(Quantity),
    "tensor with gradient": lambda array: Tensor(array, requires_grad=True),
    "words": lambda array: np.full(array.shape, "word"),
    "number": lambda array: 3.5,
    "ragged": lambda array: [[1.0], [1.0, 2.0]],
}  # fmt: skip
#: A few of each for the quick tests.
FEW = ("list", "masked", "nullable with NA", "generator", "quantity", "tensor with gradient", "times")


def judged(error: Exception, kind: str) -> str:
    """What is wrong with an error about an array of some kind; empty if nothing is."""
    frames = traceback.extract_tb(error.__traceback__)
    is_known = isinstance(error, NNCoreError) or (isinstance(error, (ValueError, TypeError)) and "sklearn" in frames[-1].filename)
    is_right = kind not in SAME or kind in ("matrix", "decimal")  # which scikit-learn refuses
    is_clear = len(str(error)) > 20 and (kind == "words" or "encode text" not in str(error))
    return "" if is_known and is_right and is_clear else f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("kinds", [FEW, pytest.param(tuple(SAME | UNKNOWN | REFUSED), marks=pytest.mark.slow)], ids=["few", "all"])
@pytest.mark.parametrize(("cls", "name", "parameter"), CASES)
def test_arrays_come_in_right_or_not_at_all(cls: type | None, name: str, parameter: str, kinds: tuple[str, ...]) -> None:
    arguments, taken = good(name, parameter, cls), "X" if parameter == "validation" else parameter

    def outcome(array: Any) -> Any:
        given = {"validation": (array, Y)} if parameter == "validation" else {parameter: array}
        return call(cls, name, arguments | given)

    plain = GOOD[taken]
    expected = outcome(plain)
    takes_labels = parameter in ("y", "y_val", "classes", "y_true", "y_pred") and cls is not None and cls is not nn.Sequential
    for kind in kinds:
        if plain.ndim > 2 and kind in ("frame", "nullable", "nullable with NA", "matrix"):
            continue
        try:
            found = outcome((SAME | UNKNOWN | REFUSED)[kind](plain))
        except Exception as error:  # whether the error is right is checked below
            complaint = judged(error, kind)
        else:
            if takes_labels and kind in ("words", "times"):  # labels of any kind
                continue
            complaint = "accepted" if kind in REFUSED else ""
            reference = expected if kind in SAME or complaint else outcome(np.where(_hidden(plain), np.nan, plain))
            np.testing.assert_allclose(found, reference, rtol=1e-5, atol=1e-6, err_msg=kind)
        assert not complaint, f"{kind}: {complaint}"


def test_there_are_such_callables() -> None:
    labels = {label for label, *_ in callables()}
    assert {
        "Sequential.fit",
        "Sequential.predict_one",
        "find_learning_rate",
        "MLPClassifier.score",
        "ConfusionDisplay.from_predictions",
    } <= labels
