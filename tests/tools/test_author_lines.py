"""The guide's table of lines matches the count, and examples of a kind compute the same in every installed library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import author_lines
import numpy as np
import pytest
from registering import forgetting

import nncore as nn
from nncore import registry
from nncore.plugin import LayerCall

os.environ.setdefault("KERAS_BACKEND", "torch")

#: A warning of Keras, which converts tensors of PyTorch to NumPy arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

ROOT = Path(__file__).parents[2]
FILES = sorted(author_lines.EXAMPLES.glob("*/*.txt"))
RNG = np.random.default_rng(0)
X, TARGET, GRADIENT = RNG.normal(size=(3, 6, 4)).astype(np.float32)
STEPS = np.arange(11)


def test_the_guide_has_this_table() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "author_lines.py"), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", 0),
        ('"""Words,\nmore."""\n\nx = 1\n', 1),
        ("# why\nx = 1  # and how\n\n\ny = 2\n", 2),
        ('def f():\n    """Words."""\n    return """a\n\nb"""\n', 4),
        ("class A:\n    x = (\n        1,\n\n        2,\n    )\n", 5),
        ("@decorated\ndef f(): ...\n", 2),
    ],
)
def test_what_counts_as_a_line(source: str, lines: int) -> None:
    assert author_lines.code_lines(source) == lines


def test_every_kind_but_three_is_counted() -> None:
    kinds = {registry.singular(kind).capitalize() for kind in registry.KINDS}
    assert set(author_lines.examples()) == kinds - set(author_lines.NO_COUNTERPART)
    assert {file.parent.name for file in FILES} == set(author_lines.LIBRARIES.values())
    assert {file.stem for file in FILES} <= {kind.lower() for kind in author_lines.examples()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_an_example_is_as_this_repository_writes_python(file: Path) -> None:
    """Examples are formatted by ruff, so that no library's lines are longer or denser than others'."""
    pytest.importorskip("ruff")
    command = [sys.executable, "-m", "ruff", "format", "--check", "--stdin-filename", "example.py", "-"]
    done = subprocess.run(command, input=file.read_text(encoding="utf-8"), capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, file.name


def nncores(kind: str) -> Any:
    """Names that nncore's example of a kind defines."""
    namespace: dict[str, Any] = {"__name__": "example"}
    with forgetting():
        exec(author_lines.examples()[kind.capitalize()], namespace)
        (found,) = [found for info in registry.plugins() if info.run_time for _, found in info.components]
        return nn.get(next(kinds for kinds in registry.KINDS if registry.singular(kinds) == kind), found.name)


def others(library: str, kind: str) -> dict[str, Any]:
    """Names that an example defines; the test is skipped if its library is not installed."""
    for module in {"pytorch": ("torch",), "keras": ("torch", "keras"), "optax": ("optax",), "autograd": ("autograd",)}[library]:
        pytest.importorskip(module)
    if library == "autograd":
        sys.path.insert(0, str(ROOT / "plugins" / "nncore-autograd"))
    namespace: dict[str, Any] = {"__name__": "example"}
    with forgetting():
        exec((author_lines.EXAMPLES / library / f"{kind}.txt").read_text(encoding="utf-8"), namespace)
    return namespace


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=2e-5, atol=2e-6)


def signum_steps() -> np.ndarray:
    w, state = X.ravel().copy(), np.zeros((1, X.size), np.float32)
    optimizer = nncores("optimizer")(lr=0.1, beta=0.5)
    for t, g in enumerate((GRADIENT.ravel(), -0.6 * GRADIENT.ravel()), start=1):
        optimizer.step(w, g, state, t)
    return w.reshape(X.shape)


def test_optimizer_in_pytorch() -> None:
    module = others("pytorch", "optimizer")
    torch = module["torch"]
    w = torch.nn.Parameter(torch.tensor(X))
    optimizer = module["Signum"]([w, torch.nn.Parameter(torch.ones(2))], lr=0.1, beta=0.5)
    for factor in (1, -0.6):
        w.grad = torch.tensor(GRADIENT) * factor
        optimizer.step()
    close(w.detach(), signum_steps())


def test_optimizer_in_keras() -> None:
    module = others("keras", "optimizer")
    keras = module["keras"]
    w = keras.Variable(X)
    optimizer = module["Signum"](0.1, beta=0.5)
    for factor in (1, -0.6):
        optimizer.apply([keras.ops.convert_to_tensor(GRADIENT * np.float32(factor))], [w])
    close(keras.ops.convert_to_numpy(w), signum_steps())
    assert module["Signum"].from_config(optimizer.get_config()).beta == 0.5


def test_optimizer_in_optax() -> None:
    module = others("optax", "optimizer")
    optimizer = module["signum"](0.1, 0.5)
    w, state = X, optimizer.init(X)
    for factor in (1, -0.6):
        update, state = optimizer.update(GRADIENT * np.float32(factor), state, w)
        w = w + update
    close(w, signum_steps())


def gain_call() -> LayerCall:
    gain = np.arange(1, 5, dtype=np.float32)
    call = LayerCall(
        X,
        np.empty_like(X),
        GRADIENT,
        np.empty_like(X),
        {"gain": gain},
        {"gain": np.empty(4, np.float32)},
        input_shape=(4,),
        output_shape=(4,),
    )
    return call


def test_layer() -> None:
    mine = gain_call()
    nncores("layer")().forward(mine)
    nncores("layer")().backward(mine)
    close(mine.y, X * np.arange(1, 5))
    close(mine.d_parameters["gain"], (GRADIENT * X).sum(axis=0))


def test_layer_with_autograd() -> None:
    layer, call, expected = others("autograd", "layer")["Gain"](), gain_call(), gain_call()
    for one, with_call in ((layer, call), (nncores("layer")(), expected)):
        one.forward(with_call)
        one.backward(with_call)
    for name in ("y", "d_x"):
        close(getattr(call, name), getattr(expected, name))
    close(call.d_parameters["gain"], expected.d_parameters["gain"])


def test_layer_in_pytorch() -> None:
    module = others("pytorch", "layer")
    layer, x = module["Gain"](4), module["torch"].tensor(X)
    layer(x).backward(module["torch"].tensor(GRADIENT))
    close(layer(x).detach(), X)
    close(layer.gain.grad, (GRADIENT * X).sum(axis=0))


def test_layer_in_keras() -> None:
    module = others("keras", "layer")
    layer = module["Gain"]()
    close(module["keras"].ops.convert_to_numpy(layer(X)), X)
    assert [weight.shape for weight in layer.trainable_weights] == [(4,)]


def test_activation() -> None:
    bump = nncores("activation")()
    a = bump.forward(X)
    torch_module = others("pytorch", "activation")
    z = torch_module["torch"].tensor(X, requires_grad=True)
    torch_module["bump"](z).backward(torch_module["torch"].tensor(GRADIENT))
    close(torch_module["bump"](z).detach(), a)
    close(z.grad, bump.backward(X, a, GRADIENT))
    keras_module = others("keras", "activation")
    close(keras_module["ops"].convert_to_numpy(keras_module["bump"](keras_module["ops"].convert_to_tensor(X))), a)


def test_activation_with_autograd() -> None:
    bump, mine = others("autograd", "activation")["bump"](), nncores("activation")()
    close(bump.forward(X), mine.forward(X))
    close(bump.backward(X, X, GRADIENT), mine.backward(X, mine.forward(X), GRADIENT))


def test_loss() -> None:
    loss = nncores("loss")()
    torch_module = others("pytorch", "loss")
    torch = pytest.importorskip("torch")
    output = torch.tensor(X, requires_grad=True)
    value = torch_module["smooth_error"](output, torch.tensor(TARGET))
    value.backward()
    close(value.detach(), loss.forward(X, TARGET).mean())
    close(output.grad, loss.backward(X, TARGET) / len(X))
    keras_module = others("keras", "loss")
    close(
        keras_module["ops"].convert_to_numpy(keras_module["smooth_error"](torch.tensor(TARGET), torch.tensor(X))), loss.forward(X, TARGET)
    )


def test_loss_in_optax_and_with_autograd() -> None:
    loss = nncores("loss")()
    with_autograd = others("autograd", "loss")["smooth_error"]()
    close(with_autograd.backward(X, TARGET), loss.backward(X, TARGET))
    close(others("optax", "loss")["smooth_error"](X, TARGET), loss.forward(X, TARGET))


@pytest.mark.parametrize("library", ["pytorch", "keras"])
def test_initializer(library: str) -> None:
    mine = nncores("initializer")().sample(np.random.default_rng(0), (200, 100), 200, 100)
    module = others(library, "initializer")
    if library == "pytorch":
        values = module["fan_in_uniform_"](module["torch"].empty(100, 200)).numpy()
    else:
        values = module["keras"].ops.convert_to_numpy(module["FanInUniform"]()((200, 100), "float32"))
    limit = np.sqrt(3 / 200)
    for one in (mine, values):
        assert one.std() == pytest.approx(limit / np.sqrt(3), rel=0.02)
        assert 0.99 * limit < np.abs(one).max() <= limit


def test_regularizer() -> None:
    regularizer = nncores("regularizer")(0.5, 0.2)
    module = others("keras", "regularizer")
    torch = pytest.importorskip("torch")
    w = torch.tensor(X, requires_grad=True)
    value = module["SoftAbs"](0.5, 0.2)(w)
    value.backward()
    gradient = np.zeros_like(X)
    regularizer.add_gradient(X, gradient)
    close(value.detach(), regularizer.value(X))
    close(w.grad, gradient)
    assert module["SoftAbs"](0.5, 0.2).get_config() == {"strength": 0.5, "width": 0.2}


def test_constraint() -> None:
    w = X.copy()
    nncores("constraint")(0.4).project(w, 0.0)
    optax_module = others("optax", "constraint")
    box = optax_module["box"](0.4)
    update, _ = box.update(np.zeros_like(X), box.init(X), X)
    close(X + update, w)
    keras_module = others("keras", "constraint")
    close(keras_module["ops"].convert_to_numpy(keras_module["Box"](0.4)(keras_module["ops"].convert_to_tensor(X))), w)


def test_schedule() -> None:
    factors = nncores("schedule")(2.0).factor(STEPS, 8)
    torch_module, torch = others("pytorch", "schedule"), pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    schedule, rates = torch_module["power_decay"](optimizer, 8, 2.0), []
    for _ in STEPS:
        rates += schedule.get_last_lr()
        optimizer.step()
        schedule.step()
    close(rates, 0.5 * factors)
    keras_module = others("keras", "schedule")
    schedule = keras_module["PowerDecay"](0.5, 8, 2.0)
    close([float(schedule(int(step))) for step in STEPS], 0.5 * factors)
    assert schedule.get_config() == {"learning_rate": 0.5, "n_steps": 8, "power": 2.0}
    close(others("optax", "schedule")["power_decay"](0.5, 8, 2.0)(STEPS), 0.5 * factors)


def test_sampler() -> None:
    half, samples = nncores("sampler")(), nn.plugin.SampleInfo(9)
    other = others("pytorch", "sampler")["Half"](range(9))
    for orders in ([half.order(samples, 0, epoch) for epoch in range(2)], [list(other) for _ in range(2)]):
        assert [len(set(order)) for order in orders] == [5, 5]
        assert list(orders[0]) != list(orders[1])


def test_transform() -> None:
    x = X.copy()
    x[2, 1] = np.nan
    call = nn.plugin.TransformCall(x, x.copy(), np.ones(4, bool))
    nncores("transform")(0.3).apply(call)
    torch_module = others("pytorch", "transform")
    close(torch_module["towards_next"](torch_module["torch"].tensor(x), 0.3), call.x)
    keras_module = others("keras", "transform")
    layer = keras_module["TowardsNext"](0.3)
    close(keras_module["ops"].convert_to_numpy(layer(x, training=True)), call.x)
    close(keras_module["ops"].convert_to_numpy(layer(x)), x)
    assert layer.get_config()["share"] == 0.3


def test_encoding() -> None:
    from nncore.data import EncodingChain

    module = others("keras", "encoding")
    layer = module["UnitLargest"]()
    layer.adapt(X)
    expected = EncodingChain.learn([nncores("encoding")()], X.astype(float)).encode(X.astype(float))
    close(module["keras"].ops.convert_to_numpy(layer(X)), expected)


def test_metric() -> None:
    module = others("keras", "metric")
    metric = module["MeanSquare"]()
    metric.update_state(TARGET[:2], X[:2])
    metric.update_state(TARGET[2:], X[2:])
    close(float(metric.result()), nncores("metric")().score(X, TARGET))


def test_callback() -> None:
    module = others("keras", "callback")
    callback = module["StopBelow"](0.5)
    callback.set_model(type("Model", (), {"stop_training": False})())
    for loss, stops in ((0.6, False), (0.4, True)):
        callback.on_epoch_end(0, {"loss": loss})
        assert callback.model.stop_training is stops
