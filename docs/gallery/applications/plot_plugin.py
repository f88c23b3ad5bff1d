r"""
Custom optimizer: from a notebook to a package
==============================================

Write an optimizer, use it by its name, compare it with the built-in ones, and test it. Then make it a plugin that others install with pip.

The example is AdaBelief [1]_. Layers, losses, activations and the other kinds of components go the same way.
"""

# %%
# Register the class
# ------------------
#
# ``step`` changes the parameters ``w`` in place. ``g`` is their gradient, and ``state`` has ``n_slots`` vectors that keep their values from
# step to step. AdaBelief divides by the variance of the gradient around its running mean, where Adam divides by its mean square.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn

plt.style.use("nncore.displays.style")


@nn.register("optimizers", name="adabelief")
class AdaBelief(nn.plugin.Optimizer):
    ranges = {"lr": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)"}
    n_slots = 2

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2

    def step(self, w, g, state, t):
        m, s = state
        m += (1 - self.beta1) * (g - m)
        s += (1 - self.beta2) * ((g - m) ** 2 - s) + 1e-8
        m_hat = m / (1 - self.beta1**t)
        s_hat = s / (1 - self.beta2**t)
        w -= self.lr * m_hat / (np.sqrt(s_hat) + 1e-8)


# %%
# Use it by name
# --------------
#
# The name works wherever ``"adam"`` does. Handwritten digits, 20 epochs, each optimizer at four learning rates.

from nncore.datasets import load_digits_split

X, y, X_test, y_test = load_digits_split()
X, X_test = X.reshape(-1, 64) / 16, X_test.reshape(-1, 64) / 16

rates = {
    "adabelief": (0.0003, 0.001, 0.003, 0.01),
    "adam": (0.0003, 0.001, 0.003, 0.01),
    "momentum": (0.003, 0.01, 0.03, 0.1),
}
histories = {}
for name in rates:
    for lr in rates[name]:
        net = nn.Sequential(
            nn.Dense(128, activation="relu"), nn.Dense(10)
        )
        histories[name, lr] = net.fit(
            X,
            y,
            validation=(X_test, y_test),
            loss="softmax_cross_entropy",
            optimizer={"name": name, "lr": lr},
            epochs=20,
            batch_size=32,
            rng=0,
            progress=False,
        )

figure, axes = plt.subplots(1, 3, figsize=(8.5, 3.2), sharey=True)
for ax, name in zip(axes, rates, strict=True):
    for lr in rates[name]:
        curve = histories[name, lr]["val_loss"]
        ax.semilogy(range(1, 21), curve, label=f"lr {lr}")
    ax.set(title=name, xlabel="epoch")
    ax.legend()
axes[0].set_ylabel("validation loss")
plt.show()

# %%
# The curves of AdaBelief and Adam are close to each other. Hyperparameters are checked where they are written:

from nncore.errors import ParameterError

try:
    net.fit(X, y, optimizer={"name": "adabelief", "beta1": 2})
except ParameterError as error:
    print(error)

# %%
# Test it
# -------
#
# :mod:`nncore.testing` has a class of checks for each kind of component. pytest collects a class derived from it. Here a loop runs the
# checks: shapes and types, no state outside of ``state``, the same bits after saving and resuming, and two functions to minimise.

from unittest import SkipTest

from nncore.testing import OptimizerConformance


class TestAdaBelief(OptimizerConformance):
    name = "adabelief"


results = {"passed": [], "skipped": []}
for check in dir(TestAdaBelief):
    if check.startswith("test_"):
        try:
            getattr(TestAdaBelief(), check)()
            results["passed"].append(check)
        except SkipTest:
            results["skipped"].append(check)
for result, checks in results.items():
    print(result, len(checks))
print(*results["passed"][:5], "...", sep="\n")

# %%
# The skipped checks read the manifest of a plugin. A registered class has none.

# %%
# Make it a package
# -----------------
#
# A registered name lives in one process. A package brings it into every process, and into saved networks. ``nncore new-plugin`` writes one
# that works, with its tests:

import subprocess
import sys
import tempfile
from pathlib import Path

folder = tempfile.TemporaryDirectory()
command = "new-plugin", "optimizer", "adabelief"
subprocess.run(
    [sys.executable, "-m", "nncore", *command],
    cwd=folder.name,
    check=True,
    capture_output=True,
)
package = Path(folder.name, "nncore-adabelief")
for path in sorted(package.rglob("*.*")):
    print(path.relative_to(folder.name))

# %%
# The entry point of ``pyproject.toml`` names the manifest. The manifest says where the class is, so that nncore imports it only when
# somebody asks for it:

manifest = package / "nncore_adabelief" / "manifest.py"
print(manifest.read_text())

# %%
# Three steps are left:
#
# 1. Put your class into ``nncore_adabelief/adabelief.py``, without ``@nn.register``. Write its name and your summary into the manifest.
# 2. In ``tests/test_adabelief.py``, replace the values that were computed by hand.
# 3. Install and test it:
#
#    .. code-block:: shell
#
#       pip install -e ./nncore-adabelief
#       pytest nncore-adabelief
#       nncore plugins --verify nncore-adabelief
#
# ``optimizer="adabelief"`` then works in every process, and so does ``nncore train data.csv --target y --optimizer adabelief``.
#
# What to try next
# ----------------
#
# - The whole way command by command, and the same rule compiled: :doc:`/tutorials/your-own-plugin`.
# - An example of each of the 16 kinds: :doc:`/how-to/write-a-component`.
# - What happens to registered classes in files and workers: :doc:`/how-to/register`.
#
# .. [1] Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients", 2020.
