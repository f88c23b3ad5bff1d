from typing import Any, Generic, TypeVar

import numpy as np

from nncore._core.compiled import SparseRows
from nncore._core.crew import Job
from nncore._core.ranks import Ranks
from nncore._core.scorer import Judge

Spec = TypeVar("Spec")  # a `nncore.program.ProgramSpec`: the core reads its fields, and hands it back as it was given

LOSS_NOT_FINITE: int
GRADIENT_NOT_FINITE: int
INPUT_NOT_FINITE: int
RULE_NOT_FINITE: int
STEP_NOT_FINITE: int
PYTHON_RAISED: int
FORWARD: int
BACKWARD: int
LOSS: int
LOSS_GRADIENT: int
UPDATE: int
PERTURB: int
RULE: int
TRANSFORM: int
IS_LOSS: int
BLOCK: int
MOST_SHARDS: int

class Failure(Exception):
    status: int
    op: int
    returned: int
    message: str
    def __init__(self, status: int, op: int, returned: int = 0, message: str = "") -> None: ...

class Run(Job):
    @property
    def runs_python(self) -> bool: ...
    @property
    def seconds(self) -> float: ...
    def end(self) -> None: ...

class Epochs:
    n_own: int
    @property
    def n_before(self) -> int: ...
    @property
    def n_ended(self) -> int: ...
    @property
    def values(self) -> np.ndarray: ...
    @property
    def copies(self) -> list[np.ndarray]: ...
    def __init__(self, orders: list[np.ndarray | None], judges: list[Judge], live: list[np.ndarray]) -> None: ...

class Program(Generic[Spec]):
    step: int
    number_of_pass: int
    use_labels: bool
    @property
    def runs_python(self) -> bool: ...
    @property
    def has_rounded(self) -> bool: ...
    @property
    def spec(self) -> Spec: ...
    def __init__(self, spec: Spec) -> None: ...
    def ranges(self, size: int) -> list[int]: ...
    def forward(self, x: np.ndarray | SparseRows, training: bool, n_threads: int = 1) -> None: ...
    def loss_value(self, n_rows: int, with_gradient: bool, n_threads: int = 1) -> float: ...
    def backward(self, x: np.ndarray | SparseRows, n_threads: int = 1) -> float: ...
    def value_and_gradient(self, x: np.ndarray | SparseRows, n_threads: int = 1) -> float: ...
    def update(self, n_threads: int = 1) -> None: ...
    def begin_train(
        self,
        inputs: np.ndarray | SparseRows,
        targets: np.ndarray | None,
        labels: np.ndarray | None,
        weights: np.ndarray | None,
        order: np.ndarray | None,
        courses: list[Any],
        batch_size: int,
        accumulate: int,
        drop_last: bool,
        seconds: float,
        progress: list[Any],
        n_threads: int = 1,
        epochs: Epochs | None = None,
        ranks: Ranks | None = None,
    ) -> Run: ...
    def train(
        self,
        inputs: np.ndarray | SparseRows,
        targets: np.ndarray | None,
        labels: np.ndarray | None,
        weights: np.ndarray | None,
        order: np.ndarray | None,
        courses: list[Any],
        batch_size: int,
        accumulate: int,
        drop_last: bool,
        seconds: float,
        progress: list[Any],
        n_threads: int = 1,
        epochs: Epochs | None = None,
        ranks: Ranks | None = None,
    ) -> None: ...
    def begin_evaluate(
        self,
        inputs: np.ndarray | SparseRows,
        targets: np.ndarray | None,
        labels: np.ndarray | None,
        weights: np.ndarray | None,
        outputs: np.ndarray,
        seconds: float,
        progress: list[Any],
        n_threads: int = 1,
        ranks: Ranks | None = None,
    ) -> Run: ...
    def evaluate(
        self,
        inputs: np.ndarray | SparseRows,
        targets: np.ndarray | None,
        labels: np.ndarray | None,
        weights: np.ndarray | None,
        outputs: np.ndarray | None,
        seconds: float,
        progress: list[Any],
        n_threads: int = 1,
        ranks: Ranks | None = None,
    ) -> None: ...
    def predict(
        self, inputs: np.ndarray | SparseRows, outputs: np.ndarray, n_threads: int = 1, n_at_once: int = 0, ranks: Ranks | None = None
    ) -> None: ...
    def predict_one(self, x: Any, link: Program[Any] | None = None) -> np.ndarray | None: ...

def permutation(n: int, seed: int, epoch: int) -> np.ndarray: ...
def ready_rows(data: Any, shape: tuple[int, ...], dtype: np.dtype, allow_nan: bool | None = None) -> np.ndarray | None: ...
def ready_labels(y: Any, n_labels: int) -> np.ndarray | None: ...
def are_rows(order: np.ndarray, n_rows: int) -> bool: ...
def all_finite(values: np.ndarray, allow_nan: bool = False) -> bool: ...
