"""The arguments that a classifier and a regressor of one kind share are the same ones."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from nncore import estimators

#: Arguments of one of the two alone, and arguments whose descriptions mention classes or real targets.
OF_CLASSES = {"class_weight", "label_smoothing", "label_smoothing_schedule", "temperature_scaling"}
OF_REALS = {"standardize_target", "clip_target"}
OF_BOTH = {"loss", "preset", "early_stopping", "scoring"}

CLASSES = {name: cls for name in estimators.__all__ if isinstance(cls := getattr(estimators, name), type)}
PAIRS = [
    (cls, CLASSES[name.replace("Classifier", "Regressor")])
    for name, cls in CLASSES.items()
    if name.endswith("Classifier")
]  # fmt: skip

of_each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__.removesuffix("Classifier"))
of_each = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


def arguments(cls: type) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(cls).parameters)


def described(cls: type) -> dict[str, str]:
    """Type and text of every parameter in a docstring, by its name, or by the names that share them."""
    section = (inspect.getdoc(cls) or "").partition("Parameters\n----------\n")[2]
    entries = re.split(r"\n(?=\S)", re.split(r"\n\n(?=\S)", section)[0])
    return {names: " ".join(text.split()) for names, _, text in (entry.partition(" : ") for entry in entries)}


def names_in(described: Any) -> list[str]:
    return [name for names in described for name in names.split(", ")]


def test_every_classifier_and_regressor_has_a_partner() -> None:
    assert {cls for pair in PAIRS for cls in pair} == {cls for name, cls in CLASSES.items() if re.search("Classifier|Regressor", name)}


@of_each_pair
def test_signatures_agree_but_for_what_is_of_the_target(pair: tuple[type, type]) -> None:
    classifier, regressor = map(arguments, pair)
    assert classifier.keys() - regressor.keys() <= OF_CLASSES
    assert regressor.keys() - classifier.keys() <= OF_REALS
    assert [classifier.pop("loss").default, regressor.pop("loss").default] == ["log_loss", "squared_error"]
    shared = classifier.keys() & regressor.keys()
    first, second = ([parameter for name, parameter in own.items() if name in shared] for own in (classifier, regressor))
    assert first == second


def test_perceptrons_are_called_as_those_of_scikit_learn() -> None:
    """As in scikit-learn, the regressor's first argument is the loss; the classifier takes it by keyword."""
    assert next(iter(arguments(estimators.MLPRegressor))) == "loss"
    assert arguments(estimators.MLPClassifier)["loss"].kind == inspect.Parameter.KEYWORD_ONLY


def test_descriptions_agree_but_for_what_tells_of_the_target() -> None:
    found = set()
    for pair in PAIRS:
        classifier, regressor = map(described, pair)
        found |= {name for name in names_in(classifier | regressor) if classifier.get(name) != regressor.get(name)}
    assert found == OF_CLASSES | OF_REALS | OF_BOTH


@of_each
def test_every_argument_is_described_in_its_place(cls: type) -> None:
    assert names_in(described(cls)) == list(arguments(cls))


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if hasattr(cls, "fit")])
def test_every_argument_becomes_the_attribute_of_its_name(cls: type) -> None:
    given = {name: object() for name in arguments(cls)}
    assert vars(cls(**given)) == given


@of_each_pair
def test_attributes_are_declared_with_the_types_of_the_arguments(pair: tuple[type, type]) -> None:
    for cls in pair:
        declared = {name: kind for one in reversed(cls.__mro__) for name, kind in inspect.get_annotations(one).items()}
        for name, parameter in arguments(cls).items():
            assert declared[name] == parameter.annotation, name
