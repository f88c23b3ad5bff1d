"""Errors for names and attributes that do not exist."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

import nncore as nn
import nncore.layers
from nncore import registry
from nncore.errors import ParameterError


def test_a_mistyped_name() -> None:
    with pytest.raises(AttributeError, match=r"module 'nncore' has no attribute 'Dens'; did you mean nncore\.Dense\?"):
        nn.Dens  # noqa: B018
    with pytest.raises(AttributeError, match=r"did you mean .*nncore\.SoftmaxCrossEntropy"):
        nn.SoftMaxCrossEntropy  # noqa: B018


@pytest.mark.parametrize("kind", sorted(set(registry.KINDS) - {"formats", "exporters"}))
def test_a_folder_of_components_leads_to_the_public_names(kind: str) -> None:
    folder = __import__(f"nncore.{kind}", fromlist=["_"])
    with pytest.raises(AttributeError, match=r"it is nncore\.Dense"):
        folder.Dense  # noqa: B018
    assert not hasattr(folder, "_private")
    assert folder.__doc__


def test_a_mistyped_method() -> None:
    net = nn.Sequential(nn.Dense(1))
    with pytest.raises(AttributeError, match="Sequential has no 'predct'; did you mean 'predict'"):
        net.predct  # noqa: B018
    assert not hasattr(net, "__array__")
    assert not hasattr(net, "nothing_like_it")


def test_a_network_is_still_copied_and_pickled() -> None:
    net = nn.Sequential(nn.Dense(1)).build(2)
    for copied in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert copied.layer_names == net.layer_names


def test_a_property_that_fails_says_why() -> None:
    class Broken(nn.Sequential):
        @property
        def size(self) -> int:
            return (1).nothing  # type: ignore[attr-defined]

    with pytest.raises(AttributeError, match="'int' object has no attribute 'nothing'"):
        Broken(nn.Dense(1)).size  # noqa: B018
    assert nncore.layers.__name__ == "nncore.layers"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lr", "Sequential has no 'lr' to set: it belongs to the optimizer: net.optimizer.lr"),
        ("learning_rate", "net.optimizer.lr"),
        ("weight_deccay", "did you mean 'weight_decay'"),
        ("history", "fit returns it"),
        ("anything", "notes of your own belong in metadata"),
    ],
)
def test_an_attribute_that_a_network_does_not_have_cannot_be_set(name: str, words: str) -> None:
    net = nn.Sequential(nn.Dense(1)).build(2)
    with pytest.raises(ParameterError, match=re.escape(words)):
        setattr(net, name, 0.1)
    assert name not in vars(net)


def test_a_subclass_declares_attributes_of_its_own() -> None:
    class Named(nn.Sequential):
        title: str
        colour = "red"

    net = Named(nn.Dense(1))
    net.title, net.colour, net._private = "a", "blue", 1
    assert (net.title, net.colour, net._private) == ("a", "blue", 1)
    with pytest.raises(ParameterError, match="declares its attributes"):
        net.other = 1
