"""Turn a failure of the core into an error that names the place in the network."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from nncore._core import GRADIENT_NOT_FINITE, LOSS_NOT_FINITE, RULE_NOT_FINITE, STEP_NOT_FINITE, Failure, Program, all_finite
from nncore.errors import NonFiniteError, PluginError
from nncore.program import ProgramSpec


class Explained:
    """A context in which a `Failure` of the core becomes an error that names the place in the network.

    Parameters
    ----------
    program : Program
        The program that runs inside.
    """

    __slots__ = ("_program",)

    def __init__(self, program: Program[ProgramSpec]) -> None:
        self._program = program

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Failure):
            raise explain(self._program, error) from None


#: The place of an unknown cause, behind all others.
NOWHERE = 2**31


def explain(program: Program[ProgramSpec], failure: Failure) -> Exception:
    """The error to raise for a run that stopped."""
    return explanation(program, failure)[1]


def explanation(program: Program[ProgramSpec], failure: Failure) -> tuple[int, Exception]:
    """The error, and the place in the network of its cause. Of several processes, the earliest place counts."""
    spec, step = program.spec, program.step + 1
    unchanged = "The parameters are those of the last finished step."
    remedy = f"Lower the learning rate, standardise the inputs, or clip the targets. {unchanged}"
    if failure.status == LOSS_NOT_FINITE:
        computed = (op for op in spec.ops if op.joint != "fork")
        place, culprit = next(((i, op) for i, op in enumerate(computed) if not all_finite(op.y, op.plan.accepts_nan)), (NOWHERE, None))
        layer = "loss" if culprit is None else culprit.stage.name
        where = "the loss itself overflowed" if culprit is None else f"the first outputs that are not finite are those of {layer}"
        if culprit is not None and not all(x is None or all_finite(x) for x in (culprit.x, *(branch.y for branch in culprit.branches))):
            where = f"NaN in the inputs reaches {layer}"
            remedy = f"Impute missing values, or put nn.FillMissing() before that layer. {unchanged}"
        return place, NonFiniteError(f"the loss became NaN or infinite at step {step}: {where}. {remedy}", step=step, layer=layer)
    if failure.status == GRADIENT_NOT_FINITE:
        tensors = sorted(spec.grouping.tensors, key=lambda tensor: -tensor.offset)
        spoiled = ((i, t.name) for i, t in enumerate(tensors) if not all_finite(spec.gradients[t.offset : t.offset + t.rows * t.columns]))
        place, name = next(spoiled, (NOWHERE, ""))
        message = f"the gradient of {name} became NaN or infinite at step {step}. {remedy}"
        return place, NonFiniteError(message, step=step, layer=name.rpartition(".")[0])
    if failure.status == STEP_NOT_FINITE:
        place, layer, what = _spoiled(spec)
        message = f"step {step} would have made {what} NaN or infinite. {remedy}"
        return place, NonFiniteError(message, step=step, layer=layer)
    rule = spec.rules[failure.op - spec.first_rule] if failure.op >= spec.first_rule else None
    if failure.status == RULE_NOT_FINITE and rule is not None:
        what = "the value" if rule.kind == "regularizer" else "the result"
        message = f"{what} of {rule.component!r} for {rule.tensor.name} became NaN or infinite at step {step}. {remedy}"
        return 0, NonFiniteError(message, step=step, layer=rule.tensor.name.rpartition(".")[0])
    place = 0 if failure.message or failure.returned else NOWHERE
    if rule is not None:
        return place, _failed(f"{rule.component!r} of {rule.tensor.name}", failure, step, unchanged)
    runnable = [*(op.component for op in spec.ops), *spec.optimizers, *(op.component for op in spec.transforms)]
    component = runnable[failure.op] if failure.op >= 0 else spec.loss
    return place, _failed(repr(component), failure, step, unchanged)


def _spoiled(spec: ProgramSpec) -> tuple[int, str, str]:
    """What an undone step made NaN or infinite: its place, its layer if it has one, and its description."""
    for place, part in enumerate(spec.undo):
        where = np.isfinite(part.live) & ~np.isfinite(part.kept)  # the step's numbers are in `kept`
        if where.any() and part.what:
            return place, "", part.what
        if where.any():
            name = next(tensor.name for tensor in spec.grouping.tensors if where[tensor.offset : tensor.offset + tensor.size].any())
            return place, name.rpartition(".")[0], name
    return NOWHERE, "", "the network"


def _failed(who: str, failure: Failure, step: int, unchanged: str) -> PluginError:
    """The error for a function of a table that did not return 0."""
    said = f": {failure.message}" if failure.message else f", {failure.returned}, without a message"
    return PluginError(f"the compiled kernel of {who} reported an error at step {step}{said}. {unchanged}")
