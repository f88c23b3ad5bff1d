"""The contract: base classes of components, one concept a file, and what components see of a fit.

It imports only the ground. Authors of plugins import it as `nncore.plugin`.
"""

from __future__ import annotations

from nncore.contract import hookspecs
from nncore.contract.activation import Activation, ActivationLike
from nncore.contract.building import setup_arguments
from nncore.contract.callback import Callback
from nncore.contract.calls import (
    CALLS,
    BatchSumsStruct,
    HeadStruct,
    NumbaCall,
    SiteStruct,
    SparseRowsStruct,
    TensorStruct,
    TouchedStruct,
    numba_call,
)
from nncore.contract.collective import Collective
from nncore.contract.component import Component
from nncore.contract.configurable import Configurable, alike, bounds, is_inside, numbers_of, written
from nncore.contract.constraint import Constraint, ConstraintLike, Constraints
from nncore.contract.direction import decided_mode, direction
from nncore.contract.domain import DISTRIBUTION, INPUT, OUTPUT_DOMAINS, UNBOUNDED, checked_domain, domain_of_sum, need_of
from nncore.contract.encoding import Encoding, Learned
from nncore.contract.exported import OPERATIONS, TIMES, ExportGraph, Node, Output, TextLevels
from nncore.contract.exporter import Exporter
from nncore.contract.format import Format
from nncore.contract.formula import Builder, Graph, Value, decision_of, formula_of, formula_result
from nncore.contract.frozen import FrozenDict, FrozenList, frozen, thawed
from nncore.contract.heads import class_counts, head_columns
from nncore.contract.history import History
from nncore.contract.hookspecs import hookimpl
from nncore.contract.initializer import Initializer, InitializerLike, LayerView, NetworkView
from nncore.contract.kernel import ABI_MAJOR, ABI_MINOR, TABLES, Kernel, function_table
from nncore.contract.layer import Layer, LayerCall
from nncore.contract.loss import Loss, activation_for, class_indices
from nncore.contract.metric import Metric, goes_by_terms, weighted_sums
from nncore.contract.monitor import Monitor, check_monitored
from nncore.contract.native import native_kernel, rung
from nncore.contract.normal import standard_normal
from nncore.contract.optimizer import Optimizer, State, TensorSpan, slot_name
from nncore.contract.optimizer_wrapper import OptimizerWrapper, change_settings, does, numbers_of_optimizer, with_settings, wrappers_of
from nncore.contract.ownership import (
    UNCHANGING,
    adopt,
    bind,
    bond_of,
    brought_up_to_date,
    components_in,
    copied_deeply,
    with_argument,
    with_arguments,
)  # fmt: skip
from nncore.contract.philox import random_words
from nncore.contract.plan import Buffer, Plan, Tensor
from nncore.contract.primitives import FUNCTIONS, PRIMITIVES, Primitive
from nncore.contract.quantiles import between, quantiles
from nncore.contract.regularizer import SPLITS, Regularizer, RegularizerLike, Regularizers
from nncore.contract.sampler import SampleInfo, Sampler, permutation
from nncore.contract.schedule import Schedule
from nncore.contract.snapshot import Snapshot
from nncore.contract.splitmix import row_hashes
from nncore.contract.statistics import SAMPLE_SIZE, Extremes, Means, Missing, Moments, RowSample, Statistic, block_rows, sample_rows
from nncore.contract.transform import Transform, TransformCall

__all__ = [
    "ABI_MAJOR", "ABI_MINOR", "CALLS", "DISTRIBUTION", "FUNCTIONS", "INPUT", "OPERATIONS", "OUTPUT_DOMAINS", "PRIMITIVES", "SAMPLE_SIZE",
    "SPLITS", "TABLES", "TIMES", "UNBOUNDED", "UNCHANGING", "Activation", "ActivationLike", "BatchSumsStruct", "Buffer", "Builder",
    "Callback", "Collective", "Component", "Configurable", "Constraint", "ConstraintLike", "Constraints", "Encoding", "ExportGraph",
    "Exporter", "Extremes", "Format", "FrozenDict", "FrozenList", "Graph", "HeadStruct", "History", "Initializer", "InitializerLike",
    "Kernel", "Layer", "LayerCall", "LayerView", "Learned", "Loss", "Means", "Metric", "Missing", "Moments", "Monitor", "Need",
    "NetworkView", "Node", "NumbaCall", "Optimizer", "OptimizerWrapper", "Output", "Plan", "Primitive", "Regularizer", "RegularizerLike",
    "Regularizers", "RowSample", "SampleInfo", "Sampler", "Schedule", "SiteStruct", "Snapshot", "SparseRowsStruct", "State", "Statistic",
    "Tensor", "TensorSpan", "TensorStruct", "TextLevels", "TouchedStruct", "Transform", "TransformCall", "Value", "activation_for", "adopt",
    "alike", "between", "bind", "block_rows", "bond_of", "bounds", "brought_up_to_date", "change_settings", "check_monitored",
    "checked_domain", "class_counts", "class_indices", "components_in", "copied_deeply", "decided_mode", "decision_of", "direction", "does",
    "domain_of_sum", "formula_of", "formula_result", "frozen", "function_table", "goes_by_terms", "head_columns", "hookimpl", "hookspecs",
    "is_inside", "native_kernel", "need_of", "numba_call", "numbers_of", "numbers_of_optimizer", "permutation", "quantiles", "random_words",
    "row_hashes", "rung", "sample_rows", "setup_arguments", "slot_name", "standard_normal", "thawed", "weighted_sums", "with_argument",
    "with_arguments", "with_settings", "wrappers_of", "written",
]  # fmt: skip
