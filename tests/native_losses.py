"""The compiled kernels of losses, called on guarded buffers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.plugin import Loss
from nncore.testing import Guarded, tables


class Native:
    """The compiled kernel of a loss on guarded buffers."""

    def __init__(self, loss: Loss, dtype: Any) -> None:
        assert loss.kernel is not None
        self._table, self._suffix = tables.loss(loss.kernel.load()), tables.SUFFIXES[np.dtype(dtype)]
        self._hyper = np.array(loss.hyper())

    def function(self, kind: str) -> Any:
        return getattr(self._table, f"{kind}_{self._suffix}")

    def __call__(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray, gradient: bool = True) -> tuple[np.ndarray, Any]:
        """(loss, d_output), the latter None unless `gradient`."""
        kind, what, n_targets = ("labels", "labels", 0) if target.ndim == 1 else ("real", "target", target.shape[1])
        inputs = [Guarded(array, name) for array, name in ((output, "output"), (target, what), (weight, "weight"))]
        value = Guarded(np.full(len(output), 7, output.dtype))
        d_output = Guarded(np.full_like(output, 7)) if gradient else None
        arrays = {buffer.name: buffer.array for buffer in inputs} | {"loss": value.array}
        shape = {"n_rows": len(output), "n_outputs": output.shape[1], "n_targets": n_targets}
        self.function(kind).must(**arrays, d_output=None if d_output is None else d_output.array, **shape, hyper=self._hyper)
        for buffer, before in zip(inputs, (output, target, weight), strict=True):
            np.testing.assert_array_equal(buffer.check(), before)
        return value.check(), None if d_output is None else d_output.check()
