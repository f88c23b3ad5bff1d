"""How many threads a run may use, and how many it is worth using. The threads themselves are those of ``_core/threads.c``."""

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

#: Seconds of a step that pay for each thread of a run that is under way: several times what it costs to meet a few times.
WORTH_MEETING = 10e-6
#: Seconds of work that pay for each thread if it may have to be woken first.
WORTH_WAKING = 100e-6

_chosen: int | None = None
_at_most: ContextVar[int | None] = ContextVar("at most so many threads", default=None)
_team: int | None = None  # inside of `team_of`

#: How many threads each thread that fits would use, by its number.
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
    """All threads that calls may use which do not say how many."""
    usable = usable_cpus()
    return min(_chosen or _from_environment() or usable, usable)


@contextmanager
def at_most_threads(n_threads: int | None) -> Iterator[None]:
    """Inside, calls of this thread that do not say how many threads to use take so many; None is no limit. They belong to one fit."""
    token = _at_most.set(_at_most.get() if n_threads is None else n_threads)
    try:
        with sharing(get_num_threads()):
            yield
    finally:
        _at_most.reset(token)


@contextmanager
def sharing(n_threads: int) -> Iterator[None]:
    """Inside, this thread fits on at most so many threads, and leaves the others that fit their share."""
    thread = threading.get_ident()
    if thread in _wanted:  # a callback fits another network
        yield
        return
    _wanted[thread] = n_threads
    try:
        yield
    finally:
        _wanted.pop(thread, None)


def share_of(n_threads: int) -> int:
    """How many threads a run of this thread gets that wants so many: what the fits of others leave, and a fair part at least."""
    if not _wanted or n_threads == 1 or _team is not None:
        return n_threads
    others = _wanted.copy()
    others.pop(threading.get_ident(), None)
    if not others:
        return n_threads
    n_all = _of_process()
    return min(n_threads, max(1, n_all // (len(others) + 1), n_all - sum(others.values())))


def _after_fork() -> None:
    """Other threads, and their fits, are not in the child."""
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
    """Processors that this process may use: those it is bound to, or what its control group pays for if that is less."""
    bound = _bound()
    paid = _quota()
    return bound if paid is None else max(1, min(bound, paid))


def _bound() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    from nncore._core import native

    return native.bound_processors() or os.cpu_count() or 1


@functools.cache  # which costs more than many a prediction, and does not change in the life of a container
def _quota(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Processors' worth of time that a container is given, rounded up; None if nothing limits it."""
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
    """How many threads to use now for work that takes one of them about `seconds`; `n_threads` is what the user asked for."""
    return share_of(threads_worth(n_threads, seconds, worth_a_thread))


def threads_worth(n_threads: int | None, seconds: float, worth_a_thread: float) -> int:
    """The same if no other thread fits."""
    if _team is not None:
        return _team
    affordable = int(seconds / worth_a_thread)
    if affordable <= 1:
        return 1
    return min(affordable, get_num_threads() if n_threads is None else min(n_threads, usable_cpus()))


def crew_size(n_threads: int | None) -> int:
    """How many threads to use for networks that are trained at once, all together; `n_threads` is what the user asked for."""
    if _team is not None:
        return _team
    return share_of(get_num_threads() if n_threads is None else min(n_threads, usable_cpus()))


@explains_calls
@contextmanager
def team_of(n_parts: int) -> Iterator[None]:
    """Inside, every run of a network is done by so many threads (at most 8 where there are fewer processors), worth it or not.

    For tests of what no number of threads may change.
    """
    global _team
    before, _team = _team, n_parts
    try:
        yield
    finally:
        _team = before


class Pace:
    """Which number of threads turns out faster for a long run: all that it may use, or one.

    What a second thread gains depends on who else wants the processors, so it is measured while the run goes on, slice by slice.
    It may be, since results do not depend on the number.

    Parameters
    ----------
    n_threads : int
    """

    #: The first slices take turns, all threads and one; the first of all is not counted, since memory is touched for the first time.
    N_TRIALS = 5
    #: Later, the number that was slower is tried again once the faster one has run so many times as long as the trial before took.
    RETRY_AFTER = 50
    #: A trial is so much shorter than a slice.
    TRIAL = 0.2

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._speeds = {n_threads: 0.0, 1: 0.0}  # samples a second
        self._slices = 0
        self._trial_seconds = self._seconds_since = 0.0
        self._is_alone = True  # no other fit has a part of the threads

    @property
    def _by_speed(self) -> list[int]:
        return sorted(self._speeds, key=self._speeds.__getitem__)

    def next(self, seconds: float) -> tuple[int, float]:
        """How many threads to use for the next slice, which usually lasts `seconds`, and how long it is to last."""
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
        """Tell how far a slice came."""
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
        # Of the trials the best counts; later slices move the number half way, so that one that was disturbed does not decide.
        self._speeds[n_threads] = max(speed, before) if self._slices <= self.N_TRIALS else (before + speed) / 2
