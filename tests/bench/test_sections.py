from __future__ import annotations

import pytest

from nncore.bench.grid import Case
from nncore.bench.peers import NNCORE
from nncore.bench.sections import FIT_GOALS, SECTIONS, Question

QUESTIONS = {name: section.questions() for name, section in SECTIONS.items()}


@pytest.mark.parametrize("name", SECTIONS)
def test_names_differ_and_nncore_answers_every_task(name: str) -> None:
    questions = QUESTIONS[name]
    names = [question.what for question in questions]
    assert len(set(names)) == len(names) > 1
    kinds = {task["kind"] for question in questions for task in (question.task, *(part for part, _ in question.base))}
    assert kinds <= set(NNCORE.kinds)


@pytest.mark.parametrize("name", SECTIONS)
def test_lines_have_a_base_where_their_yardstick_asks_for_one(name: str) -> None:
    assert {bool(question.base) for question in QUESTIONS[name]} == {bool(SECTIONS[name].yardstick.base)}


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_has_a_goal_and_a_page(name: str) -> None:
    assert any(question.goal is not None for question in QUESTIONS[name])
    assert SECTIONS[name].text.endswith(".")


def question(section: str, what: str) -> Question:
    return next(each for each in QUESTIONS[section] if each.what == what)


def test_the_arithmetic_of_a_row_is_its_part_of_many() -> None:
    (task, weight), *none = question("estimators", "predict, 10 rows, array").base
    assert not none
    assert weight * task["rows"] == 10


def test_the_arithmetic_of_an_epoch_counts_steps_and_validation_rows() -> None:
    (steps, n_steps), (rows, weight) = question("epochs", "iris").base
    assert (steps["kind"], n_steps * steps["batch"]) == ("training", 120)
    assert (rows["kind"], weight * rows["rows"]) == ("prediction", pytest.approx(30))


def test_a_product_counts_its_operations() -> None:
    alone, called = question("products", "128 × 256 × 256, alone"), question("products", "128 × 256 × 256")
    assert alone.flops == called.flops == Case((256, 256), 128).forward_flops == 2 * 128 * 256 * 256
    assert alone.base == called.base == (({"kind": "flop"}, alone.flops),)
    assert (alone.goal, called.goal) == (0.92, None)


def test_two_networks_are_compared_with_one_and_more_with_as_many() -> None:
    for many in QUESTIONS["many"]:
        ((one, weight),) = many.base
        assert (one["networks"], one["threads"], many.task["threads"], many.threads) == (1, 1, 2, 2)
        assert weight == {2: 1, 16: 16}[many.task["networks"]]


def test_frames_need_pandas() -> None:
    assert question("estimators", "predict, 1 row, frame").needs == ("sklearn", "pandas")
    assert question("estimators", "predict, 1 row, array").needs == ("sklearn",)


def test_two_jobs_have_two_cores() -> None:
    assert {each.what: each.threads for each in QUESTIONS["fits"]} == {what: 1 + what.endswith("n_jobs=2") for what in FIT_GOALS}
