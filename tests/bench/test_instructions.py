from __future__ import annotations

import pytest
from bench import instructions


@pytest.mark.slow
def test_instructions_of_a_training_step() -> None:
    try:
        instructions.check()
    except instructions.CannotCountError as error:
        pytest.skip(str(error))
    recorded = instructions.recorded()
    if recorded["compiler"] != instructions.compiler():
        pytest.skip(f"the counts were recorded with {recorded['compiler']}, these kernels were compiled by {instructions.compiler()}")
    labels = [case.label for case in instructions.CASES]
    counted = dict(zip(labels, instructions.count(instructions.CASES), strict=True))
    # Fewer is good news, which python tests/bench/instructions.py --record keeps.
    assert counted == {label: pytest.approx(number, rel=instructions.TOLERANCE) for label, number in recorded["counts"].items()}


def test_every_case_is_recorded() -> None:
    assert list(instructions.recorded()["counts"]) == [case.label for case in instructions.CASES]
