"""Shared by samplers that draw from several sets of samples."""

from __future__ import annotations

import hashlib

import numpy as np

from nncore.plugin import permutation


def members_of(codes: np.ndarray) -> list[np.ndarray]:
    """The samples of each set, ascending; `codes`, shape (n_samples,), are numbers of sets from 0, without gaps."""
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def drawn_evenly(members: list[np.ndarray], visits: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The given number of visits of each set, in random order. Over all epochs, passes over a set follow one another, each in a new order.

    Each permutation has its own number: pass * (n_sets + 1) + set + 1, so that epoch * (n_sets + 1) is left for one more.
    """
    drawn = []
    for number, rows in enumerate(members):
        first, last = epoch * visits // len(rows), ((epoch + 1) * visits - 1) // len(rows)
        passes = [permutation(len(rows), seed, one * (len(members) + 1) + number + 1) for one in range(first, last + 1)]
        begin = epoch * visits - first * len(rows)
        drawn.append(rows[np.concatenate(passes)[begin : begin + visits]])
    return drawn


def digest_of(values: np.ndarray) -> str:
    """A short text that identifies an array: a fit that resumes compares texts."""
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=6).hexdigest()
