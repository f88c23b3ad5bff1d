"""Calls with unknown keyword arguments."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from each import each
from publics import Public, has_constructor_of_nncore, is_for_hosts, public_callables

import nncore as nn
from nncore.errors import CallError, ParameterError
from nncore.words import explains_calls

CALLABLES = [
    public
    for public in public_callables()
    if not is_for_hosts(public) and (not inspect.isclass(public.call) or has_constructor_of_nncore(public.call))
]


def test_there_are_many() -> None:
    assert len(CALLABLES) > 150


@each("public", CALLABLES)
def test_every_public_function_explains_an_unknown_word(public: Public) -> None:
    parameters = inspect.signature(public.call).parameters.values()
    takes_anything = any(p.kind is p.VAR_KEYWORD for p in parameters)
    takes_nothing = public.owner is not None and [p.name for p in parameters] == ["self"]
    # predictions for one sample must be as fast as possible
    if takes_anything or takes_nothing or public.name.endswith((".predict_one", "Sequential.predict_proba_one")):
        return
    with pytest.raises(CallError, match="no_such_word"):
        public.call(no_such_word=1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net: nn.Dense(units=3), r"Dense\(units=\.\.\.\) is called n_outputs here"),
        (lambda net: nn.Adam(learning_rate=0.1), r"Adam\(learning_rate=\.\.\.\) is called lr here"),
        (lambda net: nn.Adam(betas=(0.9, 0.99)), r"Adam\(betas=\.\.\.\) is called beta1 and beta2 here"),
        (lambda net: nn.Dropout(p=0.1), r"Dropout\(p=\.\.\.\) is called rate here"),
        (lambda net: nn.Dense(3, activaton="relu"), r"Dense has no argument 'activaton'; did you mean 'activation'\?"),
        (lambda net: nn.Dense(), r"Dense: missing 1 required positional argument: 'n_outputs'; its arguments are n_outputs, activation"),
        (lambda net: nn.SGD(0.1, 0.9), r"SGD: takes from 1 to 2 positional arguments but 3 were given"),
        (lambda net: nn.get("activations", "relu")(3), r"ReLU takes no arguments"),
        (lambda net: nn.Dense(in_features=3), r"a layer learns how many inputs it has when the network is built"),
        (lambda net: net.fit(X, X, validation_data=1), r"Sequential\.fit\(validation_data=\.\.\.\) is called validation here"),
        (lambda net: net.fit(X, X, validation_split=0.1), r"pass validation=0\.2 to hold out a part"),
        (lambda net: net.fit(X, X, verbose=0), r"Sequential\.fit\(verbose=\.\.\.\) is called progress here"),
        (lambda net: net.fit(X, X, epoch=3), r"did you mean 'epochs'\?"),
        (lambda net: net.fit(X, X, n_epochs=1, bs=2), r"is called epochs here\. .*is called batch_size here"),
        (lambda net: net.predict(X, batch_size=3), r"Sequential\.predict has no argument 'batch_size'; its arguments are X"),
        (lambda net: net.train_on_batch(X), r"Sequential\.train_on_batch: missing 1 required positional argument: 'y'"),
        (lambda net: nn.Sequential(nn.Dense(1), loss="mse"), r"Sequential has no argument 'loss'"),
        (lambda net: nn.load("a", custom_objects={}), r"load\(custom_objects=\.\.\.\) is called components here"),
        (lambda net: nn.estimators.MLPRegressor(epochs=3), r"MLPRegressor\(epochs=\.\.\.\) is called max_iter here"),
        (lambda net: nn.displays.LearningCurveDisplay.from_history(a=1), r"LearningCurveDisplay\.from_history has no argument 'a'"),
    ],
)  # fmt: skip
def test_the_word_of_nncore_is_named(call: Any, words: str) -> None:
    with pytest.raises(CallError, match=words):
        call(nn.Sequential(nn.Dense(1)).build(1))


X = np.ones((2, 1))


def test_it_is_a_type_error_as_well() -> None:
    assert issubclass(CallError, (ParameterError, TypeError))
    with pytest.raises(TypeError):
        nn.Dense(units=3)


def test_a_type_error_from_inside_is_left_as_it_is() -> None:
    @explains_calls
    def fails(value: Any = None) -> None:
        len(value)

    with pytest.raises(TypeError, match="has no len") as caught:
        fails()
    assert not isinstance(caught.value, CallError)


def test_signatures_names_and_pickles_stay() -> None:
    assert list(inspect.signature(nn.Sequential.fit).parameters)[:3] == ["self", "X", "y"]
    assert nn.Sequential.fit.__name__ == "fit"
    assert pickle.loads(pickle.dumps(nn.find_learning_rate)) is nn.find_learning_rate
    assert "units" not in inspect.signature(nn.Dense).parameters
