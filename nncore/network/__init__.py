"""Networks: training, prediction, files, summaries and inspection. Imports program, data, registry and contract."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nncore.network.evaluation import metric_name
from nncore.network.exporting import about_model, graph_of_network, write_graph, write_link, write_network
from nncore.network.file_info import FileInfo, LayerInfo, NetworkInfo, ProviderInfo, file_info
from nncore.network.formula import formula
from nncore.network.inspection import activations, gradients
from nncore.network.loading import load, load_many
from nncore.network.members import keep_members, member_outputs
from nncore.network.saving import save_many
from nncore.network.sequential import Sequential
from nncore.network.temperature import find_temperature, link_name, questions
from nncore.network.training import Training

if TYPE_CHECKING:
    from nncore.network.lbfgs import minimize
    from nncore.network.learning_rate import LearningRateSearch, find_learning_rate
    from nncore.network.many import each, fit_many
    from nncore.network.objective import Objective

#: Modules that are imported when one of their names is first used: predictions by a saved network do not need them.
_LATER = ("lbfgs", "learning_rate", "many", "objective")

__all__ = [
    "FileInfo",
    "LayerInfo",
    "LearningRateSearch",
    "NetworkInfo",
    "Objective",
    "ProviderInfo",
    "Sequential",
    "Training",
    "about_model",
    "activations",
    "each",
    "file_info",
    "find_learning_rate",
    "find_temperature",
    "fit_many",
    "formula",
    "gradients",
    "graph_of_network",
    "keep_members",
    "link_name",
    "load",
    "load_many",
    "member_outputs",
    "metric_name",
    "minimize",
    "questions",
    "save_many",
    "write_graph",
    "write_link",
    "write_network",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        for module in _LATER if name in __all__ else ():
            found = vars(importlib.import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
