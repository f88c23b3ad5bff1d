"""Recipes: arguments that replace their numbers, and numbers that depend on the number of rows."""

from __future__ import annotations

from dataclasses import fields

import pytest

from nncore.ensembles import FAMILIES, PRESETS, recipe

FAST = PRESETS["fast"]


@pytest.mark.parametrize("is_classifier", [True, False])
def test_more_rows_need_fewer_folds_and_epochs(is_classifier: bool) -> None:
    fast = recipe("fast", is_classifier=is_classifier)
    few, many = fast.for_rows(5000), fast.for_rows(5001)
    assert (few.n_cv, few.max_iter, few.n_iter_no_change, few.batch_size_for(4375)) == (8, 64, 20, 128)
    assert (many.n_cv, many.max_iter, many.n_iter_no_change) == (5, 32, 10)
    passes = [(some.n_cv - 1) * some.max_iter for some in map(fast.for_rows, (100, 6000, 20_000, 1_000_000))]
    assert passes == sorted(passes, reverse=True)
    assert many.for_rows(100) == many, "the number of rows is fixed once"


def test_arguments_hold_for_any_number_of_rows() -> None:
    asked = FAST[1].with_arguments({"n_cv": 3, "max_iter": None, "numerical_embedding": False})
    for n_rows in (100, 50_000):
        assert (asked.for_rows(n_rows).n_cv, asked.for_rows(n_rows).numerical_embedding) == (3, False)
    assert asked.for_rows(50_000).max_iter == FAST[1].for_rows(50_000).max_iter < FAST[1].max_iter


@pytest.mark.parametrize("family", FAMILIES)
def test_what_depends_on_rows_is_a_number_of_the_recipe_and_rises(family: str) -> None:
    for both in FAMILIES[family].presets.values():
        for one in both:
            assert set(one.by_rows) <= {field.name for field in fields(one)} - {"by_rows"}
            assert all(list(rows) == sorted(set(rows)) for rows in ([most for most, _ in steps] for steps in one.by_rows.values()))
