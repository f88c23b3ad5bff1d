r"""
Activation functions and vanishing gradients
============================================

Without an activation function :math:`\varphi`, a stack of layers is one linear map. Backpropagation needs its derivative. The error of a
layer is

.. math:: \delta^{(l-1)} = \left(W^{(l)\top} \delta^{(l)}\right) \odot \varphi'\!\left(z^{(l-1)}\right),

so every layer multiplies by :math:`\varphi'` once. This page shows the functions, then measures what the products do to the gradients of
a deep network.
"""

# %%
# Sigmoid, tanh and ReLU
# ----------------------
#
# .. math::
#
#    \begin{aligned}
#    \text{sigmoid:}\quad \varphi(z) &= \frac{1}{1 + e^{-z}}, & \varphi'(z) &= \varphi(z)\,(1 - \varphi(z)) \\[0.5em]
#    \text{tanh:}\quad \varphi(z) &= \frac{e^z - e^{-z}}{e^z + e^{-z}}, & \varphi'(z) &= 1 - \varphi(z)^2 \\[0.5em]
#    \text{ReLU:}\quad \varphi(z) &= \max(0, z), & \varphi'(z) &= 1 \text{ if } z > 0 \text{, else } 0
#    \end{aligned}
#
# :func:`nncore.get` finds an activation by its name. Its ``forward`` is :math:`\varphi`. Its ``backward`` turns
# :math:`\partial E / \partial a` into :math:`\partial E / \partial z`, so for a vector of ones it returns :math:`\varphi'`.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split
from nncore.displays import GradientHistogramDisplay
from nncore.errors import NotTrainableError
from nncore.inspection import gradients

plt.style.use("nncore.displays.style")

z = np.linspace(-4, 4, 401).reshape(-1, 1)


def value_and_derivative(name):
    activation = nn.get("activations", name)()
    a = activation.forward(z)
    # Some get by with φ(z) alone.
    before = z if activation.needs_input else a
    return a, activation.backward(before, a, np.ones_like(z))


a, slope = value_and_derivative("sigmoid")
assert np.allclose(a, 1 / (1 + np.exp(-z)))
assert np.allclose(slope, a * (1 - a))
print("largest derivative of the sigmoid:", slope.max())

a, slope = value_and_derivative("tanh")
assert np.allclose(slope, 1 - a**2)
print("largest derivative of tanh:       ", slope.max())

a, slope = value_and_derivative("relu")
assert np.array_equal(slope, z > 0)
print("derivative of the ReLU at 0:      ", slope[z == 0].item())

# %%
# All built-in activations
# ------------------------
#
# This draws all built-in activations that work on single numbers, :math:`\varphi` solid and :math:`\varphi'` dashed. The last two have no
# derivative that training could use. They raise an error in training that says what to use instead.

names = nn.names("activations")
names = [name for name in names if not name.startswith("softmax")]
names.sort(key=lambda name: not nn.get("activations", name).trainable)

figure, axes = plt.subplots(
    4, 4, figsize=(9, 7.6), sharex=True, sharey=True
)
for ax, name in zip(axes.flat, names, strict=False):
    try:
        a, slope = value_and_derivative(name)
        ax.plot(z, slope, "--", color="C1", label="$\\varphi'(z)$")
    except NotTrainableError as error:
        a = nn.get("activations", name)().forward(z)
        print(f"NotTrainableError: {error}")
    ax.plot(z, a, color="C0", label="$\\varphi(z)$")
    ax.set(
        title=name,
        ylim=(-1.8, 3.2),
        xticks=(-4, 0, 4),
        yticks=range(-1, 4),
    )
    ax.grid(True)
for ax in axes.flat[len(names) :]:
    ax.remove()
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="lower right", fontsize=11)
for ax in axes[-1, :2]:
    ax.set_xlabel("z")

# %%
# Softmax
# -------
#
# Some activations depend on all outputs of a layer together. Softmax turns a row of numbers into probabilities. Its derivative is a matrix:
#
# .. math::
#
#    p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad
#    \frac{\partial p_i}{\partial z_j} = p_i\,([i = j] - p_j), \qquad
#    \frac{\partial E}{\partial z_i} = p_i \Big( \frac{\partial E}{\partial p_i} - \sum_j p_j \frac{\partial E}{\partial p_j} \Big)

softmax = nn.get("activations", "softmax")()
p = softmax.forward(np.array([[1.0, 2.0, 4.0]]))
jacobian = np.diag(p[0]) - np.outer(p[0], p[0])
d_p = np.array([[0.5, -1.0, 2.0]])  # any ∂E/∂p
assert np.isclose(p.sum(), 1)
assert np.allclose(softmax.backward(p, p, d_p), d_p @ jacobian)
print("p =", p.round(3), " sum:", p.sum())

# %%
# Vanishing gradients
# -------------------
#
# The sigmoid's derivative is at most 1/4. In a network of eight layers, seven such factors multiply the error of the first layer: at best
# :math:`4^{-7} \approx 6 \cdot 10^{-5}`. This measures it for a batch of handwritten digits, before training:

X_train, y_train, X_test, y_test = load_digits_split()
X_train, X_test = (
    X_train.reshape(-1, 64) / 16,
    X_test.reshape(-1, 64) / 16,
)


def deep_network(activation):
    hidden = [nn.Dense(32, activation=activation) for _ in range(7)]
    network = nn.Sequential(*hidden, nn.Dense(10))
    return network.build(64, loss="softmax_cross_entropy", rng=0)


X_batch, y_batch = X_train[:256], y_train[:256]
network = deep_network("sigmoid")
display = GradientHistogramDisplay.from_network(
    network, X_batch, y_batch
)
print(f"first layer / last layer: {display.ratio:.1e}")
print(f"a factor of {display.ratio ** (-1 / 7):.1f} with every layer")
assert display.ratio < 1e-4

# %%
# Each row of :class:`nncore.displays.GradientHistogramDisplay` is a layer, the first at the top. From the bottom upwards the gradients
# become smaller. Each layer divides them by more than 4, which is the factor of the sigmoid's derivative alone.
#
# The derivative of a ReLU is 1 where it is active. Its initial weights are larger, to make up for inactive units
# (:doc:`plot_08_initial_values`):

network = deep_network("relu")
display = GradientHistogramDisplay.from_network(
    network, X_batch, y_batch
)
print(f"first layer / last layer: {display.ratio:.2f}")
assert 0.1 < display.ratio < 10

# %%
# Layer by layer, by name
# -----------------------
#
# :func:`nncore.inspection.gradients` returns the same numbers as arrays. The figure compares all activations. Each network then trains for
# twenty epochs.

sizes, accuracies = {}, {}
options = {
    "optimizer": nn.Momentum(lr=0.01),
    "epochs": 20,
    "batch_size": 32,
}
print("           first layer  test accuracy")
chosen = ("sigmoid", "softplus", "tanh", "leaky_relu", "gelu", "relu")
for name in chosen:
    network = deep_network(name)
    found = gradients(network, X_batch, y_batch)
    weights = [found[f"dense_{layer}.weight"] for layer in range(1, 9)]
    sizes[name] = [np.abs(gradient).mean() for gradient in weights]
    network.fit(X_train, y_train, rng=0, progress=False, **options)
    accuracies[name] = network.evaluate(X_test, y_test)["accuracy"]
    print(f"{name:10} {sizes[name][0]:11.1e}  {accuracies[name]:13.3f}")

figure, ax = plt.subplots(figsize=(7, 4))
for (name, size), marker in zip(sizes.items(), "osD^vP", strict=True):
    ax.semilogy(range(1, 9), size, marker=marker, label=name)
ax.set(
    xlabel="layer",
    ylabel="mean |gradient| of the weights",
    title="Before training: what reaches each layer",
)
ax.grid(True)
ax.legend()

assert accuracies["sigmoid"] < 0.2 < 0.9 < accuracies["relu"]

# %%
# With the same data, optimizer and number of epochs, the network of sigmoids is no better than guessing. The gradients of its first layers
# are too small. Better initial weights help too, and so does :doc:`batch normalization <plot_09_batch_normalisation>`.
#
# Further reading:
#
# - Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991, first described vanishing gradients.
# - Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, measured them this way.
# - Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
