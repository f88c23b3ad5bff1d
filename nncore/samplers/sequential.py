"""All samples in the order of the data."""

from __future__ import annotations

from nncore.plugin import SampleInfo, Sampler


class SequentialSampler(Sampler):
    """Every sample once, in the order in which they lie in the data: the fastest to read, and the only order without chance.

    Data that are sorted by class or by time train badly in this order: each batch then shows one class, or one time.
    """

    in_stream = "in_turn"

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> None:
        return None
