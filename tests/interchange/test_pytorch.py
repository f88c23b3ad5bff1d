"""`nncore.from_torch`: converted PyTorch modules predict the same. Needs PyTorch: see .ci/run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn as T

import nncore as nn
from nncore.errors import ParameterError

DTYPES = (torch.float32, torch.float64)
#: Tolerance in the largest output, for another order of summation.
ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-14}


def check(module: Any, shape: tuple[int, ...] = (4,), **how: Any) -> nn.Sequential:
    """Compare predictions in both dtypes, with running statistics as after training; return the last network."""
    torch.manual_seed(0)
    for dtype in DTYPES:
        module = module.to(dtype).train()
        for part in module.modules():
            if isinstance(part, T.BatchNorm1d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
        X = torch.randn((30, *shape), dtype=dtype)
        net = nn.from_torch(module, **how)
        assert all(part.training for part in module.modules())
        with torch.no_grad():
            expected = module.eval()(X).numpy()
        predicted = net.predict(X.numpy())
        assert predicted.dtype == expected.dtype
        np.testing.assert_allclose(predicted, expected.reshape(predicted.shape), rtol=0, atol=ROUNDING[dtype] * max(1, abs(expected).max()))
    return net


@pytest.mark.parametrize(
    "activation",
    [
        T.ReLU(), T.LeakyReLU(0.2), T.ELU(0.7), T.SELU(), T.GELU(), T.GELU("tanh"), T.Sigmoid(), T.Tanh(), T.SiLU(), T.Mish(),
        T.Softplus(2), T.CELU(), T.CELU(0.5), T.PReLU(), T.Softmax(1), T.Softmax(dim=-1), T.LogSoftmax(1), T.Identity(), T.ReLU6(),
        T.Hardswish(), T.Hardsigmoid(), T.Hardtanh(), T.Hardtanh(-0.5, 2.0), T.Hardtanh(0.0, 6.0), T.Softsign(),
    ],
    ids=str,
)  # fmt: skip
def test_activations(activation: Any) -> None:
    net = check(T.Sequential(T.Linear(4, 6), activation, T.Linear(6, 3)))
    assert net.layer_names == ["dense_1", "dense_2"]


def test_slopes_for_each_feature() -> None:
    slopes = T.PReLU(6)
    with torch.no_grad():
        slopes.weight.uniform_(-1, 1)
    assert check(T.Sequential(T.Linear(4, 6), slopes)).layer_names == ["dense_1", "prelu_1"]


def test_a_slope_for_all_that_is_negative() -> None:
    assert check(T.Sequential(T.Linear(4, 6), T.PReLU(1, -0.5))).layer_names == ["dense_1", "prelu_1"]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("epsilon", [None, 0.1])
def test_rms_norm(affine: bool, dtype: Any, epsilon: float | None) -> None:
    norm = T.RMSNorm(6, epsilon, affine)
    if affine:
        with torch.no_grad():
            norm.weight.uniform_(-1, 1)
    net = nn.from_torch(T.Sequential(T.Linear(4, 6), norm).to(dtype))
    assert net.layers[1].epsilon == (torch.finfo(dtype).eps if epsilon is None else epsilon)
    check(T.Sequential(T.Linear(4, 6), norm))


class Gated(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.gate, self.narrow = T.Linear(4, 12), T.GLU(), T.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        x = F.alpha_dropout(self.gate(self.wide(x)), 0.1, self.training)
        return F.log_softmax(F.hardtanh(F.glu(self.narrow(x), dim=1), -0.5, 0.5), dim=1)


def test_gates_halve_what_enters() -> None:
    net = check(Gated())
    assert net.layer_names == ["dense_1", "glu_1", "alpha_dropout_1", "dense_2", "glu_2", "activation_1", "activation_2"]
    with pytest.raises(ParameterError, match=r"'1' \(GLU\): it halves 3 features.*even number"):
        nn.from_torch(T.Sequential(T.Linear(4, 3), T.GLU()))
    with pytest.raises(ParameterError, match="its dim is 0"):
        nn.from_torch(T.Sequential(T.Linear(4, 4), T.GLU(0)))


@pytest.mark.parametrize("affine", [True, False])
def test_layers(affine: bool) -> None:
    inner = T.Sequential(T.Linear(12, 8), T.BatchNorm1d(8, affine=affine, eps=1e-3, momentum=None), T.ReLU(), T.Dropout(0.3))
    net = check(
        T.Sequential(T.Flatten(), T.LayerNorm(12, elementwise_affine=affine), inner, T.Linear(8, 2, bias=False)), (3, 4), input_shape=(3, 4)
    )
    assert net.layer_names == ["flatten_1", "layer_norm_1", "dense_1", "batch_norm_1", "activation_1", "dropout_1", "dense_2"]
    assert net.layers[5].rate == 0.3


@pytest.mark.parametrize(
    "module", [T.Linear(4, 3), T.BatchNorm1d(4), T.Sequential(T.Sequential(T.Linear(4, 3)))], ids=["linear", "norm", "nested"]
)
def test_a_module_alone(module: Any) -> None:
    check(module)


def test_weights_under_a_parametrization() -> None:
    check(T.Sequential(T.utils.parametrizations.weight_norm(T.Linear(4, 3)), T.Tanh()))


@pytest.mark.parametrize("columns", [1, 3])
def test_an_embedding(columns: int) -> None:
    module = T.Sequential(T.Embedding(5, 3), T.Flatten(), T.Linear(3 * columns, 2))
    net, codes = nn.from_torch(module), torch.randint(0, 5, (20, columns))
    np.testing.assert_allclose(net.predict(codes.numpy()), module(codes).detach().numpy(), rtol=0, atol=1e-6)


class OfItsOwn(T.Module):
    """A module as people write it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = T.Linear(4, 4), T.Linear(8, 2)
        self.block = T.Sequential(T.Linear(4, 4), T.ReLU(inplace=True), T.BatchNorm1d(4))
        self.shortcut = T.Linear(4, 4, bias=False)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.first(x), inplace=True)
        x = x + self.block(x)
        x = F.gelu(self.block(x) + self.shortcut(x), approximate="tanh")
        x = torch.cat([x, torch.tanh(self.first(x))], dim=1)
        x = F.dropout(x, 0.2, training=self.training)
        return F.softmax(self.last(x.view(x.size(0), -1)), dim=-1)


def test_a_class_of_its_own() -> None:
    net = check(OfItsOwn())
    assert net.layer_names == ["dense_1", "residual_1", "residual_2", "concat_1", "dropout_1", "dense_2"]


class Column(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = T.Linear(4, 1)

    def forward(self, x: Any) -> Any:
        return F.leaky_relu(self.linear(x.flatten(1)), 0.2).squeeze(-1)


def test_a_last_squeeze_is_left_out() -> None:
    assert check(Column()).output_shape == (1,)


def test_it_trains_on() -> None:
    net = check(T.Sequential(T.Linear(4, 8), T.ReLU(), T.Linear(8, 2)))
    X = np.random.default_rng(0).normal(size=(60, 4))
    losses = net.fit(X, X[:, 0] > 0, loss="softmax_cross_entropy", epochs=8, rng=0, progress=False)["loss"]
    assert losses[-1] < losses[0]


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    module = T.Sequential(T.Linear(4, 3), T.Tanhshrink(), T.Sequential(T.LSTM(3, 3)), T.LogSoftmax(0))
    with pytest.raises(ParameterError, match=r"(?s)'1' \(Tanhshrink\).*'2\.0' \(LSTM\).*'3' \(LogSoftmax\).*dim=1"):
        nn.from_torch(module)


class Mutating(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.relu = T.Linear(4, 4), T.ReLU(inplace=True)

    def forward(self, x: Any) -> Any:
        h = self.linear(x)
        return self.relu(h) + h


class Deciding(Mutating):
    def forward(self, x: Any) -> Any:
        return self.linear(x) if x.sum() > 0 else x


class Adding(Mutating):
    def forward(self, x: Any) -> Any:
        return 1 + self.linear(x)


class Always(Mutating):
    def forward(self, x: Any) -> Any:
        return F.dropout(self.linear(x), 0.5)


class TwoInputs(Mutating):
    def forward(self, x: Any, z: Any) -> Any:
        return self.linear(x) + z


def hooked() -> Any:
    module = T.Sequential(T.Linear(4, 3))
    module[0].register_forward_hook(lambda *arguments: None)
    return module


@pytest.mark.parametrize(
    ("module", "match"),
    [
        (Mutating(), "in place"),
        (Deciding(), r"cannot be traced.*nn\.from_onnx"),
        (Adding(), "computes with 1"),
        (Always(), "also at prediction"),
        (TwoInputs(), "second input"),
        (hooked(), "hooks"),
        (T.Linear(4, 3).half(), r"float16.*module\.float\(\)"),
        (T.Sequential(T.Linear(4, 3), T.Linear(3, 2).double()), "float32 and float64"),
        (T.BatchNorm1d(4, track_running_stats=False), "track_running_stats=True"),
        (T.Sequential(T.Linear(4, 3), T.Softmax(0)), "dim=1"),
        (T.ReLU(), "input_shape="),
        (T.Embedding(4, 3, max_norm=1.0), "max_norm"),
        (T.Sequential(T.Linear(4, 4), T.Embedding(4, 3)), "columns of the input"),
        (T.Identity(), "input_shape"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, T.Module) else "",
)
def test_what_does_not_fit_is_named_with_a_remedy(module: Any, match: str) -> None:
    with pytest.raises(ParameterError, match=f"(?s){match}"):
        nn.from_torch(module)


def test_samples_that_are_no_vectors_are_flattened_first() -> None:
    with pytest.raises(ParameterError, match="put a Flatten before it"):
        nn.from_torch(T.Sequential(T.ReLU(), T.Linear(4, 3)), input_shape=(3, 4))
    with pytest.raises(ParameterError, match=r"numbers of at least 1, got \(3, 0\)"):
        nn.from_torch(T.Linear(4, 3), input_shape=(3, 0))


def test_what_is_no_module_is_named() -> None:
    with pytest.raises(ParameterError, match=r"got 'net\.pt': load the module in PyTorch first"):
        nn.from_torch("net.pt")
    with pytest.raises(ParameterError, match="pass a module"):
        nn.from_torch([1, 2])
