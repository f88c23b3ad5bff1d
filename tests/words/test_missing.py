"""Names and attributes that are not there."""

from __future__ import annotations

import copy
import pickle

import pytest

import nncore as nn
import nncore.layers
from nncore import registry


def test_a_mistyped_name() -> None:
    with pytest.raises(AttributeError, match=r"module 'nncore' has no attribute 'Dens'; did you mean nncore\.Dense\?"):
        nn.Dens  # noqa: B018
    with pytest.raises(AttributeError, match=r"did you mean .*nncore\.SoftmaxCrossEntropy"):
        nn.SoftMaxCrossEntropy  # noqa: B018


@pytest.mark.parametrize("kind", sorted(set(registry.KINDS) - {"formats"}))
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
