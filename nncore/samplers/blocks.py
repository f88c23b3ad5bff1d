"""Random order within blocks, for data larger than memory."""

from __future__ import annotations

import numpy as np

from nncore.plugin import SampleInfo, Sampler, permutation


class BlockSampler(Sampler):
    """Shuffle blocks of rows, and rows within a few blocks at a time: for memory-mapped data larger than memory.

    Every sample is visited once in an epoch. At any time only `together` blocks of the file are in use, while ``"shuffle"`` would read from
    all over the file. The result is close to ``"shuffle"`` if neighbours in the file differ, or if `together` blocks hold samples of many
    kinds.

    Parameters
    ----------
    rows : int, default 4096
        Number of samples in a block.
    together : int, default 8
        Number of blocks whose samples are shuffled together.
    """

    ranges = {"rows": "[1, inf)", "together": "[1, inf)"}
    whole = ("rows", "together")

    def __init__(self, rows: int = 4096, together: int = 8) -> None:
        self.rows = rows
        self.together = together

    def order(self, samples: SampleInfo, seed: int, epoch: int) -> np.ndarray:
        n_blocks = -(-samples.n_samples // self.rows)
        n_mixed = -(-n_blocks // self.together)
        # Each permutation has a number of its own: that of the blocks, then those of the samples of some blocks.
        first = epoch * (n_mixed + 1)
        blocks = permutation(n_blocks, seed, first)
        order = np.empty(samples.n_samples, np.int64)
        done = 0
        for mixed in range(n_mixed):
            starts = blocks[mixed * self.together : (mixed + 1) * self.together] * self.rows
            found = np.concatenate([np.arange(start, min(start + self.rows, samples.n_samples)) for start in starts])
            order[done : done + len(found)] = found[permutation(len(found), seed, first + mixed + 1)]
            done += len(found)
        return order
