"""The samples that each epoch of a fit visits, from a sampler whose answers are checked."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from nncore._core import are_rows, as_c_array
from nncore.contract import SampleInfo, Sampler, copied_deeply
from nncore.data.dataset import Block, Dataset
from nncore.data.streamed_dataset import StreamedDataset
from nncore.errors import DataError, PluginError

_INT64 = np.dtype(np.int64)

#: From the seed of one member's order to that of the next: 2**64 divided by the golden ratio, so that they are far apart.
NEXT_SEED = 0x9E3779B97F4A7C15


class Visits:
    """A sampler with the samples it chooses from.

    Parameters
    ----------
    sampler : Sampler
    data : Dataset
    n_together : int, default 1
        Number of samples that are trained on as one, each for another member of an ensemble. The sampler orders those of each member by
        another seed.

    Attributes
    ----------
    sampler : Sampler
        A copy. Setting an argument of it takes effect in the next epoch.
    length : int
        Samples that an epoch visits, those of all members counted.

    Raises
    ------
    DataError, ParameterError
        If the sampler cannot sample from these data.
    PluginError
        If the sampler breaks its contract.
    """

    def __init__(self, sampler: Sampler, data: Dataset, n_together: int = 1) -> None:
        self.sampler = copied_deeply(sampler)
        self._data = data.unweighted() if self.sampler.uses_weights and data.weights is not None else data
        parts = (data.targets.labels, data.targets.reals, data.weights)
        labels, targets, weights, rows = (None if part is None else _read_only(part) for part in (*parts, data.rows))
        self._samples = SampleInfo(len(data), labels, targets, weights, rows, len(data.inputs))
        length = self.sampler.length(self._samples)
        if not isinstance(length, (int, np.integer)) or isinstance(length, bool) or length < 1:
            raise PluginError(f"{sampler!r}.length must return a whole number (int) of at least 1, it returned {length!r:.200}")
        self._n_each, self._n_together = int(length), n_together
        self.length = self._n_each * n_together

    def order(self, seed: int, epoch: int) -> np.ndarray | None:
        """The rows that an epoch visits, checked, int64 of shape (length,); None for all rows in order."""
        self.sampler.validate()  # a callback may have set an argument
        if self._n_together == 1:
            return self._order(seed, epoch)
        together = np.empty((self._n_each, self._n_together), np.int64)
        for member in range(self._n_together):
            own = self._order((seed + member * NEXT_SEED) % 2**64, epoch)
            together[:, member] = np.arange(self._n_each) if own is None else own
        return together.reshape(-1)

    def _order(self, seed: int, epoch: int) -> np.ndarray | None:
        """The rows that an epoch visits once, or those of one member."""
        order, n_samples = self.sampler.order(self._samples, seed, epoch), self._samples.n_samples
        if order is None:
            if self._n_each != n_samples:
                self._refuse(f"of shape ({self._n_each},), as `length` said; None stands for all {n_samples} samples", "None")
            return None
        if not isinstance(order, np.ndarray) or order.dtype != _INT64 or order.shape != (self._n_each,):
            what = f"{order.dtype} of shape {order.shape}" if isinstance(order, np.ndarray) else f"{order!r:.200}"
            self._refuse(f"of shape ({self._n_each},), as `length` said before the first epoch", what)
        order = as_c_array(order, _INT64)
        if not are_rows(order, n_samples):
            self._refuse(f"of numbers of rows, 0 to {n_samples - 1}", f"numbers from {order.min()} to {order.max()}")
        return order

    def order_of_inputs(self, seed: int, epoch: int) -> np.ndarray | None:
        """The order of an epoch as rows of the block that holds all inputs."""
        return self._data.order_of_inputs(self.order(seed, epoch))

    def blocks(self, seed: int, epoch: int, step: int) -> Iterator[Block]:
        """The samples of an epoch in blocks of whole steps of `step` samples, but for the last one."""
        return self._data.blocks(self.order(seed, epoch), step)

    def check(self, step: int) -> None:
        """Does nothing: arrays allow steps of any size."""

    def described(self, step: int) -> str:
        """What decides the order, for steps of so many samples."""
        return repr(self.sampler)

    def _refuse(self, wanted: str, returned: str) -> None:
        raise PluginError(f"{self.sampler!r}.order must return an int64 array {wanted}; it returned {returned}")


class StreamVisits:
    """A sampler with the stream that it goes through.

    Parameters
    ----------
    sampler : Sampler
    data : StreamedDataset

    Attributes
    ----------
    sampler : Sampler
        A copy.

    Raises
    ------
    DataError
        If the sampler needs all samples to choose from.
    """

    def __init__(self, sampler: Sampler, data: StreamedDataset) -> None:
        self.sampler, self._data = copied_deeply(sampler), data
        if sampler.in_stream not in ("in_turn", "shuffled", None):
            raise PluginError(f"{sampler!r}.in_stream must be 'in_turn', 'shuffled' or None, it is {sampler.in_stream!r:.200}")
        if sampler.in_stream is None:
            raise DataError(
                f"{sampler!r} needs all samples to choose from, and a stream has only some at a time: use sampler='shuffle' or "
                "'sequential', or pass arrays"
            )

    @property
    def length(self) -> float:
        """Number of samples that an epoch visits; infinite until it is known."""
        return math.inf if self._data.n_samples is None else self._data.n_samples

    def check(self, step: int) -> None:
        """Raise `ParameterError` if steps of `step` samples, or the shuffle buffer, take too much memory."""
        self.described(step)
        self._data.check_steps(step)

    def blocks(self, seed: int, epoch: int, step: int) -> Iterator[Block]:
        """The samples of an epoch in blocks of whole steps of `step` samples, but for the last one."""
        if self.sampler.in_stream == "in_turn":
            return self._data.blocks(None, step)
        return self._data.mixed_blocks(step, self._data.mixing(step), seed, epoch)

    def described(self, step: int) -> str:
        """What decides the order, for steps of so many samples."""
        if self.sampler.in_stream == "in_turn":
            return repr(self.sampler)
        mixing = self._data.mixing(step)
        return f"{self.sampler!r} of {mixing.buffer} rows at a time from {mixing.together} pieces"


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
