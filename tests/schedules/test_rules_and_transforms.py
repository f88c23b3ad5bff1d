"""Schedules of the numbers of transforms, regularizers and constraints; test_numbers.py covers those in layers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from schedules.test_numbers import Halving, Rising, Stop, X, Y, fit, network

import nncore as nn
from nncore import registry
from nncore.contract import numbers_of
from nncore.errors import ParameterError
from nncore.plugin import Transform
from nncore.program import team_of
from nncore.testing import numpy_twin

#: A wide range, since random transforms change little with their numbers, all of which allow it.
FAR = Rising(least=0.125)
TRANSFORMS = [registry.get("transforms", name)() for name in registry.names("transforms")]


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_every_number_of_every_transform_moves(transform: Transform, twin: bool) -> None:
    """Results equal those of a separate fit for each batch, with a transform that has another number."""
    numbers = numbers_of(transform)
    assert numbers, "every built-in transform has numbers"
    for name, base in numbers.items():
        by_steps = copy.deepcopy(transform)
        base = base or 0.125
        setattr(by_steps, name, base)
        moved = numpy_twin(by_steps) if twin else by_steps
        path, ends = f"transforms.1.{name}", []
        for n_parts in (1, 3):
            net = network()
            with team_of(n_parts):
                fit(net, 2, shuffle=False, drop_last=True, transforms=["gaussian_noise", moved], schedule={path: FAR})
            assert list(net.schedules) == [path]
            ends.append(net.parameters)
        np.testing.assert_array_equal(ends[1], ends[0])
        hand, still = network(), network()
        fit(still, 2, shuffle=False, drop_last=True, transforms=["gaussian_noise", moved])
        for number, factor in enumerate(FAR.factor(np.arange(6), 6)):
            setattr(by_steps, name, float(base * factor))
            rows = slice(30 * (number % 3), 30 * (number % 3) + 30)
            hand.fit(X[rows], Y[rows], epochs=1, batch_size=30, shuffle=False, transforms=["gaussian_noise", by_steps], progress=False)
        np.testing.assert_allclose(ends[0], hand.parameters, rtol=1e-10, atol=1e-12, err_msg=path)
        assert np.abs(still.parameters - ends[0]).max() > 1e-6, "the number must have an effect"


# ---- rules between steps ------------------------------------------------------------------------------------------------------

RULES = {
    "dense_1.weight.regularizer.strength": 0.05,  # of the layer
    "dense_1.weight.constraint.limit": 1.5,
    "dense_2.weight.regularizer.0.strength": 0.02,  # several of a group
    "dense_2.weight.regularizer.1.strength": 0.04,
    "dense_2.bias.regularizer.0.strength": 0.02,
    "dense_2.bias.regularizer.1.strength": 0.04,
}


def ruled(twin: bool) -> nn.Sequential:
    def of(component: Any) -> Any:
        return numpy_twin(component) if twin else component

    first = nn.Dense(8, activation="tanh", weight_regularizer=of(nn.L1(0.05)), weight_constraint=of(nn.MaxNorm(1.5)))
    net = nn.Sequential(first, nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.05), rng=0, dtype="float64")
    net.groups = {"dense_2.*": {"regularizer": [of(nn.L1(0.02)), of(nn.L2(0.04))]}}
    return net


def test_paths_of_regularizers_and_constraints_are_those_of_their_tensors() -> None:
    table = ruled(twin=False)._knobs.table()
    assert {path: table[path].value for path in RULES} == RULES
    assert {path for path in table if ".regularizer." in path} < RULES.keys()


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_regularizers_and_constraints_of_layers_and_groups_move(twin: bool) -> None:
    """Schedules of rules in layers and groups work together, and with a different schedule for each of one rule's tensors."""
    schedule = {path: Halving() if ".bias." in path else Rising() for path in RULES}
    ends = []
    for n_parts in (1, 3):
        net = ruled(twin)
        with team_of(n_parts):
            history = fit(net, 2, schedule=schedule, shuffle=False)
        ends.append(net.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])
    assert history["dense_2.bias.regularizer.1.strength"][-1] == 0.04 * 0.5**7
    hand = ruled(twin)
    steps = np.arange(8)
    for step, rise, fall in zip(steps, Rising().factor(steps, 8).tolist(), Halving().factor(steps, 8).tolist(), strict=True):
        hand.layers[0].weight_regularizer.strength, hand.layers[0].weight_constraint.limit = 0.05 * rise, 1.5 * rise
        hand.groups = {
            "dense_2.weight": {"regularizer": [nn.L1(0.02 * rise), nn.L2(0.04 * rise)]},
            "dense_2.bias": {"regularizer": [nn.L1(0.02 * fall), nn.L2(0.04 * fall)]},
        }
        start_row = 30 * (step % 4)
        hand.train_on_batch(X[start_row : start_row + 30], Y[start_row : start_row + 30])
    np.testing.assert_allclose(ends[0], hand.parameters, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_they_go_on_from_a_file(twin: bool, tmp_path: Path) -> None:
    """Schedules resume from a file between epochs; the transforms must be passed again, or the fit raises an error."""
    noise = numpy_twin(nn.GaussianNoise(0.5)) if twin else nn.GaussianNoise(0.5)
    schedule = dict.fromkeys([*RULES, "transforms.0.std"], "cosine")
    whole, cut = ruled(twin=False), ruled(twin=False)
    fit(whole, 4, schedule=schedule, transforms=[noise])
    fit(cut, 4, schedule=schedule, transforms=[noise], callbacks=[Stop()])
    cut.save(tmp_path / "cut.nncore")
    loaded = nn.load(tmp_path / "cut.nncore")
    before = loaded.parameters.copy()
    with pytest.raises(ParameterError, match=r"no number 'transforms\.0\.std' .* it has no transforms, pass them to fit as well"):
        fit(loaded, 3)
    np.testing.assert_array_equal(loaded.parameters, before)
    fit(loaded, 3, transforms=[noise])
    np.testing.assert_array_equal(loaded.parameters, whole.parameters)


def test_a_number_that_a_callback_sets_is_the_new_base() -> None:
    def change(training: Any) -> None:
        training.transforms[0].std = 0.2
        training.network.layers[0].weight_regularizer.strength = 0.1

    schedule = {"transforms.0.std": "constant", "dense_1.weight.regularizer.strength": "constant"}
    history = fit(ruled(twin=False), 3, schedule=schedule, transforms=[nn.GaussianNoise(0.5)], callbacks=[change], batch_size=100)
    np.testing.assert_allclose(history["transforms.0.std"], [0.5, 0.2, 0.2])
    np.testing.assert_allclose(history["dense_1.weight.regularizer.strength"], [0.05, 0.1, 0.1])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("transforms.1.std", r"did you mean 'transforms\.0\.std'"),
        ("dense_1.weight_regularizer.strength", r"did you mean 'dense_1\.weight\.regularizer\.strength'"),
        ("dense_2.weight.regularizer.strength", r"did you mean 'dense_2\.weight\.regularizer\.[01]\.strength'"),
        ("dense_1.weight.constraint.axis", r"no number 'dense_1\.weight\.constraint\.axis' that a schedule could change"),
        ("transforms.0.std", r"transforms\.0\.std is 0, and a schedule multiplies it"),
    ],
)
def test_paths_that_cannot_move_are_refused_before_anything_changes(path: str, words: str) -> None:
    net = ruled(twin=False)
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=words):
        fit(net, 2, schedule={path: "cosine"}, transforms=[nn.GaussianNoise(0.0)])
    np.testing.assert_array_equal(net.parameters, before)
    assert net.schedule is None
