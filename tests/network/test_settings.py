"""All changes of a network go through one place, which programs check at each entry."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from hostile import hostile_values

import nncore as nn
from nncore.errors import ParameterError
from nncore.network.document import ATTRIBUTES
from nncore.network.settings import Settings
from nncore.testing import numpy_twin

SOURCE = Path(nn.__file__).parent / "_core" / "program.pyx"


def test_a_public_attribute_is_a_property_or_a_counter_that_files_hold() -> None:
    """Public attributes are properties or counters in files: a plain value on the network that nothing else uses cannot be inconsistent."""
    net = nn.Sequential(nn.Dense(2)).build(2, loss="mse", optimizer="adam")
    stored = {name for name in vars(net) if not name.startswith("_")}
    assert stored <= set(ATTRIBUTES)
    settable = {name for name, value in vars(Settings).items() if isinstance(value, property) and value.fset is not None}
    assert settable == {"layers", "loss", "optimizer", "schedule", "weight_decay", "clip_norm", "clip_value", "seed", "groups"}


@pytest.mark.skipif(not SOURCE.exists(), reason="the sources are not installed")
def test_every_entry_of_a_program_looks_whether_something_has_changed() -> None:
    source = SOURCE.read_text(encoding="utf-8")
    of_program = source.partition("\ncdef struct nnc_run")[0]  # the functions after it serve one of the entries
    entries = [method for method in re.split(r"\n    (?=c?def )", of_program) if re.search(r"= runner\.\w+\(|Run\.__new__\(", method)]
    assert len(entries) == len(re.findall(r"= runner\.\w+\(&self\.program|Run\.__new__\(", of_program)) >= 8
    for method in entries:
        before, _, after = method.partition("self.turn.enter()")
        assert "runner." not in before, method
        assert re.match(r"\s+try:\s+self\.refresh\(\)", after), method


@pytest.mark.parametrize("kernel", ["native", "numpy"])
def test_a_change_from_another_thread_comes_between_two_steps(kernel: str) -> None:
    """A change from another thread is applied between two steps of a fit, which uses the last value."""
    X, y = np.random.default_rng(0).normal(size=(400, 4)), np.zeros(400)
    optimizer = nn.Momentum(lr=0.01)
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dropout(0.1), nn.Dense(1))
    done = threading.Event()

    def change(training: object) -> None:
        done.wait(0.001)

    def meddle() -> None:
        for i in range(200):
            if net.optimizer is not None:
                net.optimizer.momentum, net.layers[1].rate, net.weight_decay = 0.5 + i / 1000, i / 1000, i / 1e5
        done.set()

    net.build(4, loss="mse", optimizer=optimizer if kernel == "native" else numpy_twin(optimizer), rng=0)
    meddler = threading.Thread(target=meddle)
    meddler.start()
    while not done.is_set():
        net.fit(X, y, epochs=2, batch_size=20, callbacks=[change], progress=False)
    meddler.join()
    assert (net.optimizer.momentum, net.layers[1].rate, net.weight_decay) == (0.5 + 199 / 1000, 199 / 1000, 199 / 1e5)
    net.optimizer.lr = 0.0
    net.optimizer.momentum = 0.0
    before = net.parameters.copy()
    net.fit(X, y, epochs=1, progress=False)
    np.testing.assert_array_equal(net.parameters, before)
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize("name", hostile_values())
def test_change_refuses_what_is_no_component_place_or_argument_of_it(name: str) -> None:
    net = nn.Sequential(nn.Dense(1)).build(2, loss="mse", optimizer="adam", rng=0)
    value = hostile_values()[name]
    for arguments in ((value, "optimizer", "lr", 0.1), (net.optimizer, value, "lr", 0.1), (net.optimizer, "optimizer", value, 0.1)):
        with pytest.raises(ParameterError):
            net.change(*arguments)
    with pytest.raises(ParameterError, match="a component of this network"):
        net.change(nn.Adam(), "optimizer", "lr", 0.1)
    assert net.optimizer.lr == nn.Adam().lr
