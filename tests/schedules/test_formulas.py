"""Each schedule's formula, and the learning rates of a fit with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from network.files import load_bytes, with_field

import nncore as nn
from nncore.contract import History
from nncore.errors import FileFormatError, ParameterError, PluginError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 3)), RNG.integers(2, size=100)


def fit(net: nn.Sequential, **arguments: Any) -> nn.History:
    """A fit of 20 epochs with 4 steps, unless `arguments` change it; the column "lr" has the rate of each epoch's last step."""
    settings = {"loss": "softmax_cross_entropy", "epochs": 20, "batch_size": 30, "progress": False, "rng": 0}
    return net.fit(X, Y, **settings | arguments)


def rates(schedule: Any, **arguments: Any) -> np.ndarray:
    """Learning rates of the epochs, divided by that of the optimizer."""
    return fit(nn.Sequential(nn.Dense(2)), schedule=schedule, optimizer=nn.SGD(lr=0.125), **arguments)["lr"] / 0.125


def test_names_of_schedules() -> None:
    assert {type(nn.registry.resolve("schedules", name)).__name__ for name in nn.names("schedules")} >= {
        "ConstantRate", "Cosine", "StepDecay", "OneCycle", "Plateau", "Warmup", "FlatCosine", "CosLog4", "InverseScaling",
        "PolynomialDecay", "ExponentialDecay", "PiecewiseConstant", "CyclicRate",
    }  # fmt: skip


def test_constant() -> None:
    np.testing.assert_array_equal(rates(nn.ConstantRate()), np.ones(20))


def test_cosine_with_restarts() -> None:
    factor = nn.Cosine(cycles=3, growth=2).factor(np.array([0, 5, 9, 10, 20, 29, 30, 50, 70]), 70)
    half = 0.5 * (1 + np.cos(np.pi * np.array([0, 0.5, 0.9, 0, 0.5, 0.95, 0, 0.5, 1])))
    np.testing.assert_allclose(factor, half, atol=1e-14)
    np.testing.assert_allclose(rates(nn.Cosine(cycles=2))[[9, 10]], 0.5 * (1 + np.cos(np.pi * np.array([39, 3]) / 40)), rtol=1e-12)


def test_a_cycle_is_a_cosine_over_the_whole_fit_by_default() -> None:
    np.testing.assert_allclose(rates("cosine"), 0.5 * (1 + np.cos(np.pi * np.arange(3, 80, 4) / 80)), rtol=1e-12)


def test_steps_at_milestones() -> None:
    np.testing.assert_allclose(rates(nn.StepDecay(milestones=(0.25, 0.9))), [1] * 5 + [0.1] * 13 + [0.01] * 2, rtol=1e-12)
    np.testing.assert_allclose(rates("step"), [1] * 10 + [0.1] * 5 + [0.01] * 5, rtol=1e-12)
    np.testing.assert_allclose(rates(nn.StepDecay(milestones=())), 1)


@pytest.mark.parametrize("n_epochs", [7, 10, 30, 90])
def test_steps_come_with_the_epoch_that_was_meant(n_epochs: int) -> None:
    """Steps happen in the intended epoch: a third of 90 epochs is 30 of them, despite the rounding of 30 / 90 * 90."""
    epoch = np.arange(n_epochs)
    for meant in range(1, n_epochs):
        drop = nn.StepDecay(milestones=[meant / n_epochs]).factor(epoch, n_epochs)
        np.testing.assert_array_equal(drop < 1, epoch >= meant)
        drops = nn.StepDecay(every=meant / n_epochs, multiplier=0.5).factor(epoch, n_epochs)
        np.testing.assert_array_equal(drops, 0.5 ** (epoch // meant))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"milestones": (0.5,), "every": 0.5}, "not both"),
        ({"milestones": (0.5, 0.25)}, "ascending"),
        ({"milestones": (30, 80)}, "fractions of the fit"),
        ({"milestones": 0.5}, "milestones must be"),
        ({"milestones": "half"}, "milestones must be"),
        ({"milestones": (np.nan,)}, "milestones must be"),
        ({"every": 0}, "every must be"),
        ({"every": 30}, "fraction of the fit"),
        ({"every": "often"}, "every must be"),
        ({"multiplier": 0}, "multiplier must be"),
    ],
)
def test_steps_that_make_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        nn.StepDecay(**arguments)


def test_polynomial() -> None:
    t = np.arange(3, 80, 4) / 80
    np.testing.assert_allclose(rates("polynomial"), 1 - t, rtol=1e-12)
    np.testing.assert_allclose(rates(nn.PolynomialDecay(power=2, last=0.1)), 0.1 + 0.9 * (1 - t) ** 2, rtol=1e-12)
    np.testing.assert_array_equal(nn.PolynomialDecay(power=0.5, last=0.25).factor(np.array([9, 10]), 9), 0.25)


def test_exponential() -> None:
    t = np.arange(3, 80, 4) / 80
    np.testing.assert_allclose(rates("exponential"), 0.01**t, rtol=1e-12)
    np.testing.assert_allclose(rates(nn.ExponentialDecay(0.5, every=0.1, min_factor=0.1)), np.maximum(0.5 ** (10 * t), 0.1), rtol=1e-12)
    np.testing.assert_allclose(rates(nn.ExponentialDecay(0.5, every=1 / 20, staircase=True)), 0.5 ** np.arange(20), rtol=1e-12)
    np.testing.assert_array_equal(rates(nn.ExponentialDecay(0.7, 0.3, True)), rates(nn.StepDecay(0.7, every=0.3)))


def test_piecewise() -> None:
    np.testing.assert_array_equal(rates(nn.PiecewiseConstant((0.25, 0.9), (1, 2, 0))), [1] * 5 + [2] * 13 + [0] * 2)
    np.testing.assert_allclose(rates("piecewise"), rates("step"), rtol=1e-12)
    np.testing.assert_array_equal(rates(nn.PiecewiseConstant((), [0.5])), 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"boundaries": (0.5, 0.25)}, "ascending"),
        ({"boundaries": (30, 80)}, "fractions of the fit"),
        ({"boundaries": None}, "boundaries must be"),
        ({"factors": (1, -1, 1)}, "none negative"),
        ({"factors": (1, np.inf, 1)}, "factors must be"),
        ({"factors": 1}, "factors must be"),
        ({"factors": (1, 2)}, "2 boundaries make 3 parts, each with a factor, got 2 factors"),
    ],
)
def test_parts_that_make_no_sense(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        nn.PiecewiseConstant(**arguments)


def test_cyclic() -> None:
    steps = np.array([0, 1, 5, 10, 19, 20, 25, 40, 60])
    np.testing.assert_allclose(
        nn.CyclicRate(cycles=3, first=0.2).factor(steps, 60), 0.2 + 0.8 * np.array([0, 0.1, 0.5, 1, 0.1, 0, 0.5, 0, 0]), atol=1e-12
    )
    np.testing.assert_allclose(
        nn.CyclicRate(3, 0.2, 0.25, "triangular2").factor(steps, 60),
        0.2 + 0.8 * np.array([0, 0.2, 1, 2 / 3, 1 / 15, 0, 0.5, 0, 0]),
        atol=1e-12,
    )
    ranged = nn.CyclicRate(3, 0.0, mode="exp_range", multiplier=0.25).factor(steps, 60)
    np.testing.assert_allclose(ranged, np.array([0, 0.1, 0.5, 1, 0.1, 0, 0.5, 0, 0]) * 0.25 ** (steps / 20), atol=1e-12)
    assert rates(nn.CyclicRate(cycles=2)).max() > 0.9


def test_function_of_epochs() -> None:
    np.testing.assert_array_equal(rates(lambda epoch: 0.5**epoch), 0.5 ** np.arange(20))
    np.testing.assert_array_equal(rates({"lr": lambda epoch: 1 / (1 + epoch)}), 1 / np.arange(1, 21))
    warm = nn.Warmup(lambda epoch: 1 + epoch, fraction=0.125)  # 10 of 80 steps; epochs count from the beginning of the fit
    np.testing.assert_allclose(rates(warm)[[0, 1, 2, 3]], [4 / 11, 2 * 8 / 11, 3, 4], rtol=1e-12)


def test_function_of_steps() -> None:
    asked: list[int] = []

    def factor(step: int) -> float:
        asked.append(step)
        return 1 / (1 + step)

    np.testing.assert_allclose(rates(nn.FunctionSchedule(factor, per="step")), 1 / np.arange(4, 81, 4), rtol=1e-12)
    assert set(asked) == set(range(80))
    assert all(type(step) is int for step in asked)


def test_function_goes_on_where_it_was(tmp_path) -> None:
    def stop(training: Any) -> None:
        if training.network.n_epochs == 3:
            training.stop("power cut")

    whole, part = nn.Sequential(nn.Dense(2)), nn.Sequential(nn.Dense(2))
    settings = {"schedule": {"lr": lambda epoch: 0.9**epoch}, "optimizer": "adam", "epochs": 6}
    history = fit(whole, **settings)
    lr = list(fit(part, callbacks=[nn.LambdaCallback(on_epoch_end=stop)], **settings)["lr"])
    assert part.schedule.state() == {"epoch": 3}
    lr += list(fit(part, epochs=3, rng=None)["lr"])
    assert lr == list(history["lr"])
    np.testing.assert_array_equal(part.parameters, whole.parameters)
    with pytest.raises(
        nn.errors.UnknownComponentError, match=r"FunctionSchedule holds a function, which cannot be saved to a file: .*schedule = None"
    ):
        part.save(tmp_path / "part.nncore")
    part.schedule = None
    part.save(tmp_path / "part.nncore")


def test_checkpoint_of_a_function_is_refused_before_the_fit(tmp_path) -> None:
    net = nn.Sequential(nn.Dense(2)).build(3, loss="softmax_cross_entropy", rng=0)
    with pytest.raises(nn.errors.UnknownComponentError, match="FunctionSchedule"):
        fit(net, schedule=lambda epoch: 1.0, callbacks=[nn.Checkpoint(tmp_path / "part.nncore")])
    assert net.n_steps == 0


@pytest.mark.parametrize("returned", [-1.0, np.nan, np.inf, None, "1", [1.0]], ids=str)
@pytest.mark.parametrize("per", ["epoch", "step"])
def test_function_that_returns_no_factor(returned: Any, per: str) -> None:
    net = nn.Sequential(nn.Dense(2))
    with pytest.raises(PluginError, match=f"the schedule <lambda> must return a finite number.* for {per} 0 it returned"):
        fit(net, schedule=nn.FunctionSchedule(lambda number: returned, per=per))
    assert not net.is_built


def test_function_of_a_number_that_predictions_read_is_refused() -> None:
    net = nn.Sequential(nn.Dense(2, activation=nn.get("activation", "leaky_relu")()))
    with pytest.raises(ParameterError, match="it may end anywhere"):
        fit(net, schedule={"dense_1.activation.slope": lambda epoch: 1.0})


def test_what_is_no_function() -> None:
    with pytest.raises(ParameterError, match="function must be a function"):
        nn.FunctionSchedule(0.5)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="its state must be the number of epochs"):
        nn.FunctionSchedule(abs).restore({"epoch": 0.5})


def test_one_cycle() -> None:
    factor = nn.OneCycle(rise=0.4, first=0.2, last=0.01).factor(np.array([0, 3, 19.5, 39, 69, 99, 100]), 100)
    angle = np.pi * np.array([0, 3, 19.5]) / 39
    np.testing.assert_allclose(factor[:3], 0.2 + 0.8 * 0.5 * (1 - np.cos(angle)), rtol=1e-12)
    np.testing.assert_allclose(factor[3:], [1, 0.505, 0.01, 0.01], rtol=1e-12)
    np.testing.assert_array_equal(nn.OneCycle().factor(np.arange(2), 1), 1)  # used by a fit of one step
    assert nn.OneCycle(rise=0.0).factor(np.arange(9), 9).argmax() == 0
    assert nn.OneCycle(rise=1.0).factor(np.arange(9), 9).argmax() == 8
    assert rates("one_cycle").argmax() == 5


def test_flat_cosine() -> None:
    expected = np.append(np.ones(10), 0.5 * (1 + np.cos(np.pi * (np.arange(43, 80, 4) - 40) / 40)))
    np.testing.assert_allclose(rates("flat_cosine"), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.FlatCosine(flat=0.0).factor(np.arange(9), 8), nn.Cosine().factor(np.arange(9), 8), atol=1e-15)


def test_coslog4() -> None:
    t = np.arange(3, 80, 4) / 80
    np.testing.assert_allclose(rates("coslog4"), 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))), rtol=1e-12)
    valleys = np.array([0, 1, 3, 7, 15])  # waves of 1, 2, 4 and 8
    np.testing.assert_allclose(nn.CosLog4().factor(valleys, 15), 0, atol=1e-15)
    np.testing.assert_allclose(nn.CosLog4().factor(np.sqrt(2) * (valleys[1:] + 1) / 2 - 1, 15), 1, rtol=1e-12)


def test_inverse_scaling() -> None:
    np.testing.assert_allclose(rates("invscaling"), np.arange(4, 81, 4) ** -0.5, rtol=1e-12)
    goes_on = nn.InverseScaling(power=0.25, every=4, increment=100, start=300)
    np.testing.assert_allclose(rates(goes_on), (1 + 100.0 * np.arange(3, 23)) ** -0.25, rtol=1e-12)


def test_inverse_scaling_is_that_of_scikit_learn() -> None:
    neural_network = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is the oracle")
    arguments = {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.125, "batch_size": 30}
    model = neural_network.MLPClassifier(hidden_layer_sizes=(2,), max_iter=1, **arguments)
    theirs = []
    for _ in range(5):
        model.partial_fit(X, Y, classes=[0, 1])
        theirs.append(model._optimizer.learning_rate)  # of the next epoch
    np.testing.assert_allclose(rates(nn.InverseScaling(0.3, every=4, increment=100), epochs=6)[1:], np.array(theirs) / 0.125, rtol=1e-12)


def test_warmup() -> None:
    ramp = np.arange(1, 17) / 17
    expected = np.append(ramp, 0.5 * (1 + np.cos(np.pi * np.arange(64) / 64)))[3::4]
    np.testing.assert_allclose(rates(nn.Warmup(fraction=0.2)), expected, rtol=1e-12)
    np.testing.assert_allclose(rates(nn.Warmup(nn.Cosine(), 0.2)), expected, rtol=1e-12)
    np.testing.assert_allclose(rates({"name": "warmup", "then": {"name": "cosine"}, "fraction": 0.2}), expected, rtol=1e-12)
    np.testing.assert_allclose(rates(nn.Warmup("step", fraction=0.0)), rates("step"))
    half = nn.InverseScaling(power=1, start=1)  # begins with 1/2, which the warmup therefore leads to
    np.testing.assert_allclose(nn.Warmup(half, 0.3).factor(np.arange(6), 10), [1 / 8, 2 / 8, 3 / 8, 1 / 2, 1 / 3, 1 / 4])


def test_warmup_knows_its_schedules() -> None:
    with pytest.raises(nn.errors.UnknownComponentError, match="did you mean 'cosine'"):
        nn.Warmup("cosin")
    with pytest.raises(ParameterError, match="schedule"):
        nn.Warmup(0.1)


class Losses:
    """A history with losses that a test gives."""

    def __init__(self, schedule: nn.Plateau, column: str = "val_loss") -> None:
        self.schedule, self.column, self.history = schedule, column, History({"accuracy": True})

    def factors(self, *values: float) -> list[float]:
        """The factor after each of these epochs."""
        found = []
        for value in values:
            self.history.append(**{self.column: value})
            self.schedule.observe(self.history)
            found.append(float(self.schedule.factor(np.arange(1), 9)[0]))
        return found


def test_plateau() -> None:
    run = Losses(nn.Plateau(patience=2, multiplier=0.5, min_factor=0.2))
    assert run.factors(3, 2, 2, 1, 1, 2, 0.5, 0.5, 0.4, 1, 1, 1, 1, 1, 1) == [1, 1, 1, 1, 1, 0.5, *[0.5] * 4, 0.25, 0.25, 0.2, 0.2, 0.2]


def test_plateau_cools_down() -> None:
    run = Losses(nn.Plateau(patience=2, multiplier=0.5, cooldown=2))
    assert run.factors(1, 1, 1) == [1, 1, 0.5]
    assert run.schedule.state() == {"factor": 0.5, "n_waited": 0.0, "n_cooling": 2.0, "best": 1.0}
    assert run.factors(1, 1, 1, 1, 0.9, 1, 1) == [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    assert "n_cooling" not in run.schedule.state()
    assert run.factors(1, 1) == [0.125, 0.125]


def test_plateau_of_a_score() -> None:
    assert Losses(nn.Plateau("val_accuracy", patience=1), "val_accuracy").factors(0.5, 0.6, 0.55) == [1, 1, 0.1]
    assert Losses(nn.Plateau("val_accuracy", patience=1, mode="min"), "val_accuracy").factors(0.5, 0.6) == [1, 0.1]


def test_plateau_of_what_is_not_finite() -> None:
    assert Losses(nn.Plateau(patience=2)).factors(np.nan, np.nan, np.inf, np.inf, 1, np.nan) == [1, 0.1, 0.1, 0.1, 0.1, 0.1]
    run = Losses(nn.Plateau(patience=2))
    run.factors(np.inf)
    assert all(np.isfinite(value) for value in run.schedule.state().values())


def test_plateau_moves_the_rate_of_a_fit() -> None:
    # The network starts from zeros, so its training is wrong for the opposite labels.
    net = nn.Sequential(nn.Dense(2, weight_initializer="zeros", bias_initializer="zeros"))
    history = fit(net, schedule=nn.Plateau(patience=3), optimizer=nn.SGD(lr=0.125), validation=(X, 1 - Y), dtype="float64")
    assert history.best() == 1
    np.testing.assert_allclose(history["lr"] / 0.125, 0.1 ** ((np.arange(20) - 1) // 3).clip(0), rtol=1e-12)


def test_plateau_of_what_the_fit_does_not_record() -> None:
    with pytest.raises(ParameterError, match=r"Plateau monitors 'val_loss'.*pass validation=\(X, y\) to fit, or monitor one of 'loss'"):
        rates("plateau")
    with pytest.raises(ParameterError, match=r"Warmup monitors 'val_loss'"):
        rates(nn.Warmup("plateau"))
    assert rates(nn.Plateau("loss")).min() == 1


def test_plateau_goes_on_from_a_file(tmp_path) -> None:
    """Plateau resumes from a file, which has the best value, the number of epochs waited and the factor."""

    def stop(training: Any) -> None:
        if training.network.n_epochs in (3, 9):
            training.stop("power cut")

    settings = {"schedule": {"name": "plateau", "patience": 3}, "validation": (X, 1 - Y), "optimizer": "adam"}
    whole, part = (nn.Sequential(nn.Dense(2, weight_initializer="zeros", bias_initializer="zeros")) for _ in range(2))
    history = fit(whole, **settings)
    assert history["lr"][5] < history["lr"][0]
    lr = list(fit(part, callbacks=[nn.LambdaCallback(on_epoch_end=stop)], **settings)["lr"])
    for epochs in (6, 11):
        part.save(tmp_path / "part.nncore")
        part = nn.load(tmp_path / "part.nncore")
        assert part.schedule.state()["n_waited"] > 0
        lr += list(fit(part, callbacks=[nn.LambdaCallback(on_epoch_end=stop)], **settings | {"rng": None, "epochs": epochs})["lr"])
    assert lr == list(history["lr"])
    np.testing.assert_array_equal(part.parameters, whole.parameters)


@pytest.mark.parametrize(
    "state",
    [{"factor": 1.0}, {"factor": 1.0, "n_waited": 0.0, "worst": 1.0}, {"factor": 2.0, "n_waited": 0.0}, {"factor": 1.0, "n_waited": 10.0},
     {"factor": 1.0, "n_waited": 0.5}, {"factor": 1.0, "n_waited": 0.0, "n_cooling": 1.0}],
)  # fmt: skip
def test_plateau_refuses_a_state_that_cannot_be(state: dict[str, float], tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    plateau = nn.Plateau()
    with pytest.raises(ParameterError, match="its state"):
        plateau.restore(state)
    assert plateau.state() == nn.Plateau().state()
    net = nn.Sequential(nn.Dense(2))
    fit(net, schedule=nn.Plateau("loss"))
    for nonsense in ({"factor": np.nan}, {"factor": "1"}, {1: 1.0}, None):
        monkeypatch.setattr(nn.Plateau, "state", lambda self, nonsense=nonsense: nonsense)
        with pytest.raises(PluginError, match="state must return finite numbers by name"):
            net.save(tmp_path / "odd.nncore")
    monkeypatch.setattr(nn.Plateau, "state", lambda self: state)
    with pytest.raises(ParameterError, match=r"cannot be saved.*its state"):
        net.save(tmp_path / "odd.nncore")
    monkeypatch.undo()
    net.save(tmp_path / "odd.nncore")
    with pytest.raises(FileFormatError, match="its state"):
        load_bytes(with_field((tmp_path / "odd.nncore").read_bytes(), "schedule_state", {"lr": state}), tmp_path)
