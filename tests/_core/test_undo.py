"""A failed step is undone: the network is in the state after the last complete step, to the bit, and finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import NonFiniteError
from nncore.plugin import Callback, Optimizer, Schedule
from nncore.testing import numpy_twin, team_of

BATCH, BAD = 16, 4  # rows of a batch; the number, from 1, of the batch that fails
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6 * BATCH, 5))
Y = RNG.normal(size=(6 * BATCH, 2))


class Jump(Schedule):
    """A factor of 1, except in one step."""

    def __init__(self, step: int, factor: float) -> None:
        self.step, self.jump = step, factor

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return np.where(step + 1 == self.step, self.jump, 1.0)


#: Factors for the inputs and targets of the failing batch, by what overflows, as powers of the dtype's largest number.
EVENTS: dict[str, tuple[float, float]] = {
    "inputs": (0.97, 0.0),  # the outputs
    "loss": (0.0, 0.8),
    "gradient": (0.6, 0.45),
    "state": (0.0, 0.45),  # squares of gradients, while the loss is still finite
    "averages": (0.3, 0.3),
}
MADE: dict[str, Callable[[], Optimizer]] = {name: registry.get("optimizers", name) for name in registry.names("optimizers")}
MADE |= {
    "lookahead around momentum": lambda: nn.Lookahead(nn.Momentum()),
    "lookahead around adam": lambda: nn.Lookahead(nn.Adam(), every=2),
}


def network(optimizer: Optimizer, dtype: str, **arguments: Any) -> nn.Sequential:
    layers = nn.Dense(7), nn.BatchNorm(), nn.Dense(6, activation="tanh"), nn.Dropout(0.2), nn.Dense(2, weight_regularizer="l2")
    made = nn.Sequential(*(arguments.pop("layers", None) or layers))
    return made.build(arguments.pop("n_inputs", 5), loss="half_mse", optimizer=optimizer, rng=1, dtype=dtype)


def everything(net: nn.Sequential) -> dict[str, np.ndarray]:
    found = {"parameters": net.parameters, "step": np.array(net.n_steps), "buffers": np.concatenate([[0.0], *net.named_buffers().values()])}
    if net.trajectory is not None:
        found["trajectory"] = net.trajectory
    return {name: value.copy() for name, value in (found | net.optimizer_state).items()}


def expect_alike(one: nn.Sequential, other: nn.Sequential) -> None:
    got, expected = everything(one), everything(other)
    assert got.keys() == expected.keys()
    for name, value in got.items():
        assert value.tobytes() == expected[name].tobytes(), name
        assert np.isfinite(value).all(), name


def data(event: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    x, y, largest = X.astype(dtype), Y.astype(dtype), float(np.finfo(dtype).max)
    rows = slice((BAD - 1) * BATCH, BAD * BATCH)
    powers = EVENTS[event]
    x[rows] *= largest ** powers[0]
    y[rows] *= largest ** powers[1]
    return x, y


ORDER = {"epochs": 1, "shuffle": False, "progress": False}


def train_until(net: nn.Sequential, x: np.ndarray, y: np.ndarray, **arguments: Any) -> NonFiniteError | None:
    """Train until the end, or return the error."""
    try:
        net.fit(x, y, batch_size=BATCH, **ORDER | arguments)
    except NonFiniteError as error:
        return error
    return None


every_rung = pytest.mark.parametrize("rung", ["native", "numpy"])
every_dtype = pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])


def made(name: str, rung: str, **arguments: Any) -> Optimizer:
    optimizer = MADE[name](**arguments)
    return optimizer if rung == "native" else numpy_twin(optimizer)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's warnings about the overflow
@every_rung
@every_dtype
@pytest.mark.parametrize("event", [*EVENTS, "rate"])
@pytest.mark.parametrize("name", MADE)
def test_a_step_that_ends_badly_leaves_nothing_behind(name: str, event: str, dtype: str, rung: str) -> None:
    (x, y), schedule = data(event, dtype) if event in EVENTS else (X.astype(dtype), Y.astype(dtype)), None
    if event == "rate":
        schedule = Jump(BAD, 1e300)
    net = network(made(name, rung), dtype)
    error = train_until(net, x, y, schedule=schedule)
    done = 6 if error is None else error.step - 1
    assert error is None or error.step >= BAD
    assert error is not None or event not in ("inputs", "loss")
    same = network(made(name, rung), dtype)
    same.fit(x[: done * BATCH], y[: done * BATCH], batch_size=BATCH, schedule=schedule, **ORDER)
    expect_alike(net, same)
    if error is not None and error.step == BAD:  # and training continues as usual
        for each in (net, same):
            each.fit(X[:40], Y[:40], batch_size=BATCH, schedule="constant", **ORDER | {"epochs": 2})
        expect_alike(net, same)


SETTINGS: dict[str, dict[str, Any]] = {
    "several batches a step": {"accumulate": 2},
    "EMA": {"callbacks": [nn.EMA(0.9)]},
    "SWA": {"callbacks": [nn.SWA()]},
    "decay": {"weight_decay": 1e-3},
    "limits": {"clip_norm": 1e3, "clip_value": 1e2},
    "groups": {"groups": {"*.bias": {"optimizer": "momentum"}, "dense_2.weight": {"frozen": True}}},
    "rules": {"groups": {"dense_2.weight": {"constraint": "max_norm", "regularizer": "l1"}}},
    "noise": {"transforms": ["gaussian_noise"]},
    "weights": {"sample_weight": np.linspace(0.01, 1, len(X))},
    "threads": {},
}


class Stop(Callback):
    """Ends the run after a given number of steps."""

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def on_progress(self, training: Any) -> None:
        if training.n_steps >= self.n_steps:
            training.stop("enough")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@every_rung
@pytest.mark.parametrize("what", SETTINGS)
@pytest.mark.parametrize("n_epochs", [0, 1])
def test_whatever_belongs_to_a_step(what: str, n_epochs: int, rung: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed step restores everything that belongs to a step, also in a later epoch after other batches."""
    arguments = SETTINGS[what]
    net, same = (network(made("adam", rung), "float32") for _ in range(2))
    with team_of(3 if what == "threads" else 1):
        for each in (net, same):
            each.fit(X, Y, batch_size=BATCH, **ORDER | arguments | {"epochs": n_epochs})
        before = net.n_steps
        x, y = data("inputs", "float32")
        error = train_until(net, x, y, **arguments)
        assert error is not None
        n_steps = error.step - 1 - before
        assert n_steps == (1 if "accumulate" in arguments else BAD - 1)
        monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)  # returns to Python after every step
        same.fit(x, y, batch_size=BATCH, **ORDER | arguments | {"callbacks": [*arguments.get("callbacks", []), Stop(n_steps)]})
    assert net.n_epochs == same.n_epochs == n_epochs
    expect_alike(net, same)


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("event", ["gradient", "rate"])
def test_gradients_that_are_used_up_as_they_are_made(event: str, n_parts: int) -> None:
    """A failed step is undone also if gradients do not fit the cache, so that some parameters are updated before all gradients exist."""
    rows = {"n_inputs": 600, "layers": (nn.Dense(600, activation="relu"), nn.Dense(2))}
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, 600)).astype("f4"), rng.normal(size=(12, 2)).astype("f4")
    if event == "gradient":
        x[8:], y[8:] = 1e25, 1e17
    schedule = Jump(3, 1e300) if event == "rate" else None
    net, same = (network(nn.Adam(), "float32", **rows) for _ in range(2))
    with team_of(n_parts):
        with pytest.raises(NonFiniteError, match=r"at step 3|step 3 would"):
            net.fit(x, y, batch_size=4, schedule=schedule, **ORDER)
        same.fit(x[:8], y[:8], batch_size=4, schedule=schedule, **ORDER)
    assert net.program_for_training(4).spec.tiles is not None
    expect_alike(net, same)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@every_rung
@pytest.mark.parametrize(
    ("way", "name"),
    [("train_on_batch", name) for name in MADE] + [("step", name) for name, make in MADE.items() if make().n_passes == 1],
)
def test_a_step_that_is_taken_by_hand(way: str, name: str, rung: str) -> None:
    net, same = (network(made(name, rung), "float32") for _ in range(2))
    for each in (net, same):
        each.train_on_batch(X, Y)
    if way == "step":
        net.forward(X, training=True)
        same.forward(X, training=True)  # which moves running statistics
        net.backward(Y)
        net.gradients[...] = np.inf
        with pytest.raises(NonFiniteError):
            net.step()
    else:
        with pytest.raises(NonFiniteError):
            net.train_on_batch(X * 1e25, Y * 1e25)
    expect_alike(net, same)


def test_the_message_names_what_would_have_been_spoiled() -> None:
    net = network(nn.SGD(lr=1e300), "float32")
    with pytest.raises(NonFiniteError, match=r"step 1 would have made dense_\d\.\w+ NaN or infinite. Lower the learning rate"):
        net.train_on_batch(X, Y)
    net = network(MADE["adagrad"](), "float32", layers=[nn.Dense(2)])
    with pytest.raises(NonFiniteError, match="step 1 would have made the state of the optimizer NaN or infinite"):
        net.train_on_batch(X * 1e4, Y * 1e17)


@pytest.mark.parametrize("size", [1e-200, 1e160, 1e300])
@pytest.mark.parametrize("n_parts", [1, 3])
def test_the_norm_of_gradients_whose_squares_are_out_of_range(size: float, n_parts: int) -> None:
    """The norm of gradients is right although their squares over- or underflow. A linear map that starts at 0 has the gradient xᵀ d_y."""
    net = nn.Sequential(nn.Dense(3, weight_initializer="zeros", use_bias=False)).build(
        5, loss="half_mse", optimizer=nn.SGD(lr=1), dtype="float64"
    )
    net.clip_norm = size * 1e-3
    direction = X.T @ np.tile(np.ones(3), (len(X), 1))
    with team_of(n_parts):
        net.forward(X, training=True)
        net.backward(d_output=np.full((len(X), 3), -size))
        net.step()
    expected = direction / np.linalg.norm(direction)
    np.testing.assert_allclose(net.named_parameters()["dense_1.weight"] / net.clip_norm, expected, rtol=1e-12)
