"""JAX: a whole epoch as one compiled scan, with optax's Adam; the rows of a batch are gathered inside the scan."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import data

_ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
    "mish": jax.nn.mish,
    "selu": jax.nn.selu,
    "silu": jax.nn.silu,
    "elu": jax.nn.elu,
}


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        del n_threads, flavour  # XLA uses one thread for each core of the process, and the worker is pinned to n_threads cores
        self.versions = {"jax": jax.__version__, "optax": optax.__version__}

    def training(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = map(jnp.asarray, data.samples(task))
        activation, batch = _ACTIVATIONS[task["activation"]], task["batch"]
        n_steps = len(X) // batch
        optimizer = optax.adam(1e-3)

        def loss(parameters: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
            *hidden, (weight, bias) = parameters
            for w, b in hidden:
                inputs = activation(inputs @ w + b)
            outputs = inputs @ weight + bias
            if task["loss"] == "mse":
                return jnp.mean((outputs - targets) ** 2)
            return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

        @functools.partial(jax.jit, donate_argnums=0)
        def epoch(state: Any, X: jax.Array, y: jax.Array, order: jax.Array) -> tuple[Any, jax.Array]:
            def step(state: Any, rows: jax.Array) -> tuple[Any, jax.Array]:
                parameters, moments = state
                value, gradients = jax.value_and_grad(loss)(parameters, X[rows], y[rows])
                updates, moments = optimizer.update(gradients, moments)
                return (optax.apply_updates(parameters, updates), moments), value

            return jax.lax.scan(step, state, order)

        parameters = [(jnp.asarray(weight), jnp.asarray(bias)) for weight, bias in data.parameters(task)]
        state = parameters, optimizer.init(parameters)
        rng = np.random.default_rng(2)

        def run() -> float:
            nonlocal state
            order = jnp.asarray(rng.permutation(len(X))[: n_steps * batch].reshape(n_steps, batch).astype(np.int32))
            order.block_until_ready()
            start = time.perf_counter()
            state, losses = epoch(state, X, y, order)
            jax.block_until_ready((state, losses))
            return (time.perf_counter() - start) / n_steps

        return run
