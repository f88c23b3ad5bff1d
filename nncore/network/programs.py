"""`Programs`: those that a network was compiled to, until something of it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from nncore._core import Program
from nncore.contract import Transform
from nncore.network.step_in_parts import StepInParts
from nncore.program import NO_AVERAGE, Averaging, Pace, ProgramSpec


class Steps(NamedTuple):
    """What a training program is compiled for: arguments of `compile_program`."""

    average: Averaging = NO_AVERAGE
    accumulates: bool = False
    input_gradient: bool = False
    transforms: tuple[Transform, ...] = ()
    shards: int = 1
    rounds: bool = False
    sparse_inputs: bool = False


#: Steps as `train_on_batch` takes them, and as `forward`, `backward` and `step` do, which leave a gradient of the inputs.
WHOLE, IN_PARTS = Steps(), Steps(input_gradient=True)


@dataclass(slots=True)
class Programs:
    """Each is made when it is needed. The flat vectors that they work on stay when they go.

    Attributes
    ----------
    training, prediction, sparse_prediction, input_gradients : Program or None
    steps : Steps
        What the training program was compiled for.
    link : (object, Program) or None
        With the link that it was compiled for.
    parts : StepInParts
        How far a step is.
    paces : dict
        What was learned of the training program's speed, by batch size and number of threads.
    """

    training: Program[ProgramSpec] | None = None
    prediction: Program[ProgramSpec] | None = None
    sparse_prediction: Program[ProgramSpec] | None = None
    input_gradients: Program[ProgramSpec] | None = None
    steps: Steps = WHOLE
    link: tuple[object, Program[ProgramSpec]] | None = None
    parts: StepInParts = field(default_factory=StepInParts)
    paces: dict[tuple[int, int], Pace] = field(default_factory=dict)
