"""Layers into a program: shapes and places, ops and memory, first values, the same run by NumPy. Imports registry, contract, _core."""

from __future__ import annotations

from nncore.program.compiler import NO_AVERAGE, compile_loss, compile_program
from nncore.program.courses import Move, courses_of, slot_of
from nncore.program.groups import Grouping, check_groups, group_tensors
from nncore.program.initialisation import BATCH_ROWS, initialise
from nncore.program.knobs import LIMITS, Knob, Knobs
from nncore.program.memory import Vectors, aligned_zeros, named_views, zero_state
from nncore.program.outputs import Output, check_outputs, outputs_of
from nncore.program.planning import Blueprint, check_differentiable, check_trainable, is_differentiable, layer_names, plan_network
from nncore.program.program_spec import ProgramSpec
from nncore.program.specification import NETWORK_INPUT, Averaging, Course, Stage
from nncore.program.structure import same_structure, structure_of_loss, structure_of_optimizer
from nncore.program.threads import WORTH_MEETING, WORTH_WAKING, Pace, get_num_threads, set_num_threads, team_of, threads_for

__all__ = [
    "BATCH_ROWS", "LIMITS", "NETWORK_INPUT", "NO_AVERAGE", "WORTH_MEETING", "WORTH_WAKING", "Averaging", "Blueprint", "Course",
    "Grouping", "Knob", "Knobs", "Move", "Output", "Pace", "ProgramSpec", "Stage", "Vectors", "aligned_zeros", "check_differentiable",
    "check_groups", "check_outputs", "check_trainable", "compile_loss", "compile_program", "courses_of",
    "get_num_threads", "group_tensors", "initialise", "is_differentiable", "layer_names", "named_views", "outputs_of", "plan_network",
    "same_structure", "set_num_threads", "slot_of", "structure_of_loss", "structure_of_optimizer", "team_of", "threads_for", "zero_state",
]  # fmt: skip
