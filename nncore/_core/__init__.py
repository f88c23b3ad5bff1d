"""The compiled core. It knows no component: it runs whatever function table it is handed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

try:
    from nncore._core import native
except ImportError as error:
    if find_spec(f"{__name__}.native") is not None:
        raise
    raise ImportError(
        f"nncore is imported from {Path(__file__).parents[1]}, where its C code is not compiled: "
        "start Python in another folder if nncore is installed, or compile it here by pip install --editable ."
    ) from error

from nncore._core.arrays import as_c_array, is_c_array
from nncore._core.compiled import SparseRows
from nncore._core.crew import Crew, Job
from nncore._core.lbfgs import Descent
from nncore._core.perceptron import PerceptronTrainer
from nncore._core.program import (
    BACKWARD,
    BLOCK,
    FORWARD,
    GRADIENT_NOT_FINITE,
    INPUT_NOT_FINITE,
    IS_LOSS,
    LOSS,
    LOSS_GRADIENT,
    LOSS_NOT_FINITE,
    MOST_SHARDS,
    PERTURB,
    PYTHON_RAISED,
    RULE,
    RULE_NOT_FINITE,
    STEP_NOT_FINITE,
    TRANSFORM,
    Epochs,
    Failure,
    Program,
    Run,
    all_finite,
    are_rows,
    permutation,
    ready_labels,
    ready_rows,
)
from nncore._core.ranks import Ranks
from nncore._core.scorer import Judge, Scorer
from nncore._core.texts import MISSING, ODD, Distinct, cut, read_numbers, strip, written_numbers
from nncore._core.turns import Turn

__all__ = [
    "BACKWARD", "BLOCK", "FORWARD", "GRADIENT_NOT_FINITE", "INPUT_NOT_FINITE", "IS_LOSS", "LOSS", "LOSS_GRADIENT", "LOSS_NOT_FINITE",
    "MISSING", "MOST_SHARDS", "ODD", "PERTURB", "PYTHON_RAISED", "RULE", "RULE_NOT_FINITE", "STEP_NOT_FINITE", "TRANSFORM", "Crew",
    "Descent", "Distinct", "Epochs", "Failure", "Job", "Judge", "PerceptronTrainer", "Program", "Ranks", "Run", "Scorer", "SparseRows",
    "Turn", "all_finite", "are_rows", "as_c_array", "cut", "is_c_array", "native", "permutation", "read_numbers", "ready_labels",
    "ready_rows", "strip", "written_numbers",
]  # fmt: skip
