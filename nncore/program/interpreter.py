"""Runs, in Python, the parts of a program that have no compiled form. Slow, always there, and the oracle of the compiled ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nncore._core import BACKWARD, FORWARD, LOSS, LOSS_GRADIENT
from nncore.contract import Activation, Buffer, LayerCall, Optimizer, Tensor
from nncore.errors import PluginError
from nncore.program.specification import ProgramSpec


class Interpreter:
    """Called back by a `Program`, under the GIL, between its compiled ops.

    The arrays handed to components are views of the program's buffers; those for a number of rows are made once.
    """

    def __init__(self, spec: ProgramSpec) -> None:
        self.spec = spec
        self._calls: dict[tuple[int, int], LayerCall] = {}  # by op and number of rows: a fit has whole batches and a last one

    def run(self, what: int, number: int, n_rows: int, step: int, draw: int, training: bool, use_labels: bool) -> None:
        """Do `what` for op `number` (or the loss, or the optimizer) with the first `n_rows` rows of its buffers.

        `step` is the number of the update under way and `draw` that of the batch, which keys random numbers; both count from 1.
        """
        if what in (FORWARD, BACKWARD):
            component, call = self.spec.ops[number].component, self._call(number, n_rows)
            if isinstance(component, Activation):
                _run_activation(component, call, what)
            else:
                call.step, call.training = draw, training
                (component.forward if what == FORWARD else component.backward)(call)
        elif what in (LOSS, LOSS_GRADIENT):
            self._run_loss(n_rows, what == LOSS_GRADIENT, use_labels)
        else:
            self._run_optimizer(step)

    def _call(self, number: int, n_rows: int) -> LayerCall:
        """The views of one op, for `n_rows` rows."""
        call = self._calls.get((number, n_rows))
        if call is None:
            op = self.spec.ops[number]
            plan = op.stage.plan
            call = self._calls[number, n_rows] = LayerCall(
                x=(self.spec.input if op.x is None else op.x)[:n_rows],  # the first op reads the batch the program was given
                y=op.y[:n_rows],
                d_y=np.empty((0, 0)) if op.d_y is None else op.d_y[:n_rows],
                d_x=None if op.d_x is None else op.d_x[:n_rows],
                parameters=named_views(plan.tensors, op.parameters),
                d_parameters=named_views(plan.tensors, op.d_parameters),
                buffers=named_views(plan.buffers, op.buffers),
                cache=np.empty(0) if op.cache is None else op.cache[: plan.cache + plan.cache_per_row * n_rows],
                numbers=plan.numbers,
                input_shape=op.stage.input_shape,
                output_shape=plan.output_shape,
                seed=self.spec.seed,
                layer=op.layer,
            )
        return call

    def _run_loss(self, n_rows: int, with_gradient: bool, use_labels: bool) -> None:
        spec, loss = self.spec, self.spec.loss
        assert loss is not None, "a program without a loss runs no loss"
        output, target = spec.output[:n_rows], (spec.labels if use_labels else spec.target)[:n_rows]
        spec.losses[:n_rows] = _checked(loss, "forward", loss.forward(output, target), (n_rows,))
        if with_gradient and spec.d_output is not None:
            gradient = _checked(loss, "backward", loss.backward(output, target), output.shape)
            np.multiply(gradient, spec.weight[:n_rows, None], out=spec.d_output[:n_rows])

    def _run_optimizer(self, step: int) -> None:
        """One step of every group; if it raises, parameters and state are as before it."""
        spec, optimizer, state = self.spec, self.spec.optimizer, self.spec.state
        assert optimizer is not None, "a program without an optimizer updates nothing"
        assert state is not None, "an optimizer comes with its state"
        before = spec.parameters.copy(), state.copy()
        try:
            for number in range(len(spec.grouping.groups)):
                self._update_group(number, optimizer, state, step)
        except BaseException:
            spec.parameters[...], state[...] = before
            raise

    def _update_group(self, number: int, optimizer: Optimizer, state: np.ndarray, step: int) -> None:
        w, g, grouping = self.spec.parameters, self.spec.gradients, self.spec.grouping
        changes = grouping.groups[number].changed(optimizer)
        if "lr" in optimizer.config():
            changes["lr"] = float(self.spec.optimizer_hyper[number, 0])  # a schedule may have moved it
        with _changed(optimizer, changes):
            if optimizer.needs_tensors:
                optimizer.step(w, g, state, step, grouping.tensors_of(number))
                return
            for begin, end, member in grouping.stretches():
                if member == number:
                    optimizer.step(w[begin:end], g[begin:end], state[:, begin:end], step)


def _run_activation(activation: Activation, call: LayerCall, what: int) -> None:
    if what == FORWARD:
        call.y[...] = _checked(activation, "forward", activation.forward(call.x), call.y.shape)
    elif call.d_x is not None:
        call.d_x[...] = _checked(activation, "backward", activation.backward(call.x, call.y, call.d_y), call.y.shape)


@contextmanager
def _changed(optimizer: Optimizer, changes: Mapping[str, Any]) -> Iterator[None]:
    """Let the optimizer see other hyperparameters for a while."""
    usual = {name: getattr(optimizer, name) for name in changes}
    for name, value in changes.items():
        setattr(optimizer, name, value)
    try:
        yield
    finally:
        for name, value in usual.items():
            setattr(optimizer, name, value)


def named_views(parts: Sequence[Tensor] | Sequence[Buffer], vector: np.ndarray | None) -> dict[str, np.ndarray]:
    """Views by name of a vector that holds the parts one after the other; no vector, no parts."""
    views: dict[str, np.ndarray] = {}
    if vector is None:
        return views
    offset = 0
    for part in parts:
        views[part.name] = vector[offset : offset + part.size].reshape(part.shape)
        offset += part.size
    return views


def _checked(component: object, method: str, result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What a component returned, if it has the promised shape."""
    if np.shape(result) != shape:
        raise PluginError(f"{component!r}.{method} must return an array of shape {shape}, it returned {np.shape(result)}")
    return result
