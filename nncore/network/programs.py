"""`Programs`: the compiled programs of a network, until it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from nncore._core import Program
from nncore.contract import Transform
from nncore.network.step_in_parts import StepInParts
from nncore.program import NO_AVERAGE, Averaging, Pace, ProgramSpec


class Steps(NamedTuple):
    """Options of a training program: arguments of `compile_program`."""

    average: Averaging = NO_AVERAGE
    accumulates: bool = False
    input_gradient: bool = False
    transforms: tuple[Transform, ...] = ()
    shards: int = 1
    rounds: bool = False
    sparse_inputs: bool = False
    own_samples: bool = False


#: Options for `train_on_batch`, and for `forward`, `backward` and `step`, which compute a gradient of the inputs.
WHOLE, IN_PARTS = Steps(), Steps(input_gradient=True)


@dataclass(slots=True)
class Programs:
    """The compiled programs, each made when it is needed. The flat vectors that they work on outlive them.

    Attributes
    ----------
    training, prediction, sparse_prediction, input_gradients : Program or None
    steps : Steps
        Options of the training program.
    link : (object, Program) or None
        A link and its program.
    parts : StepInParts
        State of a step in parts.
    paces : dict
        Measured speed of the training program, by batch size and number of threads.
    """

    training: Program[ProgramSpec] | None = None
    prediction: Program[ProgramSpec] | None = None
    sparse_prediction: Program[ProgramSpec] | None = None
    input_gradients: Program[ProgramSpec] | None = None
    steps: Steps = WHOLE
    link: tuple[object, Program[ProgramSpec]] | None = None
    parts: StepInParts = field(default_factory=StepInParts)
    paces: dict[tuple[int, int], Pace] = field(default_factory=dict)
