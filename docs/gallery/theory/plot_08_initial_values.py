r"""
Weight initialization
=====================

Initial weights are random: if they were equal, all units of a layer would learn the same. Their variance decides whether signals and
gradients grow, shrink or keep their size in a deep network. This page compares the common initializers.
"""

# %%
# Uniform weights between -1/√n and 1/√n
# --------------------------------------
#
# A sigmoid or tanh is steep near 0 and flat elsewhere, so :math:`z = w^\top x + b` should start near 0. Take :math:`n` inputs of mean 0
# and variance 1. Uniform weights and biases then give :math:`z` a variance of about one third:
#
# .. math::
#
#    \begin{aligned}
#    w, b &\sim U\!\left(-\tfrac{1}{\sqrt n}, \tfrac{1}{\sqrt n}\right)
#    \;\Rightarrow\; \operatorname{Var}(w) = \frac{1}{3n} \\[0.5em]
#    \operatorname{Var}(z) &= n \cdot \frac{1}{3n} + \frac{1}{3n} = \frac13 + \frac1{3n}
#    \end{aligned}

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split
from nncore.inspection import activations, gradients

plt.style.use("nncore.displays.style")

rng = np.random.default_rng(0)
figure, ax = plt.subplots(figsize=(6.4, 3.4))
for n in (4, 64, 1024):
    uniform = {
        "weight_initializer": "uniform_fan_in",
        "bias_initializer": "uniform_fan_in",
    }
    layer = nn.Dense(2000, **uniform)
    network = nn.Sequential(layer).build(n, rng=0)
    z = network.predict(rng.normal(size=(200, n)))
    expected = 1 / 3 + 1 / (3 * n)
    print(f"n = {n:4}: Var(z) = {z.var():.3f}, expected {expected:.3f}")
    assert np.isclose(z.var(), expected, rtol=0.1)

side = np.linspace(-3, 3, 301)
bell = np.exp(-1.5 * side**2) * np.sqrt(1.5 / np.pi)
bins = np.linspace(-3, 3, 121)
ax.hist(
    z.ravel(), bins, density=True, color="C5", label="z of 1024 inputs"
)
ax.plot(side, bell, color="C0", label="normal with variance 1/3")
ax.plot(
    side,
    1 - np.tanh(side) ** 2,
    "--",
    color="C1",
    label="derivative of tanh",
)
ax.set(xlabel="z", ylabel="density", title="Where tanh is steep")
ax.legend()

# %%
# LeCun, Xavier and He: the variance of a layer's outputs
# -------------------------------------------------------
#
# The outputs :math:`a^{(l)} = \varphi(W a^{(l-1)})` are the inputs of the next layer. So each layer multiplies the mean square by a factor.
# For independent weights of mean 0
#
# .. math::
#
#    \mathbb{E}\big[(a^{(l)})^2\big] = c \; n \operatorname{Var}(w) \; \mathbb{E}\big[(a^{(l-1)})^2\big]
#
# with :math:`c = 1` for linear layers. ReLUs set half of the values to 0, so :math:`c = \tfrac12`. The initializers differ in
# :math:`n \operatorname{Var}(w)`. A layer has :math:`n` inputs and :math:`m` outputs:
#
# ===================================================  ================================================  ============
# initializer                                          weights                                           from
# ===================================================  ================================================  ============
# ``uniform_fan_in``                                   :math:`U(\pm 1/\sqrt n)`                          [1]_
# ``xavier_notes``                                     :math:`N(0, 1/n)`                                 [2]_
# ``glorot_uniform``, ``glorot_normal``                variance :math:`2/(n + m)`                        [2]_
# ``he_uniform``, ``he_normal``                        variance :math:`2/n`                              [3]_
# ``orthogonal``                                       a random rotation: all singular values 1          [4]_
# ``random_walk``                                      :math:`N(0, g^2/n)`, :math:`g` by the width       [5]_
# ``lsuv``, ``data_dependent``                         scaled until real data has variance 1             [6]_ [7]_
# ===================================================  ================================================  ============
#
# This measures the factor of each layer in a network of fifty layers:

WIDTH, DEPTH = 128, 50
inputs = rng.normal(size=(64, WIDTH))


def deep_network(initializer, activation):
    values = {
        "weight_initializer": initializer,
        "bias_initializer": "zeros",
    }
    layers = [
        nn.Dense(WIDTH, activation, **values) for _ in range(DEPTH)
    ]
    return nn.Sequential(*layers).build(
        WIDTH, loss="half_mse", rng=0, batch=inputs
    )


def strengths(network):
    """Mean square of the outputs of every layer."""
    outputs = activations(network, inputs).values()
    return np.array(
        [np.mean(np.square(a, dtype=np.float64)) for a in outputs]
    )


Xavier = nn.get("initializers", "xavier_notes")
expected = {
    "uniform_fan_in": 1 / 3,
    "xavier_notes": 1,
    "glorot_uniform": 1,
    "he_normal": 2,
    Xavier(gain=2.0): 4,
}
print("initializer            n·Var(w)  linear   ReLU")
for initializer, factor in expected.items():
    per_layer = []
    for activation in ("identity", "relu"):
        strength = strengths(deep_network(initializer, activation))
        per_layer.append(
            (strength[-1] / strength[0]) ** (1 / (DEPTH - 1))
        )
    columns = "".join(
        f"{number:8.3f}" for number in (factor, *per_layer)
    )
    print(f"{initializer!s:23}{columns}")
    assert np.allclose(per_layer, [factor, factor / 2], rtol=0.08)

# %%
# Use :math:`N(0, 1/n)` for layers that are nearly linear, and He's :math:`N(0, 2/n)` for ReLUs. Some lecture code multiplies the weights of
# :math:`N(0, 1/n)` by 2, which is ``gain=2.0`` here. The mean square then grows fourfold with each linear layer.
#
# Random weights keep the length on average. Orthogonal weights keep it exactly, because they only rotate:

length = np.sqrt(strengths(deep_network("orthogonal", "identity")))
print(
    f"orthogonal, linear: {length[-1] / length[0]:.6f} of the length is left"
)
assert np.isclose(length[-1], length[0], rtol=1e-5)

# %%
# Signals and gradients in fifty layers
# -------------------------------------
#
# The gradient passes the transposed matrices, so its factor is :math:`m \operatorname{Var}(w)` for :math:`m` outputs. Glorot and Bengio
# therefore take the mean of :math:`n` and :math:`m`. The figure shows the gradient of the biases for a single sample, which is the error
# of the layer: :math:`\partial E / \partial b^{(l)} = \delta^{(l)}`.
#
# With ReLUs, the orthogonal weights get a gain of :math:`\sqrt2`, since half of the values become 0. LSUV measures the scale on a batch.

Orthogonal = nn.get("initializers", "orthogonal")
schemes = {
    "uniform, 1/√n": "uniform_fan_in",
    "Xavier, N(0, 1/n)": "xavier_notes",
    "the same with gain 2": Xavier(gain=2.0),
    "He": "he_normal",
    "orthogonal": "orthogonal",
    "LSUV": "lsuv",
}


def errors(network):
    """Mean square of δ of every layer, for single samples; the last one's is 1."""
    squares = np.zeros(DEPTH)
    for i in range(8):
        found = gradients(network, inputs[[i]], np.zeros((1, WIDTH)))
        deltas = [
            found[f"dense_{layer}.bias"]
            for layer in range(1, DEPTH + 1)
        ]
        squares += np.mean(np.square(deltas, dtype=np.float64), axis=1)
    return squares / squares[-1]


measured = {}
figure, axes = plt.subplots(
    2, 2, figsize=(9, 6.6), sharex=True, sharey="row"
)
for column, activation in enumerate(("tanh", "relu")):
    for index, (label, initializer) in enumerate(schemes.items()):
        if label == "orthogonal" and activation == "relu":
            initializer = Orthogonal(gain=np.sqrt(2))
        network = deep_network(initializer, activation)
        measured[label, activation] = (
            strengths(network),
            errors(network),
        )
        style = {"marker": "osD^vP"[index], "label": label}
        for row, values in enumerate(measured[label, activation]):
            apart = (7 * index % 11, 11)  # markers of different lines
            axes[row, column].semilogy(values, markevery=apart, **style)
axes[0, 0].set(
    title="tanh",
    ylabel="mean square of the outputs",
    ylim=(1e-12, 1e12),
)
axes[0, 1].set(title="ReLU")
axes[1, 0].set(
    xlabel="layer", ylabel="mean square of δ", ylim=(1e-20, 1e20)
)
axes[1, 1].set(xlabel="layer")
for ax in axes.flat:
    ax.grid(True)
handles, labels = axes[0, 0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3)

he = measured["He", "relu"]
print(
    f"He, ReLU: strength {he[0][0]:.2f} in layer 1, {he[0][-1]:.2f} in layer 50"
)
assert 0.1 < he[0][-1] / he[0][0] < 10
assert 0.01 < he[1][0] < 100
assert measured["uniform, 1/√n", "relu"][0][-1] < 1e-30

# %%
# With tanh, weights that are too large let only the gradients explode. The outputs cannot exceed 1; they saturate where tanh is flat. LSUV
# gives each layer a variance of 1 before its activation:

network = deep_network("lsuv", "relu")
layers = activations(network, inputs)
before = inputs
for name, output in layers.items():
    z = before @ network.named_parameters()[f"{name}.weight"]
    assert abs(z.var() - 1) < 0.1  # the paper's tolerance
    before = output
print(
    f"LSUV: variance before the activation of layer {len(layers)}: {z.var():.3f}"
)

# %%
# Random walk initialization of narrow, very deep networks
# --------------------------------------------------------
#
# With :math:`n \operatorname{Var}(w) = 1` the mean square of the gradient's norm stays the same, but a typical gradient shrinks. A few
# large ones make up the mean. The mean logarithm of the norm falls by about :math:`1/(2n)` a layer. Random walk initialization multiplies
# the weights by :math:`g = e^{1/(2n)}` to correct this. This compares both on 200 linear networks with 100 layers of 8 units:

RandomWalk = nn.get("initializers", "random_walk")


def log_norms(initializer, n=8, depth=100, n_networks=200):
    delta = np.full((n_networks, n), 1 / np.sqrt(n))
    for _ in range(depth):
        draws = [
            initializer.sample(rng, (n, n), n, n)
            for _ in range(n_networks)
        ]
        weights = np.stack(draws)
        delta = np.einsum("ki,kji->kj", delta, weights)
    return np.log10(np.linalg.norm(delta, axis=1))


plain, walk = (
    log_norms(Xavier()),
    log_norms(RandomWalk(activation="linear")),
)
for name, logs in (("N(0, 1/n)", plain), ("random walk", walk)):
    print(
        f"{name:11} log₁₀ of the norm: {logs.mean():5.2f} ± {logs.std():.2f}"
    )
assert plain.mean() < -2
assert abs(walk.mean()) < 0.6

# %%
# Train with each initializer
# ---------------------------
#
# Networks of thirty ReLU layers learn handwritten digits, in 25 epochs of gradient descent with momentum.

X_train, y_train, X_test, y_test = load_digits_split()
X_train, X_test = (
    X_train.reshape(-1, 64) / 16,
    X_test.reshape(-1, 64) / 16,
)
options = {
    "loss": "softmax_cross_entropy",
    "optimizer": nn.Momentum(lr=0.005),
    "schedule": "cosine",
    "epochs": 25,
    "batch_size": 32,
    "rng": 0,
    "progress": False,
}
accuracies = {}
for label, initializer in schemes.items():
    if label == "the same with gain 2":
        continue  # its outputs would begin thousands of times too large
    if label == "orthogonal":
        initializer = Orthogonal(gain=np.sqrt(2))
    layers = [
        nn.Dense(64, "relu", weight_initializer=initializer)
        for _ in range(30)
    ]
    network = nn.Sequential(*layers, nn.Dense(10))
    network.fit(X_train, y_train, **options)
    accuracies[label] = network.evaluate(X_test, y_test)["accuracy"]
    print(f"{label:20} test accuracy {accuracies[label]:.3f}")
assert accuracies["uniform, 1/√n"] < 0.2
assert min(accuracies["He"], accuracies["orthogonal"]) > 0.7

# %%
# By default, the activation of a :class:`nncore.Dense` layer chooses the initializer: a normal distribution of variance :math:`1/n`. A last
# layer without activation starts with smaller weights, ``uniform_fan_in``.
#
# .. [1] LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998.
# .. [2] Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010. The paper proposes
#    :math:`2/(n + m)`. Many courses call :math:`N(0, 1/n)` Xavier initialization, after the first author.
# .. [3] He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015.
# .. [4] Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.
# .. [5] Sussillo & Abbott, "Random walk initialization for training very deep feedforward networks", 2014.
# .. [6] Mishkin & Matas, "All you need is a good init", 2015.
# .. [7] Krähenbühl, Doersch, Donahue & Darrell, "Data-dependent initializations of convolutional neural networks", 2015.
