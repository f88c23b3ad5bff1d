"""Metrics in C: links, blocks, targets and weights as NumPy computes them, and errors."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from nncore.contract import Metric, native_kernel
from nncore.errors import DataError, DtypeError, PluginError, ShapeError
from nncore.metrics.accuracy import Accuracy
from nncore.metrics.rmse import RMSE
from nncore.plugin import CALLS, Kernel, function_table
from nncore.program import compile_scorer

N_ROWS = 5000
FAILS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(CALLS["metric"]))


def scorer(metrics: list[Metric], n_outputs: int, dtype: str = "float64", uses_labels: bool = True, n_targets: int = 1):
    kernels = [(metric, native_kernel(metric)) for metric in metrics]
    return compile_scorer(
        kernels,
        n_outputs=n_outputs,
        n_targets=n_targets,
        uses_labels=uses_labels,
        dtype=np.dtype(dtype),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 2, 10, 3000])
def test_blocks_give_the_bits_of_the_whole(dtype: str, weighted: bool, n_outputs: int) -> None:
    rng = np.random.default_rng(n_outputs)
    n_rows = N_ROWS if n_outputs < 100 else 40
    output, target = (rng.normal(size=(n_rows, n_outputs)).astype(dtype) for _ in range(2))
    weights = rng.uniform(size=n_rows) if weighted else None
    found = []
    for size in (n_rows, 7, 1000):
        scores = scorer([RMSE(), Accuracy("labels")], n_outputs, dtype, uses_labels=False, n_targets=n_outputs)
        for _ in range(2):  # begin resets
            scores.begin()
            for first in range(0, n_rows, size):
                scores.add(output[first : first + size], target, None, weights, first)
        found.append([sums.tobytes() for sums in scores.sums])
        total = n_rows if weights is None else weights.sum()
        for metric, sums in zip((RMSE(), Accuracy("labels")), scores.sums, strict=True):
            assert metric.from_means(sums / total) == pytest.approx(metric.score(output, target, weights), rel=1e-12)
    assert found[0] == found[1] == found[2]


def test_a_sample_without_weight_counts_nothing() -> None:
    rng = np.random.default_rng(0)
    output, labels = rng.normal(size=(50, 4)), rng.integers(4, size=50)
    output[3] = np.nan
    weights = np.ones(50)
    weights[3] = 0
    scores = scorer([Accuracy()], 4)
    scores.begin()
    scores.add(output, None, labels, weights, 0)
    kept = np.arange(50) != 3
    assert scores.sums[0] / 49 == Accuracy().score(output, labels, weights) == (output.argmax(axis=1) == labels)[kept].mean()


def test_nan_ties_and_labels_beyond_the_outputs() -> None:
    output = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, np.nan, 1.0], [np.nan, 0.0, 1.0], [0.0, 0.0, np.nan], [0.0, 1.0, 2.0]])
    labels = np.array([0, 1, 2, 2, 2, 3])
    scores = scorer([Accuracy()], 3)
    for row in range(len(output)):
        scores.begin()
        scores.add(output[row : row + 1], None, labels, None, row)
    scores.begin()
    scores.add(output, None, labels, None, 0)
    assert scores.sums[0] == [1.0]
    assert Accuracy().score(output, labels) == 1 / 6


def test_arrays_that_do_not_fit_are_refused() -> None:
    scores, output = scorer([Accuracy()], 3), np.zeros((4, 3))
    with pytest.raises(DtypeError, match="predictions"):
        scores.add(output.astype(np.float32), None, np.zeros(4, np.int64), None, 0)
    with pytest.raises(DataError, match="predictions"):
        scores.add(np.zeros((3, 4)).T, None, np.zeros(4, np.int64), None, 0)
    with pytest.raises(ShapeError, match="samples"):
        scores.add(output, None, np.zeros(4, np.int64), None, 1)
    with pytest.raises(ShapeError, match="targets"):
        scores.add(output, None, None, None, 0)


def test_a_kernel_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    @FAILS
    def failing(call: ctypes.Array) -> int:
        ctypes.memmove(call.contents.site.contents.message, b"too warm\0", 9)
        return 3

    address = ctypes.cast(failing, ctypes.c_void_p).value
    monkeypatch.setattr(Kernel, "load", lambda kernel: function_table("metric", labels_f64=address))
    scores = scorer([Accuracy()], 3)
    with pytest.raises(PluginError, match="'accuracy': the kernel reported an error, too warm"):
        scores.add(np.zeros((4, 3)), None, np.zeros(4, np.int64), None, 0)


def test_a_table_without_the_function_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kernel, "load", lambda kernel: function_table("metric", labels_f64=1))
    with pytest.raises(PluginError, match="no real_f64"):
        scorer([RMSE()], 3, uses_labels=False, n_targets=3)
