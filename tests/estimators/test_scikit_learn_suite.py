"""scikit-learn's own tests of its multi-layer perceptrons, run with our classes.

The module comes from the installed wheel, and every test of it is an item here. Tests that cannot pass are strict expected failures: one
that passes is reported, so that the list stays current.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
import sklearn.neural_network

from nncore.estimators import MLPClassifier, MLPRegressor

#: Reasons why tests cannot pass, by the item's name.
EXCEPTIONS = {
    "test_gradient": "calls the private method _loss_grad_lbfgs with scikit-learn's own buffers; test_lbfgs.py checks the gradient",
    "test_preserve_feature_names[MLPRegressor]": "its targets are equal, which the loss judges here; so it may fit to max_iter, and warn",
}
#: Tests that pass with some initial values: they set no seed.
BY_CHANCE = ("test_preserve_feature_names[MLPRegressor]",)

pytestmark = pytest.mark.filterwarnings("default")  # scikit-learn's suite ignores warnings that it does not check


def suite_with(**classes: type) -> ModuleType:
    """scikit-learn's test module, executed while `sklearn.neural_network` has these classes."""
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, cls in classes.items():
            patch.setattr(sklearn.neural_network, name, cls)
        spec.loader.exec_module(module)
    return module


suite = suite_with(MLPClassifier=MLPClassifier, MLPRegressor=MLPRegressor)

globals().update({name: test for name, test in vars(suite).items() if name.startswith("test_")})


@pytest.fixture(autouse=True)
def expect_what_cannot_pass(request):
    if request.node.name in EXCEPTIONS:
        name = request.node.name
        request.applymarker(pytest.mark.xfail(reason=EXCEPTIONS[name], strict=name not in BY_CHANCE))


@pytest.fixture
def global_random_seed():
    """The fixture of scikit-learn's own pytest configuration."""
    return 42


def test_these_are_ours_and_all_of_them():
    assert suite.MLPClassifier is MLPClassifier
    assert suite.MLPRegressor is MLPRegressor
    assert sklearn.neural_network.MLPClassifier is not MLPClassifier
    assert len([name for name in vars(suite) if name.startswith("test_")]) >= 40
    assert {name.partition("[")[0] for name in EXCEPTIONS} <= vars(suite).keys()
