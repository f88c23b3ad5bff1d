"""Records outputs of torch's losses, as data for test_torch.py; run with a Python that has PyTorch (CPU) and Keras when a case is added.

torch_values.npz holds outputs and targets of 12 samples in float64, every sample's loss, and its gradient by torch's autograd. With them it
holds, as JSON, the loss of nncore that should give the same.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from torch.nn import functional

keras.config.set_floatx("float64")

N_ROWS = 12
rng = np.random.default_rng(1)


def normal(n_columns: int, scale: float = 1.0) -> np.ndarray:
    return rng.normal(0, scale, (N_ROWS, n_columns))


def gaussian(output: torch.Tensor, target: torch.Tensor, **arguments: float) -> torch.Tensor:
    mean, log_variance = output.chunk(2, dim=1)
    return functional.gaussian_nll_loss(mean, target, log_variance.exp(), reduction="none", **arguments).mean(dim=1)


def deviance(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    likelihood = functional.poisson_nll_loss(output, target, log_input=True, full=False, reduction="none")
    return (likelihood + torch.xlogy(target, target) - target).sum(dim=1)


def heads(output: torch.Tensor, target: torch.Tensor, n_classes: tuple[int, ...]) -> torch.Tensor:
    logits = output.split(n_classes, dim=1)
    return sum(functional.cross_entropy(z, target[:, h].long(), reduction="none") for h, z in enumerate(logits))


def two_classes(output: torch.Tensor, target: torch.Tensor, **arguments: float) -> torch.Tensor:
    """For two classes, ours is twice torch's, which divides the sum over the wrong classes by the number of classes."""
    return 2 * functional.multi_margin_loss(output, target, reduction="none", **arguments)


def mean(loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda output, target, **arguments: loss(output, target, reduction="none", **arguments).mean(dim=1)


def tweedie(output: torch.Tensor, target: torch.Tensor, power: float) -> torch.Tensor:
    """Half the deviance, as in textbooks."""
    mean = output.exp()
    of_target = target ** (2 - power) / ((1 - power) * (2 - power))
    return (of_target - target * mean ** (1 - power) / (1 - power) + mean ** (2 - power) / (2 - power)).sum(dim=1)


def crps(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    mean, log_variance = output.chunk(2, dim=1)
    sigma = (log_variance / 2).exp()
    normal, w = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1), (target - mean) / sigma
    return (sigma * (w * (2 * normal.cdf(w) - 1) + 2 * normal.log_prob(w).exp() - 1 / math.sqrt(math.pi))).mean(dim=1)


def keras_focal(output: torch.Tensor, target: torch.Tensor, **arguments: float) -> torch.Tensor:
    rows = functional.one_hot(target, output.shape[1]).double() if target.ndim == 1 else target
    return keras.losses.categorical_focal_crossentropy(rows, output, from_logits=True, **arguments)


def yes_no_focal(output: torch.Tensor, target: torch.Tensor, alpha: float | None, gamma: float) -> torch.Tensor:
    """As torchvision's sigmoid_focal_loss; Keras' is that in float32."""
    p, entropy = output.sigmoid(), functional.binary_cross_entropy_with_logits(output, target, reduction="none")
    right = p * target + (1 - p) * (1 - target)
    weight = 1 if alpha is None else alpha * target + (1 - alpha) * (1 - target)
    return (weight * (1 - right) ** gamma * entropy).sum(dim=1)


def log_cosh(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Keras' in float64."""
    return (output - target).cosh().log().mean(dim=1)


def ordinal(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the log of the difference of two logistic functions."""
    logits = torch.cat([output[:, :1], -functional.softplus(output[:, 1:])], dim=1).cumsum(dim=1)
    ends = torch.ones(len(output), 1, dtype=torch.float64)
    at_least = torch.cat([ends, logits.sigmoid(), 0 * ends], dim=1)
    return -torch.take_along_dim(at_least[:, :-1] - at_least[:, 1:], target[:, None], dim=1)[:, 0].log()


def contrastive(output: torch.Tensor, target: torch.Tensor, temperature: float) -> torch.Tensor:
    """The paper's own code, of one view of each sample."""
    features = functional.normalize(output, dim=1)
    others = 1 - torch.eye(len(output), dtype=torch.float64)
    positive = (target == target.T).double() * others
    logits = features @ features.T / temperature
    log_p = logits - (logits.exp() * others).sum(dim=1, keepdim=True).log()
    return -(positive * log_p).sum(dim=1) / positive.sum(dim=1)


def triplet(output: torch.Tensor, target: torch.Tensor, margin: float | None) -> torch.Tensor:
    """Batch hard: the farthest of the same class, the nearest of another."""
    same, far = target == target.T, 1e9
    distances = (output[:, None] - output[None]).square().sum(dim=2)
    distances = torch.where(distances > 0, distances, 1.0).sqrt() * (distances > 0)
    ahead = torch.where(same, distances, -far).amax(dim=1) - torch.where(same, far, distances).amin(dim=1)
    return functional.softplus(ahead) if margin is None else functional.relu(ahead + margin)


def classes(n: int) -> np.ndarray:
    return rng.integers(n, size=N_ROWS)


COUNTS = rng.poisson(3, (N_ROWS, 2)).astype(float)
COUNTS[0] = 0
DISTRIBUTIONS = rng.dirichlet(np.ones(5), N_ROWS)
HEADS = np.column_stack([classes(3), classes(2), classes(5)]).astype(float)
EQUAL = normal(3)
YES_OR_NO = np.indices((N_ROWS, 3)).sum(axis=0) % 2 * 1.0
#: Log-variances around 0, and some below the smallest variance.
LOG_VARIANCES = np.where(np.arange(N_ROWS) % 3 == 0, -8.0, 0.0)[:, None] + normal(2)

#: name: (component and arguments in nncore, torch's loss of each sample, its arguments, output, target)
CASES = {
    "mae": ("mae", {}, mean(functional.l1_loss), {}, np.where(np.arange(3) == 1, EQUAL, normal(3)), EQUAL),
    "huber": ("huber", {}, mean(functional.huber_loss), {}, normal(3, 2), normal(3)),
    "huber, small delta": ("huber", {"delta": 0.2}, mean(functional.huber_loss), {"delta": 0.2}, normal(3), normal(3)),
    "smooth l1": ("huber", {"delta": 1.0}, mean(functional.smooth_l1_loss), {"beta": 1.0}, normal(3, 2), normal(3)),
    "mse": ("mse", {}, mean(functional.mse_loss), {}, normal(3), normal(3)),
    "poisson": ("poisson", {}, deviance, {}, normal(2), COUNTS),
    "gaussian": ("gaussian_nll", {}, gaussian, {}, normal(4), normal(2)),
    "gaussian, clamped": (
        "gaussian_nll", {"min_variance": 0.01}, gaussian, {"eps": 0.01}, np.hstack([normal(2), LOG_VARIANCES]), normal(2),
    ),
    "binary": (
        "binary_cross_entropy", {}, lambda z, y: functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1), {},
        normal(3, 3), rng.uniform(size=(N_ROWS, 3)),
    ),
    "classes": ("softmax_cross_entropy", {}, functional.cross_entropy, {"reduction": "none"}, normal(5, 3), classes(5)),
    "smoothed classes": (
        "softmax_cross_entropy", {"label_smoothing": 0.1}, functional.cross_entropy, {"reduction": "none", "label_smoothing": 0.1},
        normal(5, 3), classes(5),
    ),
    "smoothed distributions": (
        "softmax_cross_entropy", {"label_smoothing": 0.3}, functional.cross_entropy, {"reduction": "none", "label_smoothing": 0.3},
        normal(5, 3), DISTRIBUTIONS,
    ),
    "heads": ("softmax_heads", {"n_classes": [3, 2, 5]}, heads, {"n_classes": (3, 2, 5)}, normal(10, 3), HEADS),
    "hinge": ("hinge", {}, two_classes, {}, normal(2), classes(2)),
    "squared hinge": ("hinge", {"margin": 0.7, "squared": True}, two_classes, {"margin": 0.7, "p": 2}, normal(2), classes(2)),
    "log cosh": ("log_cosh", {}, log_cosh, {}, normal(3, 2), normal(3)),
    "log cosh, far": ("log_cosh", {}, log_cosh, {}, normal(1, 200), normal(1)),
    "tweedie": ("tweedie", {}, tweedie, {"power": 1.5}, normal(2), COUNTS),
    "tweedie, 1.2": ("tweedie", {"power": 1.2}, tweedie, {"power": 1.2}, normal(1), COUNTS[:, :1] / 3),
    "tweedie, 1.8": ("tweedie", {"power": 1.8}, tweedie, {"power": 1.8}, normal(1), COUNTS[:, 1:] / 3),
    "crps": ("crps", {}, crps, {}, normal(4), normal(2)),
    "focal, classes": ("focal", {}, keras_focal, {"alpha": 1.0, "gamma": 2.0}, normal(5), classes(5)),
    "focal, rows": ("focal", {"gamma": 0.7, "alpha": 0.25}, keras_focal, {"alpha": 0.25, "gamma": 0.7}, normal(5), DISTRIBUTIONS),
    "focal, yes or no": ("binary_focal", {}, yes_no_focal, {"alpha": None, "gamma": 2.0}, normal(3, 3), YES_OR_NO),
    "focal, yes counts less": (
        "binary_focal", {"alpha": 0.25, "gamma": 1.3}, yes_no_focal,
        {"alpha": 0.25, "gamma": 1.3}, normal(1, 3), YES_OR_NO[:, :1],
    ),
    "ordinal": ("ordinal", {}, ordinal, {}, normal(4, 0.7), classes(5)),
    "contrastive": ("contrastive", {}, contrastive, {"temperature": 0.1}, normal(5), np.resize([0.0, 1, 2, 0], (N_ROWS, 1))),
    "contrastive, warm": (
        "contrastive", {"temperature": 1.0}, contrastive, {"temperature": 1.0}, normal(3), np.resize([7.0, 2, 2], (N_ROWS, 1)),
    ),
    "triplet": ("triplet", {"margin": 0.7}, triplet, {"margin": 0.7}, normal(5), np.resize([0.0, 1, 2, 0], (N_ROWS, 1))),
    "triplet, soft": ("triplet", {"margin": "soft"}, triplet, {"margin": None}, normal(3), np.resize([7.0, 2, 2], (N_ROWS, 1))),
}  # fmt: skip


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    for name, (component, arguments, function, torch_arguments, output, target) in CASES.items():
        z = torch.tensor(output, dtype=torch.float64, requires_grad=True)
        loss = function(z, torch.tensor(target), **torch_arguments)
        loss.sum().backward()
        arrays |= {f"{name}/output": output, f"{name}/target": target}
        arrays |= {f"{name}/value": loss.detach().numpy(), f"{name}/d_output": z.grad.numpy()}
        arrays[f"{name}/loss"] = np.array(json.dumps({"name": component, **arguments}))
    np.savez_compressed(Path(__file__).with_name("torch_values.npz"), torch_version=np.array(torch.__version__), **arrays)


if __name__ == "__main__":
    main()
