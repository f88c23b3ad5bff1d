"""The base class of losses."""

from __future__ import annotations

import components
import numpy as np
import pytest
from losses.ordinal import Ordinal

from nncore import registry
from nncore.contract import activation_for, class_indices
from nncore.plugin import Loss


def test_a_loss_wants_as_many_targets_as_outputs():
    assert Loss().n_targets(3) == 3


@pytest.mark.parametrize(
    ("name", "outputs"),
    [("softmax_cross_entropy", [1, 2, 3, 9]), ("binary_cross_entropy", [1, 1, 3, 9]), ("mse", [1, 2, 3, 9]), ("hinge", [1, 2, 3, 9])],
)
def test_outputs_for_classes(name, outputs):
    loss = registry.resolve("losses", name)
    assert [loss.n_outputs(n_classes) for n_classes in (1, 2, 3, 9)] == outputs


def test_labels_follow_from_outputs():
    assert [Loss().n_labels(n) for n in (1, 2, 5)] == [1, 2, 5]
    assert [Ordinal().n_labels(n) for n in (1, 2, 5)] == [2, 3, 6]


def test_decisions():
    outputs = np.array([[0.1, 0.9, 0.2], [0.7, 0.2, 0.8]])
    assert registry.resolve("losses", "softmax_cross_entropy").decide(outputs).tolist() == [1, 2]
    assert registry.resolve("losses", "mse").decide(outputs) is outputs
    assert registry.resolve("losses", "binary_cross_entropy").decide(outputs) is outputs
    assert registry.resolve("losses", "gaussian_nll").decide(outputs[:, :2]).tolist() == [[0.1], [0.7]]
    assert registry.resolve("losses", {"name": "softmax_heads", "n_classes": [2, 1]}).decide(outputs).tolist() == [[1, 0], [0, 0]]
    assert Ordinal().decide(outputs - 0.5).tolist() == [1, 2]


def test_class_indices_of_decisions():
    assert class_indices(np.array([2, 0])).tolist() == [2, 0]
    assert class_indices(np.array([[0.2], [0.5], [0.6]])).tolist() == [0, 0, 1]
    assert class_indices(np.array([[0.2, 0.1], [0.2, 0.3]])).tolist() == [0, 1]


def test_a_loss_with_a_link_takes_logits_unless_it_says_otherwise():
    class Linked(Loss):
        link = "sigmoid"

    class Probable(Loss):
        link, output_domain = "sigmoid", "probabilities"

    assert Loss().output_domain_for(2) == "real"
    assert Linked().output_domain_for(2) == "logits"
    assert Probable().output_domain_for(2) == "probabilities"


@pytest.mark.parametrize(("name", "activation"), [("mse", None), ("poisson", None), ("cross_entropy", "softmax"), ("hinge", None)])
def test_the_activation_that_a_loss_needs(name, activation):
    assert activation_for(registry.resolve("losses", name), 3) == activation


def test_probabilities_of_classes():
    with_probabilities = {type(loss).__name__ for loss in components.losses() if loss.has_probabilities}
    assert with_probabilities == {"SoftmaxCrossEntropy", "BinaryCrossEntropy", "CrossEntropy", "Focal", "BinaryFocal", "Ordinal"}
    assert not Ordinal().has_probabilities
