from typing import Any, Generic, TypeVar

import numpy as np

from nncore._core.compiled import SparseRows

Spec = TypeVar("Spec")  # a `nncore.program.ScorerSpec`: the core reads its fields, and hands it back as it was given

class Scorer(Generic[Spec]):
    @property
    def spec(self) -> Spec: ...
    @property
    def sums(self) -> list[np.ndarray]: ...
    def __init__(self, spec: Spec) -> None: ...
    def begin(self) -> None: ...
    def add(
        self,
        predictions: np.ndarray,
        reals: np.ndarray | None,
        labels: np.ndarray | None,
        weights: np.ndarray | None,
        first: int,
    ) -> None: ...

class Judge:
    @property
    def n_sums(self) -> int: ...
    def __init__(
        self,
        program: Any,
        fields: tuple[np.ndarray | SparseRows | None, ...],
        scorer: Scorer[Any] | None,
        link: Any,
        outputs: np.ndarray | None,
        predictions: np.ndarray | None,
        n_threads: int,
    ) -> None: ...
