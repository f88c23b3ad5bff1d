"""Run the parts of a program without compiled form in Python. It is slow, and the reference for compiled parts.

It uses copies of the network's components. They take over hyperparameters when the program does. So a schedule changes the copies, and
nothing changes within a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore._core import BACKWARD, FORWARD, LOSS, LOSS_GRADIENT, PERTURB, RULE, TRANSFORM
from nncore.contract import (
    Activation,
    LayerCall,
    Regularizer,
    TransformCall,
    brought_up_to_date,
    change_settings,
    copied_deeply,
    with_argument,
)  # fmt: skip
from nncore.errors import PluginError
from nncore.program.groups import FROZEN
from nncore.program.memory import named_views
from nncore.program.program_spec import ProgramSpec
from nncore.program.rules import value_of
from nncore.program.specification import Course
from nncore.program.state import pieces
from nncore.program.transforming import FIRST_LAYER


class Interpreter:
    """Runs components in Python; a `Program` calls it under the GIL between its compiled ops.

    Components receive views of the program's buffers, which are made once for each number of rows.
    """

    def __init__(self, spec: ProgramSpec) -> None:
        self.spec = spec
        self._calls: dict[tuple[int, int], LayerCall] = {}  # by op and number of rows: a fit has full batches and a last one
        self._components = {i: copied_deeply(op.component) for i, op in enumerate(spec.ops) if op.kind == "python"}
        self._transforms = {i: copied_deeply(op.component) for i, op in enumerate(spec.transforms) if op.capsule is None}
        self._loss = None if spec.loss is None or spec.loss_capsule is not None else copied_deeply(spec.loss)
        self._rules = {i: copied_deeply(rule.component) for i, rule in enumerate(spec.rules) if rule.kernel is None}
        pairs = enumerate(zip(spec.optimizers, spec.optimizer_capsules, strict=True))
        self._optimizers = {number: copied_deeply(own) for number, (own, capsule) in pairs if capsule is None}  # by group
        self._courses: dict[tuple[str, int], list[Course]] = {}  # of the current run, by the notified component
        self._bases: dict[tuple[str, int, str], Any] = {}

    def refresh(self) -> None:
        """Take over the hyperparameters of the network's components. Other attributes of the copies do not change."""
        loss = self.spec.knobs.loss_for(self.spec.training)
        for number, component in self._components.items():
            self._components[number] = brought_up_to_date(component, self.spec.ops[number].component)
        for number, component in self._rules.items():
            self._rules[number] = brought_up_to_date(component, self.spec.rules[number].component)
        for number, transform in self._transforms.items():
            self._transforms[number] = brought_up_to_date(transform, self.spec.transforms[number].component)
        if self._loss is not None and loss is not None:
            self._loss = brought_up_to_date(self._loss, loss)
        for number, own in self._optimizers.items():
            base, group = self.spec.optimizers[number], self.spec.grouping.groups[number]
            self._optimizers[number] = own = brought_up_to_date(own, base)
            change_settings(own, group.changed(base))

    def follow(self, courses: Sequence[Course]) -> None:
        """Until `settle`, read scheduled numbers from where the program writes them before every step. They start unchanged."""
        for course in courses:
            if course.told is not None:
                kind, number, name = course.told
                self._courses.setdefault((kind, number), []).append(course)
                self._bases[course.told] = course.numbers[course.index] = getattr(self._component(kind, number, name), name)

    def settle(self) -> None:
        """Restore every number to its value without a schedule."""
        for (kind, number, name), value in self._bases.items():
            self._tell(self._component(kind, number, name), name, value)
        self._courses, self._bases = {}, {}

    def _component(self, kind: str, number: int, name: str) -> Any:
        if kind == "optimizer":
            return self._optimizers[number].holder(name)
        if kind == "loss":
            return self._loss
        return {"op": self._components, "transform": self._transforms, "rule": self._rules}[kind][number]

    def _tell(self, component: Any, name: str, value: Any) -> None:
        """Set a number of a copy, and recompute attributes that the component derives from it."""
        if getattr(component, name) == value:
            return
        cls = type(component)
        keeps_more = not vars(component).keys() <= {*cls.argument_names, *cls.common, "_bond"}
        vars(component).update(with_argument(component, name, value) if keeps_more else {name: value})

    def _obey(self, kind: str, number: int) -> None:
        for course in self._courses.get((kind, number), ()):
            assert course.told is not None, "follow takes no others"
            self._tell(self._component(kind, number, course.told[2]), course.told[2], float(course.numbers[course.index]))

    def run(self, what: int, number: int, n_rows: int, step: int, draw: int, training: bool, use_labels: bool, norm: float) -> None:
        """Run `what` for op `number` (or for the loss, or for the optimizer of that group) on the first `n_rows` rows of its buffers.

        `step` is the number of the current update, and `draw` that of the batch, which seeds random numbers; both count from 1. `norm` is
        the norm of the gradients by which an optimizer perturbs the parameters.
        """
        if what in (FORWARD, BACKWARD):
            if self._courses:
                self._obey("op", number)
            component, call = self._components[number], self._call(number, n_rows)
            if isinstance(component, Activation):
                _run_activation(component, call, what, self.spec.ops[number].rows_per_sample)
            else:
                call.seed, call.step, call.training = self.spec.seed, draw, training
                (component.forward if what == FORWARD else component.backward)(call)
        elif what in (LOSS, LOSS_GRADIENT):
            if self._courses:
                self._obey("loss", 0)
            self._run_loss(n_rows, what == LOSS_GRADIENT, use_labels)
        elif what == PERTURB:
            self._perturb(number, norm)
        elif what == RULE:
            self._run_rule(number - self.spec.first_rule)
        elif what == TRANSFORM:
            self._run_transform(number, n_rows, draw)
        else:
            self._run_optimizer(number, step)

    def _call(self, number: int, n_rows: int) -> LayerCall:
        """The views of one op, for `n_rows` rows."""
        call = self._calls.get((number, n_rows))
        if call is None:
            op = self.spec.ops[number]
            plan, n_rows_of_batch = op.stage.plan, n_rows
            n_rows //= op.n_together
            call = self._calls[number, n_rows_of_batch] = LayerCall(
                # The first op reads the program's input.
                x=self.spec.input[:n_rows_of_batch].reshape(n_rows, -1) if op.x is None else op.x[:n_rows],
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
                layer=op.layer,
            )
        return call

    def _run_loss(self, n_rows: int, with_gradient: bool, use_labels: bool) -> None:
        spec, loss = self.spec, self._loss
        assert loss is not None, "a program without a loss runs no loss"
        n_members = max(spec.n_members, 1)
        outputs, target = spec.output[:n_rows], (spec.labels if use_labels else spec.target)[:n_rows]
        weight, losses = spec.weight[:n_rows], spec.losses[:n_rows]
        shares = (weight,) if loss.needs_batch else ()
        for j in range(n_members):  # the loss of a sample is the mean over its members
            one = slice(j * spec.n_outputs, (j + 1) * spec.n_outputs)
            output = outputs if n_members == 1 else outputs[:, one].copy()
            one_loss = _checked(loss, "forward", loss.forward(output, target, *shares), (n_rows,))
            losses[...] = one_loss / n_members if j == 0 else losses + one_loss / n_members
            if with_gradient and spec.d_output is not None:
                gradient = _checked(loss, "backward", loss.backward(output, target, *shares), output.shape)
                # A loss of whole batches has already applied the weights.
                weighted = gradient if loss.needs_batch else gradient * weight[:, None]
                np.divide(weighted, n_members, out=spec.d_output[:n_rows, one])

    def _perturb(self, number: int, norm: float) -> None:
        """Move the parameters of a group to the point of its second gradient."""
        self._obey("optimizer", number)
        w, g = self.spec.parameters, self.spec.gradients
        for begin, end, member, _ in self.spec.grouping.stretches():
            if member == number:
                self._optimizers[number].perturb(w[begin:end], g[begin:end], norm)

    def _run_rule(self, number: int) -> None:
        """Apply a regularizer or constraint without a kernel to its tensor."""
        self._obey("rule", number)
        spec, rule, component = self.spec, self.spec.rules[number], self._rules[number]
        w = rule.view(spec.parameters)
        if not isinstance(component, Regularizer):
            component.project(w, 0.0 if rule.group == FROZEN else float(spec.optimizer_hyper[rule.group, 0]))
            return
        place = next(i for i, piece in enumerate(spec.regularizers.pieces) if piece[0] == number)
        w.flags.writeable = False
        spec.values[place] = value_of(component, w)
        component.add_gradient(w, rule.view(spec.gradients))

    def _run_transform(self, number: int, n_rows: int, draw: int) -> None:
        self._obey("transform", number)
        op, transform = self.spec.transforms[number], self._transforms[number]
        call = TransformCall(
            source=_read_only(op.source.input[:n_rows]),
            x=op.result.input[:n_rows],
            columns=_read_only(op.columns),
            seed=self.spec.seed,
            step=draw,
            layer=FIRST_LAYER - number,
        )
        if transform.mixes_targets:
            call.source_target, call.target = _read_only(op.source.target[:n_rows]), op.result.target[:n_rows]
            call.source_weight, call.weight = _read_only(op.source.weight[:n_rows]), op.result.weight[:n_rows]
        transform.apply(call)

    def _run_optimizer(self, number: int, step: int) -> None:
        """One step of a group. If it raises an error, the core undoes its changes."""
        spec, optimizer = self.spec, self._optimizers[number]
        assert spec.state is not None, "an optimizer comes with its state"
        self._obey("optimizer", number)
        if spec.grouping.groups[number].lazy:
            self._step_lazily(number, step)
            return
        tensors = (spec.grouping.tensors_of(number),) if optimizer.needs_tensors else ()
        for w, g, state in pieces(optimizer, number, spec.grouping, spec.state, spec.parameters, spec.gradients):
            optimizer.step(w, g, state, step, *tensors)

    def _step_lazily(self, number: int, step: int) -> None:
        """One step of a group on the rows of its tensors whose gradients are not all zero."""
        spec, optimizer = self.spec, self._optimizers[number]
        assert spec.state is not None, "an optimizer comes with its state"
        for span, kept in zip(spec.grouping.tensors_of(number), spec.state[number].tensors, strict=True):
            w, g = (vector[span.offset : span.offset + span.size].reshape(span.shape) for vector in (spec.parameters, spec.gradients))
            if not (touched := g.any(axis=1)).any():
                continue
            own = w[touched].reshape(-1)
            state = np.array([slot[touched].reshape(-1) for slot in kept.values()], w.dtype).reshape(len(kept), own.size)
            optimizer.step(own, g[touched].reshape(-1), state, step)
            w[touched] = own.reshape(-1, span.columns)
            for slot, after in zip(kept.values(), state, strict=True):
                slot[touched] = after.reshape(-1, span.columns)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _run_activation(activation: Activation, call: LayerCall, what: int, rows_per_sample: int) -> None:
    rows = (len(call.y) * rows_per_sample, call.y.shape[1] // rows_per_sample)
    x, y = call.x.reshape(rows), call.y.reshape(rows)  # views, since buffers are contiguous
    if what == FORWARD:
        y[...] = _checked(activation, "forward", activation.forward(x), rows)
    elif call.d_x is not None:
        call.d_x.reshape(rows)[...] = _checked(activation, "backward", activation.backward(x, y, call.d_y.reshape(rows)), rows)


def _checked(component: object, method: str, result: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Check that a component's result has the promised shape, and return it."""
    if np.shape(result) != shape:
        raise PluginError(f"{component!r}.{method} must return an array of shape {shape}, it returned {np.shape(result)}")
    return result
