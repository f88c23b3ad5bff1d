r"""
Backpropagation, step by step
=============================

Backpropagation [1]_ computes the gradient of a loss with respect to all weights in one pass forward and one backward. It computes each
factor once, although many derivatives share it, as in the :doc:`network for XOR <plot_03_two_layers>`. This page shows each step in NumPy
and in nncore.
"""

# %%
# The network
# -----------
#
# The network has two inputs, hidden layers of three and two units, and one output: :math:`L = 3` layers. A sample is a row.
# :math:`W^{(l)}` has a row for each input of layer :math:`l` and a column for each unit.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn

plt.style.use("nncore.displays.style")

X = np.array([[0.5, -1.0], [1.5, 0.3], [-0.7, 0.8], [0.2, 1.1]])
Y = np.array([[0.2], [0.9], [0.1], [0.6]])

net = nn.Sequential(
    nn.Dense(3, activation="tanh"),
    nn.Dense(2, activation="tanh"),
    nn.Dense(1, activation="sigmoid"),
)
settings = {"loss": "half_mse", "rng": 0, "dtype": "float64"}
net.build(2, optimizer=nn.SGD(lr=0.5), **settings)

parameters = net.named_parameters()
for name, tensor in parameters.items():
    print(name, tensor.shape)

# Index 0 stays free: layers count from 1 on, as in the formulas.
W = [None, *(parameters[f"dense_{l}.weight"] for l in (1, 2, 3))]
b = [None, *(parameters[f"dense_{l}.bias"] for l in (1, 2, 3))]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def d_tanh(z):
    return 1 - np.tanh(z) ** 2


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


phi = [None, np.tanh, np.tanh, sigmoid]
d_phi = [None, d_tanh, d_tanh, d_sigmoid]

# %%
# Step 1: forward
# ---------------
#
# The forward pass starts with :math:`a^{(0)} = X`. It computes layer after layer and stores all values:
#
# .. math:: z^{(l)} = a^{(l-1)} W^{(l)} + b^{(l)}, \qquad a^{(l)} = \varphi\bigl(z^{(l)}\bigr), \qquad l = 1, \dots, L .

z, a = [None] * 4, [X, None, None, None]
for l in (1, 2, 3):
    z[l] = a[l - 1] @ W[l] + b[l]
    a[l] = phi[l](z[l])

# %%
# In nncore this is :meth:`~nncore.Sequential.forward`. With ``training=True`` it stores what the next step needs.
# :func:`nncore.inspection.activations` shows the layers in between.

from nncore.inspection import activations

output = net.forward(X, training=True)
print(output[:, 0].round(6))
outputs = activations(net, X)

assert np.allclose(output, a[3], rtol=1e-13)
for l in (1, 2, 3):
    assert np.allclose(outputs[f"dense_{l}"], a[l], rtol=1e-13)

# %%
# Step 2: backward
# ----------------
#
# The loss of a sample is :math:`E = \tfrac12 \lVert y - Y \rVert^2`, of a batch the mean over its :math:`N` samples. Let
# :math:`\delta^{(l)}` be the derivative of a sample's loss with respect to :math:`z^{(l)}`, which is called the error of the layer. At
# the output it is
#
# .. math:: \delta^{(L)} = (y - Y) \odot \varphi'\bigl(z^{(L)}\bigr),
#
# and each layer passes its error back to the one before, through the same weights:
#
# .. math:: \delta^{(l-1)} = \bigl( \delta^{(l)} W^{(l)\top} \bigr) \odot \varphi'\bigl(z^{(l-1)}\bigr) .

delta = [None] * 4
delta[3] = (a[3] - Y) * d_phi[3](z[3])
for l in (3, 2):
    delta[l - 1] = (delta[l] @ W[l].T) * d_phi[l - 1](z[l - 1])

for l in (3, 2, 1):
    print(f"δ of layer {l}, a row for each sample:")
    print(delta[l].round(5), "\n")

# %%
# Each weight connects one :math:`a` with one :math:`z`, so its derivative is a product of two known numbers:
#
# .. math::
#
#    \frac{\partial E}{\partial W^{(l)}} = \frac{1}{N}\, a^{(l-1)\top} \delta^{(l)}, \qquad
#    \frac{\partial E}{\partial b^{(l)}} = \frac{1}{N} \sum_{\text{samples}} \delta^{(l)} .

N = len(X)
d_W = [None, *(a[l - 1].T @ delta[l] / N for l in (1, 2, 3))]
d_b = [None, *(delta[l].sum(axis=0) / N for l in (1, 2, 3))]

# %%
# In nncore this is :meth:`~nncore.Sequential.backward`, which returns the loss. The derivatives are in
# :meth:`~nncore.Sequential.named_gradients`.

loss = net.backward(Y)
print(f"loss: {loss:.6f}\n")
assert np.isclose(loss, 0.5 * ((a[3] - Y) ** 2).sum() / N, rtol=1e-13)

gradients = net.named_gradients()
for name, gradient in gradients.items():
    print(f"{name}:\n{gradient.round(6)}")

for l in (1, 2, 3):
    d_weight = gradients[f"dense_{l}.weight"]
    d_bias = gradients[f"dense_{l}.bias"]
    assert np.allclose(d_weight, d_W[l], rtol=1e-12)
    assert np.allclose(d_bias, d_b[l], rtol=1e-12)

# %%
# The figure shows one sample in the forward and in the backward pass. Blue is positive, orange negative; thick lines are large weights. The
# :math:`\delta` of the first layer are small, because they are products of all factors after it. One more step would give the derivatives
# with respect to the inputs, which training does not need.

from matplotlib.colors import LinearSegmentedColormap

colors = LinearSegmentedColormap.from_list("", ["C1", "white", "C0"])
sizes = [2, 3, 2, 1]


def place(l, i):
    return l, (sizes[l] - 1) / 2 - i


def draw(ax, values, title, arrow):
    for l in (1, 2, 3):
        for (i, j), weight in np.ndenumerate(W[l]):
            ends = np.transpose([place(l - 1, i), place(l, j)])
            color = "C0" if weight > 0 else "C1"
            ax.plot(*ends, color, lw=3 * abs(weight), alpha=0.45)
    for l, n in enumerate(sizes):
        for i in range(n):
            x, y = place(l, i)
            share = values[l][i] / np.abs(values[l]).max()
            fill = colors((share + 1) / 2)
            ax.plot(x, y, "o", color=fill, mec="0.3", markersize=28)
            ink = "white" if abs(share) > 0.7 else "black"
            look = {"color": ink, "ha": "center", "va": "center"}
            ax.text(x, y, f"{values[l][i]:.3f}", fontsize=7, **look)
    direction = {"arrowstyle": arrow, "color": "0.4"}
    ax.annotate("", (2.9, -1.5), (0.1, -1.5), arrowprops=direction)
    ax.set(title=title, xlim=(-0.35, 3.35), ylim=(-1.6, 1.3))
    ax.set_xticks(range(4), ["input", "layer 1", "layer 2", "output"])
    ax.set_yticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.1))
delta[0] = delta[1] @ W[1].T  # the derivatives by the inputs
draw(axes[0], [rows[0] for rows in a], "forward: $a$", "-|>")
draw(axes[1], [rows[0] for rows in delta], r"backward: $\delta$", "<|-")
plt.show()

# %%
# Step 3: update the weights
# --------------------------
#
# Gradient descent moves all weights against their gradient, with the learning rate :math:`\alpha`:
#
# .. math::
#
#    W^{(l)} \leftarrow W^{(l)} - \alpha \frac{\partial E}{\partial W^{(l)}}, \qquad
#    b^{(l)} \leftarrow b^{(l)} - \alpha \frac{\partial E}{\partial b^{(l)}} .
#
# In nncore this is :meth:`~nncore.Sequential.step`. The optimizer has the rule, here :class:`nncore.SGD`.

alpha = 0.5
new_W = [None, *(W[l] - alpha * d_W[l] for l in (1, 2, 3))]
new_b = [None, *(b[l] - alpha * d_b[l] for l in (1, 2, 3))]

net.step()

for l in (1, 2, 3):  # W and b are views of the network's parameters
    assert np.allclose(W[l], new_W[l], rtol=1e-13)
    assert np.allclose(b[l], new_b[l], rtol=1e-13)
new_loss = net.evaluate(X, Y)["loss"]
print(f"loss before the step: {loss:.6f}, after it: {new_loss:.6f}")

# %%
# :meth:`~nncore.Sequential.train_on_batch` does the three steps in one call. :meth:`~nncore.Sequential.fit` repeats them without returning
# to Python.
#
# Check the gradient numerically
# ------------------------------
#
# Finite differences check a gradient, however it was computed. Move one parameter :math:`w_i` by a small :math:`h` to both sides:
#
# .. math:: \frac{\partial E}{\partial w_i} \approx \frac{E(w_i + h) - E(w_i - h)}{2h} .
#
# This estimate has an error of the order of :math:`h^2`. For very small :math:`h` rounding dominates, with an error of the order of
# :math:`1/h`. So the difference to a correct gradient falls to ten digits and rises again. To a wrong gradient it stays large.

net.forward(X, training=True)
net.backward(Y)
gradient = net.gradients.copy()


def central_differences(h):
    differences = np.empty(net.n_parameters)
    for i in range(net.n_parameters):
        value = net.parameters[i]
        net.parameters[i] = value + h
        above = net.evaluate(X, Y)["loss"]
        net.parameters[i] = value - h
        below = net.evaluate(X, Y)["loss"]
        net.parameters[i] = value
        differences[i] = (above - below) / (2 * h)
    return differences


h = np.geomspace(1e-12, 1, 37)
differences = np.array([central_differences(size) for size in h])
wrong = gradient.copy()
wrong[np.abs(gradient).argmax()] *= 1.01

largest = np.abs(gradient).max()
error = np.abs(differences - gradient).max(axis=1) / largest
wrong_error = np.abs(differences - wrong).max(axis=1) / largest
print(f"smallest difference: {error.min():.1e}")
print(f"at h = {h[error.argmin()]:.0e}")
assert error.min() < 1e-9

figure, ax = plt.subplots(figsize=(6.5, 3.6))
ax.loglog(h, error, "o-", ms=4, label="back-propagation")
ax.loglog(h, wrong_error, "s--", ms=4, label="one derivative 1 % off")
ax.set(xlabel="$h$", ylabel="largest difference, relative")
ax.grid(True)
ax.legend(loc="upper center")
plt.show()

# %%
# Block coordinate descent
# ------------------------
#
# Gradient descent changes all parameters in each step. Block coordinate descent changes one block of them at a time, and the blocks take
# turns. In :class:`nncore.BlockCoordinate` a block is a layer or a single tensor. The other parameters keep their exact values.

by_layer = nn.BlockCoordinate(lr=0.5, block="layer")
net.build(2, optimizer=by_layer, **settings)
for turn in range(6):
    now = net.named_parameters()
    before = {name: tensor.copy() for name, tensor in now.items()}
    loss = net.train_on_batch(X, Y)
    moved = [name for name in now if (now[name] != before[name]).any()]
    print(f"loss {loss:.6f}, moved:", *moved)
    block = f"dense_{turn % 3 + 1}"
    assert moved == [f"{block}.weight", f"{block}.bias"]

# %%
# One neuron without an activation has two parameters, a weight and a bias, so its loss can be drawn as a map. Gradient descent follows the
# slope. Block coordinate descent moves along one axis at a time, with right angles between. Both reach the minimum.

rng = np.random.default_rng(0)
inputs = rng.uniform(-0.5, 2.0, (40, 1))
targets = 1.5 * inputs - 0.5 + rng.normal(0, 0.2, (40, 1))


def descend(optimizer, n_steps=60):
    neuron = nn.Sequential(nn.Dense(1))
    neuron.build(1, optimizer=optimizer, **settings)
    neuron.parameters[:] = -1.0, 1.5
    path, losses = [neuron.parameters.copy()], []
    for _ in range(n_steps):
        losses.append(neuron.train_on_batch(inputs, targets))
        path.append(neuron.parameters.copy())
    return np.array(path), np.array(losses)


slope_path, slope_losses = descend(nn.SGD(lr=0.4))
by_tensor = nn.BlockCoordinate(lr=0.4, block="tensor")
block_path, block_losses = descend(by_tensor)
assert (np.diff(slope_losses) <= 0).all()
assert (np.diff(block_losses) <= 0).all()

sides = np.linspace(-1.3, 2.6, 150), np.linspace(-1.4, 2.0, 150)
w, b = np.meshgrid(*sides)
error = w[..., None] * inputs[:, 0] + b[..., None] - targets[:, 0]
height = (error**2).mean(axis=-1) / 2
levels = np.geomspace(height.min() * 1.05, height.max(), 14)

figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.5))
axes[0].contour(w, b, height, levels, colors="0.75", linewidths=0.8)
axes[0].plot(*slope_path.T, "o-", ms=4, label="gradient descent")
axes[0].plot(*block_path.T, "s--", ms=4, label="block by block")
axes[0].set(xlabel="weight", ylabel="bias", title="the way down")
axes[0].legend(loc="upper right")
axes[1].semilogy(slope_losses, "-")
axes[1].semilogy(block_losses, "--")
axes[1].set(xlabel="step", ylabel="loss", title="the loss")
axes[1].grid(True)
plt.show()

# %%
# The next page shows what :math:`\varphi'` does to the gradients of many layers: :doc:`plot_06_activations`.
#
# References
# ----------
#
# .. [1] Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
