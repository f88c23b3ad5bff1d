"""Callbacks that belong to one fit at a time."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

import nncore as nn
from nncore.errors import BusyError
from nncore.network.claims import claimed
from nncore.plugin import Callback


def is_free(callback: Callback) -> bool:
    """Whether a fit could use the callback."""
    try:
        with claimed([callback]):
            return True
    except BusyError:
        return False


def test_a_callback_that_is_in_use_is_refused_in_whatever_thread() -> None:
    one, found = nn.EarlyStopping("loss"), list[bool]()
    with claimed([one]):
        assert not is_free(one)
        thread = threading.Thread(target=lambda: found.append(is_free(one)))
        thread.start()
        thread.join()
    assert found == [False]
    assert is_free(one)


def test_the_error_says_which_callback_and_what_to_do() -> None:
    one = nn.EarlyStopping("loss")
    with (
        claimed([one]),
        pytest.raises(BusyError, match=r"EarlyStopping.* is in use by another fit.*: pass each fit a callback of its own"),
        claimed([one]),
    ):
        pytest.fail("both fits got the callback")


def test_a_list_that_has_a_callback_twice_has_it_once() -> None:
    one = nn.EarlyStopping("loss")
    with claimed([one, one]):
        assert not is_free(one)
    assert is_free(one)


def test_a_refusal_gives_back_what_it_had_already() -> None:
    one, other = nn.EarlyStopping("loss"), nn.EarlyStopping("loss")  # two equal callbacks
    with claimed([other]):
        with pytest.raises(BusyError), claimed([one, other]):
            pytest.fail("one of the callbacks is in use")
        assert is_free(one)
        assert not is_free(other)


def test_an_error_inside_gives_all_back() -> None:
    one = nn.EarlyStopping("loss")
    with pytest.raises(ArithmeticError), claimed([one]):
        raise ArithmeticError
    assert is_free(one)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_keeps_the_claims_of_its_own_thread() -> None:
    own, others = nn.EarlyStopping("loss"), nn.EarlyStopping("loss")
    is_claimed, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with claimed([others]):
            is_claimed.set()
            is_over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_claimed.wait(30)
    with claimed([own]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns about forks beside threads, which is tested here
            child = os.fork()
        if child == 0:
            os._exit(0 if is_free(others) and not is_free(own) else 1)
        _, status = os.waitpid(child, 0)
        assert not is_free(others)
    is_over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
