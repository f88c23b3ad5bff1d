"""A short run of `tools/fuzz_readers.py`: readers of untrusted files keep their promises."""

from __future__ import annotations

import random
from typing import NoReturn

import pytest
from fuzz import targets

N_CHANGED = 150


@pytest.mark.parametrize("name", targets.TARGETS)
def test_changed_files_are_refused_or_read_whole(name: str) -> None:
    target, rng = targets.TARGETS[name], random.Random(0)
    seeds = target.seeds()
    results = [target.check(target.mutate(rng.choice(seeds), rng)) for _ in range(N_CHANGED)]
    assert {*results} == {False, True}, "all files are alike, so nothing is tested"


@pytest.mark.parametrize("name", targets.TARGETS)
def test_seeds_are_read(name: str) -> None:
    target = targets.TARGETS[name]
    n_read = sum(map(target.check, target.seeds()))
    assert n_read >= 3


def test_a_reader_that_breaks_its_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    [seed, *_] = targets.saved_networks()

    def fails(path: object) -> NoReturn:
        raise KeyError("layers")

    monkeypatch.setattr(targets.nn, "load_many", fails)
    with pytest.raises(KeyError):
        targets.check_load(seed)


def test_the_checksum_is_put_right() -> None:
    [seed, *_] = targets.saved_networks()
    damaged = seed[:-1] + bytes([seed[-1] ^ 1])
    assert not targets.check_load(damaged)
    assert targets.check_load_deep(damaged)
