"""Compile layers to a program: shapes, ops, memory and initial values; and run programs in NumPy. Imports registry, contract, _core."""

from __future__ import annotations

from nncore.program.compiler import NO_AVERAGE, compile_link, compile_loss, compile_program
from nncore.program.courses import Move, courses_of, slots_of
from nncore.program.formula import formula_of_activation, formula_of_layer, formula_of_network
from nncore.program.groups import RULES, Grouping, check_groups, group_tensors, matching, options_of
from nncore.program.initialisation import initialise, looked_at
from nncore.program.knobs import LIMITS, Knob, Knobs, holder_of
from nncore.program.memory import aligned_zeros, named_views
from nncore.program.model_writer import ModelWriter
from nncore.program.numpy_builder import NumPyBuilder
from nncore.program.outputs import Output, check_outputs, outputs_of
from nncore.program.planning import (
    Blueprint,
    check_differentiable,
    check_own_samples,
    check_sparse,
    check_trainable,
    is_differentiable,
    layer_names,
    numbered,
    plan_network,
)
from nncore.program.precision import (
    Precision,
    bfloat16_speed,
    check_bfloat16,
    chosen_precision,
    has_bfloat16,
    is_worth_rounding,
)
from nncore.program.program_spec import ProgramSpec
from nncore.program.rules import Rule, check_rules, project, rules_of, same_rules
from nncore.program.scoring import ScorerSpec, compile_scorer
from nncore.program.specification import NETWORK_INPUT, Averaging, Course, Stage
from nncore.program.state import NetworkState, declared_state, evaluated, named_state, needed_work, zero_state
from nncore.program.structure import same_optimizers, same_structure, structure_of_loss, structure_of_optimizer, structure_of_transform
from nncore.program.threads import (
    WORTH_MEETING,
    WORTH_WAKING,
    Pace,
    at_most_threads,
    crew_size,
    get_num_threads,
    set_num_threads,
    sharing,
    team_of,
    threads_for,
    threads_worth,
)
from nncore.program.transforming import changeable_columns
from nncore.program.vectors import Vectors

__all__ = [
    "LIMITS", "NETWORK_INPUT", "NO_AVERAGE", "RULES", "WORTH_MEETING", "WORTH_WAKING", "Averaging", "Blueprint", "Course", "Grouping",
    "Knob", "Knobs", "ModelWriter", "Move", "NetworkState", "NumPyBuilder", "Output", "Pace", "Precision", "ProgramSpec", "Rule",
    "ScorerSpec", "Stage", "Vectors", "aligned_zeros", "at_most_threads", "bfloat16_speed", "changeable_columns", "check_bfloat16",
    "check_differentiable", "check_groups", "check_outputs", "check_own_samples", "check_rules", "check_sparse", "check_trainable",
    "chosen_precision",
    "compile_link", "compile_loss", "compile_program", "compile_scorer", "courses_of", "crew_size", "declared_state", "evaluated",
    "formula_of_activation", "formula_of_layer", "formula_of_network", "get_num_threads", "group_tensors", "has_bfloat16", "holder_of",
    "initialise", "is_differentiable", "is_worth_rounding", "layer_names", "looked_at", "matching", "named_state", "named_views",
    "needed_work", "numbered", "options_of", "outputs_of", "plan_network", "project", "rules_of", "same_optimizers", "same_rules",
    "same_structure", "set_num_threads", "sharing", "slots_of", "structure_of_loss", "structure_of_optimizer", "structure_of_transform",
    "team_of", "threads_for", "threads_worth", "zero_state",
]  # fmt: skip
