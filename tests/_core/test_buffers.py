"""Arrays with a layout that C cannot read: a network copies them, the core rejects them, and no other memory is written."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore._core import PerceptronTrainer, Program, all_finite, as_c_array, is_c_array
from nncore.errors import DataError, DtypeError, NNCoreError, ShapeError

ROWS, INPUTS = 12, 4


def misaligned(array: np.ndarray) -> np.ndarray:
    room = np.empty(array.nbytes + 1, np.uint8)
    odd = room[1:].view(array.dtype).reshape(array.shape)
    odd[...] = array
    return odd


def read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def strided(array: np.ndarray) -> np.ndarray:
    return np.repeat(array, 2, axis=0)[::2]


#: The same numbers in arrays with other memory layouts.
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "misaligned": misaligned,
    "read-only": read_only,
    "byte-swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "strided": strided,
    "Fortran": np.asfortranarray,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "misaligned and strided": lambda array: misaligned(np.repeat(array, 2, axis=0))[::2],
    "of a subclass": lambda array: array.view(np.memmap),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def network(dtype: str = "float32") -> nn.Sequential:
    net = nn.Sequential(nn.Dense(5, activation="tanh"), nn.Dense(3))
    return net.build(INPUTS, loss="softmax_cross_entropy", optimizer="adam", rng=0, dtype=dtype)


def samples(dtype: str = "float32") -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "X": rng.normal(size=(ROWS, INPUTS)).astype(dtype),
        "y": rng.dirichlet(np.ones(3), ROWS).astype(dtype),
        "sample_weight": rng.uniform(1, 2, ROWS),  # weights are doubles in the core, whatever the network is
    }


def forwards_and_backwards(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    outputs = net.forward(X, training=True)
    net.backward(y, sample_weight)
    gradients = net.gradients.copy()
    net.step()
    return [outputs, gradients, net.parameters.copy()]


def backwards_from_outputs(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    net.forward(X, training=True)
    net.backward(d_output=y)
    return [net.gradients.copy(), net.d_input.copy()]


def fits(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    history = net.fit(X, y, sample_weight=sample_weight, epochs=2, batch_size=5, rng=0, progress=False, validation=(X, y))
    return [net.parameters.copy(), np.array(history["val_loss"])]


def fits_labels(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    net.fit(X, misaligned(y.argmax(axis=1))[::-1][::-1], epochs=1, batch_size=5, rng=0, progress=False)
    return [net.parameters.copy()]


def steps(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    return [np.array(net.train_on_batch(X, y, sample_weight)), net.parameters.copy()]


def loads_parameters(net: nn.Sequential, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray) -> list[np.ndarray]:
    net.parameters[: INPUTS * 5] = X.ravel()[: INPUTS * 5]
    return [net.predict(samples(str(net.dtype))["X"])]


#: Every call that takes arrays from users.
ENTRIES: dict[str, Callable[..., list[np.ndarray]]] = {
    "predict": lambda net, X, y, sample_weight: [net.predict(X)],
    "predict_one": lambda net, X, y, sample_weight: [net.predict(X[:1])[:0], *map(net.predict_one, X)],
    "evaluate": lambda net, X, y, sample_weight: [np.array(net.evaluate(X, y, sample_weight=sample_weight)["loss"])],
    "forward, backward, step": forwards_and_backwards,
    "d_output": backwards_from_outputs,
    "fit": fits,
    "fit on labels": fits_labels,
    "train_on_batch": steps,
    "parameters": loads_parameters,
}


@every_layout
@every_dtype
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_network_reads_any_layout_as_the_same_numbers(entry: str, layout: str, dtype: str) -> None:
    plain = samples(dtype)
    odd = {name: LAYOUTS[layout](array) for name, array in plain.items()}
    expected, found = ENTRIES[entry](network(dtype), **plain), ENTRIES[entry](network(dtype), **odd)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


@every_layout
@every_dtype
def test_what_lies_otherwise_is_copied_and_what_does_not_is_not(layout: str, dtype: str) -> None:
    plain = samples(dtype)["X"]
    odd = LAYOUTS[layout](plain)
    made = as_c_array(odd, plain.dtype)
    assert is_c_array(made, plain.dtype)
    np.testing.assert_array_equal(made, plain)
    assert np.shares_memory(made, odd) == is_c_array(odd, plain.dtype)


def program_calls(program: Program, x: np.ndarray, y: np.ndarray, weight: np.ndarray, outputs: np.ndarray) -> dict[str, Callable[[], None]]:
    """Every method of a program that takes arrays; `outputs` is passed only to those that write to it."""
    done = [0, 0.0, 0.0]
    return {
        "forward": lambda: program.forward(x, True),
        "backward": lambda: program.backward(x),
        "value_and_gradient": lambda: program.value_and_gradient(x),
        "train": lambda: program.train(x, y, None, weight, None, [], 4, 1, False, 1.0, list(done)),
        "evaluate": lambda: program.evaluate(x, y, None, weight, outputs, 1.0, list(done)),
        "predict": lambda: program.predict(x, outputs),
    }


def program() -> Program:
    net = network()
    net.forward(np.zeros((ROWS, INPUTS), np.float32), training=True)
    return net._programs.training


CALLS = list(program_calls(None, None, None, None, None))
#: Layouts that C would read wrongly, each with the correct numbers.
WRONG = {name: make for name, make in LAYOUTS.items() if name not in ("read-only", "of a subclass", "Fortran")}


def test_every_method_that_takes_arrays_is_looked_at() -> None:
    taking = {name for name in dir(Program) if not name.startswith("_") and callable(getattr(Program, name))}
    begun = {"begin_train", "begin_evaluate"}  # with which train and evaluate begin
    assert taking - set(CALLS) == {"loss_value", "update", "predict_one", "ranges", *begun}  # predict_one returns None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [*WRONG, "Fortran", "of float64", "of other columns"])
def test_the_core_refuses_inputs_that_it_would_misread(call: str, wrong: str) -> None:
    x = samples()["X"]
    odd = {"of float64": lambda: x.astype(np.float64), "of other columns": lambda: x[:, :3].copy()}.get(wrong, lambda: LAYOUTS[wrong](x))()
    before = (running := program()).spec.parameters.copy()
    calls = program_calls(running, odd, samples()["y"], samples()["sample_weight"], np.empty((ROWS, 3), np.float32))
    with pytest.raises((DataError, DtypeError, ShapeError)):
        calls[call]()
    np.testing.assert_array_equal(running.spec.parameters, before)


@pytest.mark.parametrize("name", ["targets", "weights", "labels", "order"])
@pytest.mark.parametrize("wrong", [*WRONG, "too short"])
def test_the_core_refuses_what_comes_with_inputs(name: str, wrong: str) -> None:
    parts = samples()
    arrays = {"targets": parts["y"], "weights": parts["sample_weight"], "labels": np.zeros(ROWS, np.int64), "order": np.arange(ROWS)}
    if wrong == "too short" and name == "order":
        wrong = "strided"  # an order may be of any length
    odd = arrays[name][:-1] if wrong == "too short" else LAYOUTS[wrong](arrays[name])
    given = {other: odd if other == name else None for other in ("targets", "labels", "weights", "order")}
    with pytest.raises(NNCoreError, match=name):
        program().train(parts["X"], *given.values(), [], 4, 1, False, 1.0, [0, 0.0, 0.0])


@pytest.mark.parametrize("call", ["predict", "evaluate"])
@pytest.mark.parametrize("wrong", [*WRONG, "read-only", "where inputs lie", "too short"])
def test_the_core_writes_into_no_array_that_is_not_meant_for_it(call: str, wrong: str) -> None:
    room = np.full((ROWS + 8, INPUTS), 7, np.float32)
    x = room[:ROWS]
    outputs = {
        "where inputs lie": lambda: room.reshape(-1)[ROWS : ROWS + 3 * ROWS].reshape(ROWS, 3),
        "too short": lambda: np.full((ROWS - 1, 3), 7, np.float32),
    }.get(wrong, lambda: LAYOUTS[wrong](np.full((ROWS, 3), 7, np.float32)))()
    with pytest.raises(NNCoreError, match="outputs"):
        program_calls(program(), x, samples()["y"], samples()["sample_weight"], outputs)[call]()
    assert (outputs == 7).all()


def test_no_samples_are_no_outputs() -> None:
    assert network().predict(np.empty((0, INPUTS), np.float32)).shape == (0, 3)
    outputs = np.empty((0, 3), np.float32)
    program().predict(np.empty((0, INPUTS), np.float32), outputs)


@every_layout
@every_dtype
def test_finiteness_is_that_of_the_numbers(layout: str, dtype: str) -> None:
    x = samples(dtype)["X"]
    x[3, 1] = np.nan
    if layout in ("misaligned", "byte-swapped"):
        with pytest.raises(NNCoreError, match="values"):
            all_finite(LAYOUTS[layout](x))
    else:
        assert not all_finite(LAYOUTS[layout](x))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("wrong", WRONG)
def test_the_perceptron_refuses_arrays_that_it_would_misread(place: int, wrong: str) -> None:
    arrays = [np.ones((ROWS, INPUTS)), np.ones(ROWS), np.zeros(INPUTS + 1)]
    arrays[place] = LAYOUTS[wrong](arrays[place])
    with pytest.raises(ValueError, match=r"[Bb]uffer|multiple of 8 bytes|contiguous"):
        PerceptronTrainer(*arrays, True)


@every_layout
def test_estimators_read_any_layout_as_the_same_numbers(layout: str) -> None:
    pytest.importorskip("sklearn")
    X = samples("float64")["X"]
    y = X[:, 0] > 0.1
    one = nn.estimators.Perceptron(random_state=0).fit(X, y)
    other = nn.estimators.Perceptron(random_state=0).fit(LAYOUTS[layout](X), y)
    np.testing.assert_array_equal(one.coef_, other.coef_)
