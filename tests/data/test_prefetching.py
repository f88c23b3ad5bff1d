"""Prefetching: items come in order, a limited number ahead, and the thread always ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator

import pytest

from nncore.data import Prefetched, prefetching
from nncore.errors import BusyError


def numbers(n: int, made: list[int], ended: list[bool]) -> Generator[int, None, None]:
    try:
        for number in range(n):
            made.append(number)
            yield number
    finally:
        ended.append(True)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nncore-reader"]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_everything_comes_in_order(n: int) -> None:
    made: list[int] = []
    ended: list[bool] = []
    with Prefetched(numbers(n, made, ended)) as ahead:
        assert list(ahead) == list(range(n))
        assert list(ahead) == []
    assert ended == [True]
    assert readers() == []


def test_a_few_are_made_ahead() -> None:
    made: list[int] = []
    with Prefetched(numbers(50, made, []), depth=3) as ahead:
        next(ahead)
        deadline = time.monotonic() + 10
        while len(made) < 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(made) == 4


@pytest.mark.parametrize("taken", [0, 1, 5])
def test_closing_ends_the_thread_and_the_generator(taken: int) -> None:
    made: list[int] = []
    ended: list[bool] = []
    with Prefetched(numbers(10**9, made, ended)) as ahead:
        assert [next(ahead) for _ in range(taken)] == list(range(taken))
    assert ended == [True]
    assert readers() == []


def test_an_error_comes_behind_what_was_made() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise ZeroDivisionError("made")

    with Prefetched(failing()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ZeroDivisionError, match="made") as caught:
            next(ahead)
        assert "failing" in [entry.name for entry in caught.traceback]
        assert next(ahead, None) is None


def test_without_threads_it_is_made_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    made: list[int] = []
    ended: list[bool] = []
    with Prefetched(numbers(9, made, ended)) as ahead:
        assert [next(ahead), next(ahead)] == made == [0, 1]
    assert ended == [True]


def test_a_source_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetching, "CLOSE_SECONDS", 0.05)
    goes_on = threading.Event()

    def hanging() -> Generator[int, None, None]:
        goes_on.wait()
        yield 1

    ahead = Prefetched(hanging())
    with pytest.warns(UserWarning, match=r"the source of a stream did not return for 0\.05 s"):
        ahead.close()
    goes_on.set()
    ahead.close()
    assert readers() == []


def test_waiting_is_counted() -> None:
    def slow() -> Generator[int, None, None]:
        time.sleep(0.02)
        yield 1

    with Prefetched(slow()) as ahead:
        list(ahead)
        assert ahead.seconds_waited > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_has_no_thread_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with Prefetched(numbers(9, [], [])) as ahead:
        own = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: own + 1)
        with pytest.raises(BusyError, match="forked in the middle of reading a stream"):
            next(ahead)
        monkeypatch.undo()
