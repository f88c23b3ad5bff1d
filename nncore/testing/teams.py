"""Teams of a given number of threads, where nncore by itself would find that so many are not worth it, or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from nncore.threads import Pace


@contextmanager
def team_of(n_parts: int) -> Iterator[None]:
    """Inside, every run of a network is done by so many threads (at most 8 where there are fewer processors)."""
    with (
        mock.patch("nncore.model.threads_for", return_value=n_parts),
        mock.patch("nncore.network.threads_for", return_value=n_parts),
        mock.patch.object(Pace, "next", lambda pace, seconds: (n_parts, seconds)),
    ):
        yield
