"""Choose the number of threads of a run. The thread pool is in ``_core/threads.c``."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from nncore.arguments import LARGEST_COUNT, whole_number
from nncore.errors import ParameterError
from nncore.words import explains_calls

#: Seconds of a step that justify each thread of a running program: several times the cost of a few barriers.
WORTH_MEETING = 10e-6
#: Seconds of work that justify each thread if it may have to be woken first.
WORTH_WAKING = 100e-6

_chosen: int | None = None
_at_most: ContextVar[int | None] = ContextVar("at most so many threads", default=None)
_team: int | None = None  # set inside `team_of`

#: Number of threads that each fitting thread wants, by thread id.
_wanted: dict[int, int] = {}


@explains_calls
def set_num_threads(n: int | None) -> None:
    """Set how many threads nncore uses where a call does not say, in this process.

    Results do not depend on the number: only time does. A run that is too short to gain from a second thread stays on one.

    Parameters
    ----------
    n : int or None
        At least 1; more than the process may use counts as that many. None goes back to the default: the environment variable
        ``NNCORE_NUM_THREADS``, else ``OMP_NUM_THREADS`` (which joblib sets in its workers), else the processors that the process may use.
    """
    global _chosen
    _chosen = None if n is None else whole_number("n", n, 1)


@explains_calls
def get_num_threads() -> int:
    """How many threads nncore uses where a call does not say: see `set_num_threads`.

    Returns
    -------
    int
        At least 1, at most the processors that the process may use.
    """
    return min(_at_most.get() or LARGEST_COUNT, _of_process())


def _of_process() -> int:
    """Number of threads of calls that do not pass a number."""
    usable = usable_cpus()
    return min(_chosen or _from_environment() or usable, usable)


@contextmanager
def at_most_threads(n_threads: int | None) -> Iterator[None]:
    """Limit the threads of calls of this thread that do not pass a number, inside the ``with`` block. None is no limit. They belong to one
    fit."""
    token = _at_most.set(_at_most.get() if n_threads is None else n_threads)
    try:
        with sharing(get_num_threads()):
            yield
    finally:
        _at_most.reset(token)


@contextmanager
def sharing(n_threads: int) -> Iterator[None]:
    """Register a fit of this thread on at most `n_threads` inside the ``with`` block, so that concurrent fits share the processors."""
    thread = threading.get_ident()
    if thread in _wanted:  # a callback that fits another network
        yield
        return
    _wanted[thread] = n_threads
    try:
        yield
    finally:
        _wanted.pop(thread, None)


def share_of(n_threads: int) -> int:
    """Number of threads for a run of this thread that wants `n_threads`: those that other fits leave, but at least a fair share."""
    if not _wanted or n_threads == 1 or _team is not None:
        return n_threads
    others = _wanted.copy()
    others.pop(threading.get_ident(), None)
    if not others:
        return n_threads
    n_all = _of_process()
    return min(n_threads, max(1, n_all // (len(others) + 1), n_all - sum(others.values())))


def _after_fork() -> None:
    """Reset after a fork: other threads and their fits do not exist in the child."""
    own = threading.get_ident()
    for thread in _wanted.keys() - {own}:
        del _wanted[thread]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _from_environment() -> int | None:
    text = os.environ.get("NNCORE_NUM_THREADS", "").strip()
    if text:
        if not text.isdecimal() or int(text) < 1:
            raise ParameterError(f"NNCORE_NUM_THREADS={text}: the number of threads must be a whole number of at least 1")
        return int(text)
    of_others = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # "4,2" is for nested regions
    return int(of_others) if of_others.isdecimal() and int(of_others) >= 1 else None


def usable_cpus() -> int:
    """Number of processors that this process may use: its CPU affinity, or the quota of its control group if that is less."""
    bound = _bound()
    paid = _quota()
    return bound if paid is None else max(1, min(bound, paid))


def _bound() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    from nncore._core import native

    return native.bound_processors() or os.cpu_count() or 1


@functools.cache  # slower than many predictions, and constant in a container
def _quota(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """CPU quota of a container in processors, rounded up; None if there is no limit."""
    try:
        quota, period = (root / "cpu.max").read_text().split()[:2]  # version 2 of control groups
    except (OSError, ValueError):
        try:
            quota, period = ((root / "cpu" / name).read_text() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        except OSError:
            return None
    try:
        return math.ceil(int(quota) / int(period)) if int(quota) > 0 and int(period) > 0 else None
    except ValueError:  # "max"
        return None


def threads_for(n_threads: int | None, seconds: float, worth_a_thread: float) -> int:
    """Number of threads for work that takes one thread about `seconds`, next to other fits. `n_threads` is the user's limit."""
    return share_of(threads_worth(n_threads, seconds, worth_a_thread))


def threads_worth(n_threads: int | None, seconds: float, worth_a_thread: float) -> int:
    """Number of threads for this work if no other thread fits."""
    if _team is not None:
        return _team
    affordable = int(seconds / worth_a_thread)
    if affordable <= 1:
        return 1
    return min(affordable, get_num_threads() if n_threads is None else min(n_threads, usable_cpus()))


def crew_size(n_threads: int | None) -> int:
    """Number of threads for networks that are trained together. `n_threads` is the user's limit."""
    if _team is not None:
        return _team
    return share_of(get_num_threads() if n_threads is None else min(n_threads, usable_cpus()))


@explains_calls
@contextmanager
def team_of(n_parts: int) -> Iterator[None]:
    """Run every network on `n_parts` threads inside the ``with`` block, even if that is slower; at most 8 if there are fewer processors.

    For tests that results do not depend on the number of threads.
    """
    global _team
    before, _team = _team, n_parts
    try:
        yield
    finally:
        _team = before


class Pace:
    """Measure whether all threads or one are faster during a long run.

    The gain of a second thread depends on other processes, so it is measured slice by slice during the run. Results do not depend on the
    number of threads.

    Parameters
    ----------
    n_threads : int
    """

    #: The first slices alternate between all threads and one. The very first is not counted, since it touches memory for the first time.
    N_TRIALS = 5
    #: Later, the slower number is tried again after the faster one has run this many times as long as the previous trial.
    RETRY_AFTER = 50
    #: A trial is this much shorter than a slice.
    TRIAL = 0.2

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._speeds = {n_threads: 0.0, 1: 0.0}  # samples a second
        self._slices = 0
        self._trial_seconds = self._seconds_since = 0.0
        self._is_alone = True  # no other fit uses threads

    @property
    def _by_speed(self) -> list[int]:
        return sorted(self._speeds, key=self._speeds.__getitem__)

    def next(self, seconds: float) -> tuple[int, float]:
        """Number of threads for the next slice, which usually lasts `seconds`, and its length in seconds."""
        if self.n_threads == 1:
            return 1, seconds
        share = share_of(self.n_threads)
        self._is_alone = share == self.n_threads
        if share == 1 or not self._is_alone or _team is not None:
            return share, seconds
        if self._slices < self.N_TRIALS:
            return (self.n_threads, 1)[self._slices // 2 % 2], seconds * self.TRIAL
        if self._seconds_since >= self.RETRY_AFTER * self._trial_seconds:
            return self._by_speed[0], seconds * self.TRIAL
        return self._by_speed[-1], seconds

    def record(self, n_threads: int, n_samples: int, seconds: float) -> None:
        """Record the samples and the time of a slice."""
        if self.n_threads == 1 or not self._is_alone:
            return
        self._slices += 1
        if self._slices == 1 or seconds <= 0:
            return
        if self._slices <= self.N_TRIALS or n_threads == self._by_speed[0]:
            self._trial_seconds, self._seconds_since = seconds, 0.0
        else:
            self._seconds_since += seconds
        speed = n_samples / seconds
        before = self._speeds[n_threads]
        # The best trial counts. Later slices update the speed half way, so that a single disturbed slice does not decide.
        self._speeds[n_threads] = max(speed, before) if self._slices <= self.N_TRIALS else (before + speed) / 2
