"""Layers into a program: shapes and places, ops and memory, first values, the same run by NumPy. Imports registry, contract, _core."""

from __future__ import annotations

from nncore.program.compiler import compile_program
from nncore.program.groups import Grouping, check_groups, group_tensors
from nncore.program.initialisation import BATCH_ROWS, initialise
from nncore.program.interpreter import named_views
from nncore.program.memory import Vectors, aligned_zeros, zero_state
from nncore.program.planning import Blueprint, check_differentiable, check_trainable, is_differentiable, layer_names, plan_network
from nncore.program.specification import NETWORK_INPUT, ProgramSpec, Stage, UpdateRule
from nncore.program.threads import WORTH_MEETING, WORTH_WAKING, Pace, get_num_threads, set_num_threads, team_of, threads_for

__all__ = [
    "BATCH_ROWS", "NETWORK_INPUT", "WORTH_MEETING", "WORTH_WAKING", "Blueprint", "Grouping", "Pace", "ProgramSpec", "Stage",
    "UpdateRule", "Vectors", "aligned_zeros", "check_differentiable", "check_groups", "check_trainable", "compile_program",
    "get_num_threads", "group_tensors", "initialise", "is_differentiable", "layer_names", "named_views", "plan_network",
    "set_num_threads", "team_of", "threads_for", "zero_state",
]  # fmt: skip
