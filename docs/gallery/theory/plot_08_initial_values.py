r"""
Weight initialization
=====================

Initial weights must differ, or all units of a layer learn the same. So they are random. Their variance decides whether signals and
gradients grow, shrink or keep their size on the way through a deep network.
"""

# %%
# Near zero: one third
# --------------------
#
# A sigmoid or tanh is steep near 0 and flat elsewhere, so :math:`z = w^\top x + b` should start near 0. With :math:`n` inputs of mean 0
# and variance 1, and weights of variance :math:`\operatorname{Var}(w)`,
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
# What one layer does to the variance
# -----------------------------------
#
# :math:`a^{(l)} = \varphi(W a^{(l-1)})` is the input of the next layer, so that any factor is applied again and again. For independent
# weights of mean 0
#
# .. math::
#
#    \mathbb{E}\big[(a^{(l)})^2\big] = c \; n \operatorname{Var}(w) \; \mathbb{E}\big[(a^{(l-1)})^2\big]
#
# with :math:`c = 1` for linear layers and :math:`c = \tfrac12` for ReLUs, which drop one half. The proposals differ in
# :math:`n \operatorname{Var}(w)`; :math:`n` is the number of inputs, :math:`m` that of outputs of a layer:
#
# ===================================================  ================================================  ============
# initializer                                          weights                                           from
# ===================================================  ================================================  ============
# ``uniform_fan_in``                                   :math:`U(\pm 1/\sqrt n)`                          [1]_
# ``xavier_notes``                                     :math:`N(0, 1/n)`                                 [2]_
# ``glorot_uniform``, ``glorot_normal``                variance :math:`2/(n + m)`                        [2]_
# ``he_uniform``, ``he_normal``                        variance :math:`2/n`                              [3]_
# ``orthogonal``                                       a random rotation: all singular values 1          [4]_
# ``random_walk``                                      :math:`N(0, g^2/n)`, the gradient's log kept      [5]_
# ``lsuv``, ``data_dependent``                         scaled until real data has variance 1             [6]_ [7]_
# ===================================================  ================================================  ============
#
# Fifty layers, and the factor for each of them, measured:

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
# So :math:`N(0, 1/n)` is right for layers that are nearly linear, and He's :math:`N(0, 2/n)` for ReLUs. The factor 2 that some lecture
# code multiplies :math:`N(0, 1/n)` with, ``gain=2.0`` here, is fourfold growth with every layer.
#
# Rotations are exact instead of right on average:

length = np.sqrt(strengths(deep_network("orthogonal", "identity")))
print(
    f"orthogonal, linear: {length[-1] / length[0]:.6f} of the length is left"
)
assert np.isclose(length[-1], length[0], rtol=1e-5)

# %%
# Signals and gradients in fifty layers
# -------------------------------------
#
# The gradient goes through the same matrices, transposed: its factor is :math:`m \operatorname{Var}(w)` for :math:`m` outputs. That is
# why Glorot takes the mean of :math:`n` and :math:`m`. As :math:`\partial E / \partial b^{(l)} = \delta^{(l)}`, the gradient of the
# biases for a single sample is the error of the layer itself.
#
# With ReLUs the rotations are given a gain of :math:`\sqrt2` for the half that is dropped; LSUV finds the scale by looking at a batch.

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
# With tanh, weights that are too large explode only backwards: forwards tanh ends at 1, and units are driven to where it is flat. LSUV
# keeps its promise, a variance of 1 before every activation:

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
# Narrow and very deep
# --------------------
#
# Even with :math:`n \operatorname{Var}(w) = 1` a typical gradient shrinks. The mean *square* of its norm stays, as a few gradients grow.
# The mean of its *logarithm* falls by about :math:`1/(2n)` a layer. The random walk initialisation multiplies by :math:`g = e^{1/(2n)}`.
# The gradient of 200 linear networks with 100 layers of 8 units:

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
# Handwritten digits, thirty layers of ReLUs, twenty-five epochs of gradient descent with momentum.

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
# A :class:`nncore.Dense` layer takes what its activation asks for if nothing else is said. That is a normal distribution of variance
# :math:`1/n`; the last layer, if it has no activation, begins smaller.
#
# .. [1] LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998.
# .. [2] Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010. Their own proposal is the
#    one with :math:`n + m`; :math:`N(0, 1/n)` goes by the first author's first name in many courses.
# .. [3] He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015.
# .. [4] Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.
# .. [5] Sussillo & Abbott, "Random walk initialization for training very deep feedforward networks", 2014.
# .. [6] Mishkin & Matas, "All you need is a good init", 2015.
# .. [7] Krähenbühl, Doersch, Donahue & Darrell, "Data-dependent initializations of convolutional neural networks", 2015.
