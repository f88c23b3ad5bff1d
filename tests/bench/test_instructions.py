from __future__ import annotations

import pytest
from bench import calls, estimator_calls, instructions
from bench.counting import CannotCountError, Guard

guards = pytest.mark.parametrize("guard", [instructions.GUARD, calls.GUARD, estimator_calls.GUARD], ids=lambda guard: guard.module)


@pytest.mark.slow
@guards
def test_no_count_has_changed(guard: Guard) -> None:
    try:
        guard.check()
    except CannotCountError as error:
        pytest.skip(str(error))
    # Fewer instructions are an improvement; record them by python -m bench.calls --record.
    assert guard.count() == {label: pytest.approx(number, rel=guard.tolerance) for label, number in guard.recorded()["counts"].items()}


@guards
def test_every_case_is_recorded(guard: Guard) -> None:
    assert list(guard.recorded()["counts"]) == list(guard.cases)
