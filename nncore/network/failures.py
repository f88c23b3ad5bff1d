"""Why a run of the core stopped: its status as an error that says where in the network it happened."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from nncore._core import GRADIENT_NOT_FINITE, LOSS_NOT_FINITE, RULE_NOT_FINITE, STEP_NOT_FINITE, Failure, Program, all_finite
from nncore.errors import NonFiniteError, PluginError
from nncore.program import ProgramSpec


class Explained:
    """A context in which a `Failure` of the core turns into an error that says where in the network it happened.

    Parameters
    ----------
    program : Program
        That runs inside.
    """

    __slots__ = ("_program",)

    def __init__(self, program: Program[ProgramSpec]) -> None:
        self._program = program

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Failure):
            raise explain(self._program, error) from None


def explain(program: Program[ProgramSpec], failure: Failure) -> Exception:
    """The error to raise for a run that stopped."""
    spec, step = program.spec, program.step + 1
    unchanged = "The parameters are those of the last finished step."
    remedy = f"Lower the learning rate, standardise the inputs, or clip the targets. {unchanged}"
    if failure.status == LOSS_NOT_FINITE:
        computed = (op for op in spec.ops if op.joint != "fork")
        culprit = next((op for op in computed if not all_finite(op.y, op.plan.accepts_nan)), None)
        layer = "loss" if culprit is None else culprit.stage.name
        where = "the loss itself overflowed" if culprit is None else f"the first outputs that are not finite are those of {layer}"
        if culprit is not None and not all(x is None or all_finite(x) for x in (culprit.x, *(branch.y for branch in culprit.branches))):
            where = f"NaN in the inputs reaches {layer}"
            remedy = f"Impute it, or fill it with nn.FillMissing() before that layer. {unchanged}"
        return NonFiniteError(f"the loss became NaN or infinite at step {step}: {where}. {remedy}", step=step, layer=layer)
    if failure.status == GRADIENT_NOT_FINITE:
        tensors = sorted(spec.grouping.tensors, key=lambda tensor: -tensor.offset)
        tensor = next(t for t in tensors if not all_finite(spec.gradients[t.offset : t.offset + t.rows * t.columns]))
        message = f"the gradient of {tensor.name} became NaN or infinite at step {step}. {remedy}"
        return NonFiniteError(message, step=step, layer=tensor.name.rpartition(".")[0])
    if failure.status == STEP_NOT_FINITE:
        spoiled = ((part, np.isfinite(part.live) & ~np.isfinite(part.kept)) for part in spec.undo)  # the step's numbers are in `kept`
        part, places = next((part, where) for part, where in spoiled if where.any())
        layer, what = "", part.what
        if not what:
            what = next(tensor.name for tensor in spec.grouping.tensors if places[tensor.offset : tensor.offset + tensor.size].any())
            layer = what.rpartition(".")[0]
        message = f"step {step} would have made {what} NaN or infinite. {remedy}"
        return NonFiniteError(message, step=step, layer=layer)
    rule = spec.rules[failure.op - spec.first_rule] if failure.op >= spec.first_rule else None
    if failure.status == RULE_NOT_FINITE and rule is not None:
        what = "the value" if rule.kind == "regularizer" else "the result"
        message = f"{what} of {rule.component!r} for {rule.tensor.name} became NaN or infinite at step {step}. {remedy}"
        return NonFiniteError(message, step=step, layer=rule.tensor.name.rpartition(".")[0])
    if rule is not None:
        return _failed(f"{rule.component!r} of {rule.tensor.name}", failure, step, unchanged)
    runnable = [*(op.component for op in spec.ops), *spec.optimizers, *(op.component for op in spec.transforms)]
    component = runnable[failure.op] if failure.op >= 0 else spec.loss
    return _failed(repr(component), failure, step, unchanged)


def _failed(who: str, failure: Failure, step: int, unchanged: str) -> PluginError:
    """The error for a function of a table that returned something else than 0."""
    said = f": {failure.message}" if failure.message else f", {failure.returned}, without a message"
    return PluginError(f"the compiled kernel of {who} reported an error at step {step}{said}. {unchanged}")
