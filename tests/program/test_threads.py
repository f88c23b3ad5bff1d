"""Number of threads: from the user, the environment, the processors, and the size of the work."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.program import Pace, crew_size, get_num_threads, set_num_threads, sharing, threads, threads_for
from nncore.program.threads import usable_cpus


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processors, and no settings."""
    monkeypatch.setattr(threads, "usable_cpus", lambda: 8)
    monkeypatch.setattr(threads, "_chosen", None)
    for name in ("NNCORE_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


# ---- settings --------------------------------------------------------------------------------------------------------------


def test_the_default_is_all_processors() -> None:
    assert get_num_threads() == 8


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (3, 3), (8, 8), (100, 8)])
def test_what_is_set_counts_up_to_the_processors(n: int, expected: int) -> None:
    set_num_threads(n)
    assert get_num_threads() == expected
    set_num_threads(None)
    assert get_num_threads() == 8


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", True])
def test_what_is_no_number_of_threads_is_refused(n: object) -> None:
    set_num_threads(3)
    with pytest.raises(ParameterError, match="n must be a whole number of at least 1"):
        set_num_threads(n)  # type: ignore[arg-type]
    assert get_num_threads() == 3


def test_they_are_public() -> None:
    assert nn.set_num_threads is set_num_threads
    assert nn.get_num_threads is get_num_threads


@pytest.mark.parametrize(
    ("own", "of_others", "expected"),
    [
        ("3", None, 3), (" 3 ", None, 3), ("100", None, 8), ("", None, 8), (None, "2", 2), (None, "2,4", 2), (None, " 2 ", 2),
        ("3", "2", 3), ("", "2", 2), (None, "0", 8), (None, "many", 8), (None, "-1", 8), (None, "", 8), (None, "100", 8),
    ],
)  # fmt: skip
def test_the_environment(own: str | None, of_others: str | None, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NNCORE_NUM_THREADS", own), ("OMP_NUM_THREADS", of_others)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert get_num_threads() == expected
    set_num_threads(5)
    assert get_num_threads() == 5


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", "2,4"])
def test_a_variable_of_our_own_must_be_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCORE_NUM_THREADS", text)
    with pytest.raises(ParameterError, match=f"NNCORE_NUM_THREADS={text}: the number of threads must be a whole number of at least 1"):
        get_num_threads()


# ---- processors ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not bind processes to processors")
@pytest.mark.parametrize(("bound", "paid", "expected"), [({0}, None, 1), ({1, 5, 7}, None, 3), ({1, 5, 7}, 2, 2), ({4}, 2, 1)])
def test_processors_that_the_process_is_bound_to_or_pays_for(
    bound: set[int], paid: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: bound)
    monkeypatch.setattr(threads, "_quota", lambda: paid)
    assert usable_cpus() == expected


@pytest.mark.parametrize("count", [6, None])
def test_systems_without_binding_count_their_processors(count: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    monkeypatch.setattr(threads, "_quota", lambda: None)
    assert usable_cpus() == (count or 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", None), ("200000 100000\n", 2), ("150000 100000\n", 2), ("50000 100000\n", 1), ("100000 0\n", None),
        ("0 100000\n", None), ("", None), ("100000\n", None), ("many few\n", None),
    ],
)  # fmt: skip
def test_quota_of_control_groups_of_version_2(text: str, expected: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert threads._quota(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1\n", None), ("250000\n", 3), ("100000\n", 1), ("1000\n", 1), ("rubbish\n", None)])
def test_quota_of_control_groups_of_version_1(quota: str, expected: int | None, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert threads._quota(tmp_path) == expected


def test_no_control_groups_no_quota(tmp_path: Path) -> None:
    assert threads._quota(tmp_path) is None


# ---- work worth several threads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_threads", "seconds", "expected"),
    [(None, 0.0, 1), (None, 1.9, 1), (None, 2.0, 2), (None, 7.5, 7), (None, 1e6, 8), (3, 2.0, 2), (3, 1e6, 3), (100, 1e6, 8), (1, 1e6, 1)],
)
def test_as_many_threads_as_the_work_pays_for(n_threads: int | None, seconds: float, expected: int) -> None:
    assert threads_for(n_threads, seconds, worth_a_thread=1.0) == expected


def paced(pace: Pace, n_slices: int, speeds: dict[int, float]) -> list[tuple[int, float]]:
    """Numbers of threads that `pace` chooses for slices of one second, for given speeds."""
    chosen = []
    for _ in range(n_slices):
        chosen.append(pace.next(1.0))
        pace.record(chosen[-1][0], 1000, 1000 / speeds[chosen[-1][0]])
    return chosen


def test_the_pace_tries_both_keeps_to_the_faster_and_tries_the_other_again() -> None:
    chosen = paced(Pace(4), 3 * Pace.RETRY_AFTER, {4: 20.0, 1: 10.0})
    assert [n for n, _ in chosen[:6]] == [4, 4, 1, 1, 4, 4]
    # The last of the first trials took 50 s, as all slices with four threads do; one with one thread takes 100 s.
    first = Pace.N_TRIALS + Pace.RETRY_AFTER
    assert [i for i, (n, _) in enumerate(chosen) if n == 1] == [2, 3, first]
    assert {seconds for n, seconds in chosen[5:] if n == 4} == {1.0}
    assert {seconds for n, seconds in chosen if n == 1} == {Pace.TRIAL}


def test_trials_take_a_small_part_of_the_time_however_short_slices_are() -> None:
    pace, speeds = Pace(2), {2: 20.0, 1: 1.0}
    chosen = paced(pace, 20 * Pace.RETRY_AFTER, speeds)[Pace.N_TRIALS :]
    seconds = {n: sum(1 / speeds[n] for used, _ in chosen if used == n) for n in speeds}
    assert 0 < seconds[1] <= 1.1 * seconds[2] / Pace.RETRY_AFTER


def test_the_pace_does_not_count_the_first_slice_and_counts_the_best_of_the_trials() -> None:
    pace = Pace(4)
    for n_threads, speed in ((4, 99.0), (4, 5.0), (1, 10.0), (1, 1.0), (4, 20.0)):
        pace.record(n_threads, 1000, 1000 / speed)
    assert pace.next(1.0) == (4, 1.0)


def test_the_pace_changes_when_the_faster_stays_the_slower() -> None:
    pace = Pace(4)
    paced(pace, 6, {4: 15.0, 1: 10.0})
    pace.record(4, 1000, 1000 / 7.0)  # one slice was disturbed by other processes
    assert pace.next(1.0)[0] == 4
    pace.record(4, 1000, 1000 / 3.0)  # another process uses the processors now
    assert pace.next(1.0)[0] == 1


def test_the_pace_of_one_thread_is_one() -> None:
    assert paced(Pace(1), 50, {1: 10.0}) == [(1, 1.0)] * 50


# ---- fits at the same time -------------------------------------------------------------------------------------------------


@contextmanager
def others_fit(*wanted: int) -> Iterator[None]:
    """Threads that each run a fit declaring one of these numbers of threads."""
    end, begun = threading.Event(), threading.Barrier(len(wanted) + 1)

    def fit(n_threads: int) -> None:
        with sharing(n_threads):
            begun.wait()
            end.wait()

    others = [threading.Thread(target=fit, args=(n,)) for n in wanted]
    for other in others:
        other.start()
    begun.wait()
    try:
        yield
    finally:
        end.set()
        for other in others:
            other.join()


@pytest.mark.parametrize(
    ("others", "wanted", "share"),
    [
        ((), 8, 8),
        ((8,), 8, 4),
        ((8, 8), 8, 2),
        ((1,), 8, 7),
        ((1, 1), 8, 6),
        ((2,), 3, 3),
        ((1,), 1, 1),
        ((8,) * 9, 8, 1),
        ((8,) * 9, 1, 1),
    ],
)
def test_fits_at_the_same_time_share_the_threads(others: tuple[int, ...], wanted: int, share: int) -> None:
    with others_fit(*others), sharing(8):  # this thread's own demand does not count
        assert threads_for(wanted, 1e6, worth_a_thread=1.0) == share
        assert crew_size(wanted) == share
        assert Pace(wanted).next(1.0)[0] == share
    assert threads_for(wanted, 1e6, worth_a_thread=1.0) == wanted


def test_they_share_what_the_process_may_use() -> None:
    set_num_threads(4)
    try:
        with others_fit(4):
            assert threads_for(None, 1e6, worth_a_thread=1.0) == 2
    finally:
        set_num_threads(None)


def test_a_fit_in_a_callback_belongs_to_that_of_its_thread() -> None:
    with sharing(8):
        with sharing(2):
            pass
        assert threads._wanted == {threading.get_ident(): 8}
    assert threads._wanted == {}


def test_the_pace_learns_nothing_of_slices_beside_other_fits() -> None:
    pace = Pace(8)
    with others_fit(8):
        chosen = paced(pace, 20, {4: 1.0})
    assert chosen == [(4, 1.0)] * 20
    assert [n for n, _ in paced(pace, 6, {8: 20.0, 1: 10.0})] == [8, 8, 1, 1, 8, 8]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_child_of_a_fork_shares_with_nobody() -> None:
    with others_fit(8), sharing(8):
        child = os.fork()
        if child == 0:
            os._exit(0 if threads_for(None, 1e6, worth_a_thread=1.0) == 8 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert threads_for(None, 1e6, worth_a_thread=1.0) == 4


def test_a_slice_that_took_no_time_says_nothing() -> None:
    pace = Pace(2)
    for _ in range(Pace.N_TRIALS):
        pace.record(1, 100, 0.0)
    pace.record(2, 100, 1.0)
    assert pace.next(1.0) == (2, 1.0)
