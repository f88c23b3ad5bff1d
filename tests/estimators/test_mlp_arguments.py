"""The arguments of the two multi-layer perceptrons, which each spells out, are the same ones."""

from __future__ import annotations

import inspect
import re

import pytest

from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.mlp import MultilayerPerceptron

both = pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])

#: Whose descriptions tell of classes, or of real targets.
OF_THE_TARGET = {"loss", "early_stopping", "class_weight", "scoring", "standardize_target"}


def described(cls: type) -> dict[str, str]:
    """Type and text of every parameter in a docstring, by its name, or by the names that share them."""
    section = inspect.getdoc(cls).partition("Parameters\n----------\n")[2].partition("\n\nAttributes\n")[0]
    return dict(entry.split(" : ", 1) for entry in re.split(r"\n(?=\S)", section))


def test_signatures_agree_but_for_what_is_of_the_target() -> None:
    classifier, regressor = (dict(inspect.signature(cls).parameters) for cls in (MLPClassifier, MLPRegressor))
    assert next(iter(regressor)) == "loss"  # as in scikit-learn, whose classifier has none
    losses = classifier.pop("loss"), regressor.pop("loss")
    assert [loss.default for loss in losses] == ["log_loss", "squared_error"]
    assert losses[0].kind == inspect.Parameter.KEYWORD_ONLY
    del classifier["class_weight"], regressor["standardize_target"]
    assert list(classifier.values()) == list(regressor.values())


def test_descriptions_agree_but_for_what_tells_of_the_target() -> None:
    classifier, regressor = described(MLPClassifier), described(MLPRegressor)
    assert {names for names in classifier | regressor if classifier.get(names) != regressor.get(names)} == OF_THE_TARGET


@both
def test_every_argument_is_described_in_its_place(cls: type) -> None:
    assert [name for names in described(cls) for name in names.split(", ")] == list(inspect.signature(cls).parameters)


@both
def test_every_argument_becomes_the_attribute_of_its_name(cls: type) -> None:
    arguments = {name: object() for name in inspect.signature(cls).parameters}
    assert vars(cls(**arguments)) == arguments


@both
def test_attributes_are_declared_with_the_types_of_the_arguments(cls: type) -> None:
    declared = inspect.get_annotations(MultilayerPerceptron) | inspect.get_annotations(cls)
    for name, parameter in inspect.signature(cls).parameters.items():
        assert declared[name] == parameter.annotation, name
