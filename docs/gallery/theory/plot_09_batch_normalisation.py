r"""
Batch normalization
===================

Batch normalization [1]_ gives each feature of a layer mean 0 and variance 1 in every batch, between the linear part and the activation.
Good initial weights do this too, but only at the start of training.
"""

# %%
# Forward
# -------
#
# For a batch of :math:`m` rows, feature by feature,
#
# .. math::
#
#    \begin{aligned}
#    \mu_B &= \frac1m \sum_i x_i, \\[0.5em]
#    \sigma_B^2 &= \frac1m \sum_i (x_i - \mu_B)^2, \\[0.5em]
#    \hat x_i &= \frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}}, \\[0.5em]
#    y_i &= \gamma \hat x_i + \beta .
#    \end{aligned}
#
# The scale :math:`\gamma` and the shift :math:`\beta` are learned, so that the layer can undo the normalisation where that helps.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split
from nncore.inspection import activations

plt.style.use("nncore.displays.style")


def normalise(x, epsilon=1e-5):
    mu, variance = (
        x.mean(axis=0),
        ((x - x.mean(axis=0)) ** 2).mean(axis=0),
    )
    sigma = np.sqrt(variance + epsilon)
    return (x - mu) / sigma, sigma


rng = np.random.default_rng(0)
X, Y = rng.normal(3, 2, size=(32, 5)), rng.normal(size=(32, 4))

network = nn.Sequential(nn.Dense(4, use_bias=False), nn.BatchNorm())
network.build(
    5, loss="half_mse", optimizer=nn.SGD(lr=0.1), rng=0, dtype="float64"
)
parameters = network.named_parameters()
W = parameters["dense_1.weight"]
gamma, beta = (
    parameters["batch_norm_1.gamma"],
    parameters["batch_norm_1.beta"],
)
gamma[...], beta[...] = rng.uniform(0.5, 2, 4), rng.normal(size=4)

x = X @ W
x_hat, sigma = normalise(x)
y = gamma * x_hat + beta
assert np.allclose(network.forward(X, training=True), y)
print("mean of x̂:     ", x_hat.mean(axis=0).round(6) + 0)
print("deviation of x̂:", x_hat.std(axis=0).round(4))

# %%
# The linear layer before it needs no bias: :math:`\mu_B` would take it away again.
#
# Backward
# --------
#
# All rows of the batch contribute to :math:`\mu_B` and :math:`\sigma_B`, so the gradient passes through these too. With
# :math:`\delta_i = \partial E / \partial y_i`,
#
# .. math::
#
#    \begin{aligned}
#    \frac{\partial E}{\partial \gamma} &= \sum_i \delta_i \hat x_i, \\[0.5em]
#    \frac{\partial E}{\partial \beta} &= \sum_i \delta_i, \\[0.5em]
#    \frac{\partial E}{\partial x_i} &= \frac{\gamma}{\sqrt{\sigma_B^2 + \varepsilon}}
#    \Big( \delta_i - \frac1m \frac{\partial E}{\partial \beta} - \frac{\hat x_i}{m} \frac{\partial E}{\partial \gamma} \Big).
#    \end{aligned}

network.backward(Y)
found = network.named_gradients()

delta = (y - Y) / len(X)  # of the loss ½‖y − Y‖², a mean over the batch
d_gamma, d_beta = (delta * x_hat).sum(axis=0), delta.sum(axis=0)
d_x = (
    gamma / sigma * (delta - d_beta / len(X) - x_hat * d_gamma / len(X))
)

assert np.allclose(found["batch_norm_1.gamma"], d_gamma)
assert np.allclose(found["batch_norm_1.beta"], d_beta)
assert np.allclose(found["dense_1.weight"], X.T @ d_x)
print("∂E/∂γ =", d_gamma.round(3))

# %%
# The two subtracted terms remove the part of the gradient that would only shift or scale the batch. The loss does not change if the weights
# before a normalization are multiplied by a number, so the gradient is perpendicular to these weights.

d_W = found["dense_1.weight"]
cosine = (W * d_W).sum(axis=0) / np.sqrt(
    (W**2).sum(axis=0) * (d_W**2).sum(axis=0)
)
print(
    f"cosine of the angle between weights and gradient: {np.abs(cosine).max():.5f}"
)
assert np.abs(cosine).max() < 1e-3  # not exactly 0 because of ε

# %%
# Running statistics
# ------------------
#
# A prediction must not depend on the other samples of its batch. During training the layer keeps running statistics,
# :math:`r \leftarrow (1 - \text{momentum})\, r + \text{momentum} \cdot r_B`, and predicts with those.
#
# Some lecture notes have another variant, ``mode="cumulative"``. It normalises by the mean and standard deviation
# of *all samples seen so far*, also in training. One scalar :math:`\gamma` and one :math:`\beta` serve the whole layer, and
# :math:`\varepsilon` is added to the deviation. The gradient takes the statistics as constants. After :math:`n` samples come the next
# :math:`m`:
#
# .. math::
#
#    \begin{aligned}
#    \mu &\leftarrow \frac{n \mu + \sum_i x_i}{n + m}, \\[0.5em]
#    \sigma^2 &\leftarrow \frac{(n - 1)\,\sigma^2 + \sum_i (x_i - \mu_B)^2}{n + m - 1}, \\[0.5em]
#    y_i &= \gamma \, \frac{x_i - \mu}{\sigma + \varepsilon} + \beta, \\[0.5em]
#    \frac{\partial E}{\partial x_i} &= \frac{\gamma \, \delta_i}{\sigma + \varepsilon}.
#    \end{aligned}


class Cumulative:
    n, mu, sigma = 0, 0.0, 0.0

    def see(self, x):
        n, m = self.n, len(x)
        self.mu = (n * self.mu + x.sum(axis=0)) / (n + m)
        squares = ((x - x.mean(axis=0)) ** 2).sum(axis=0)
        self.sigma = np.sqrt(
            (max(n - 1, 0) * self.sigma**2 + squares) / (n + m - 1)
        )
        self.n = n + m


by_hand = Cumulative()
cumulative = nn.Sequential(nn.BatchNorm(mode="cumulative"))
cumulative.build(4, loss="half_mse", rng=0, dtype="float64")
for _ in range(10):
    batch = rng.normal(2, 3, size=(16, 4))
    by_hand.see(batch)
    y = (batch - by_hand.mu) / (by_hand.sigma + 1e-4)
    assert np.allclose(cumulative.forward(batch, training=True), y)
for name, values in cumulative.named_buffers().items():
    print(name, values.round(2))

# %%
# Which statistics are better? Here the inputs of both layers change suddenly, as they do when earlier layers learn. The running mean adapts
# within about :math:`1/\text{momentum}` batches and stays a little noisy. The cumulative mean becomes less noisy with each batch, but
# adapts ever more slowly.

means = {}
for mode in ("batch", "cumulative"):
    layer = nn.Sequential(nn.BatchNorm(mode=mode)).build(
        1, loss="half_mse", rng=0
    )
    source = np.random.default_rng(1)
    track = []
    for step in range(200):
        inputs = source.normal(0 if step < 100 else 2, 2, size=(32, 1))
        layer.forward(inputs, training=True)
        track.append(layer.named_buffers()["batch_norm_1.mean"].item())
    means[mode] = np.array(track)

figure, ax = plt.subplots(figsize=(7, 3.4))
ax.plot(
    [0, 100, 100, 200], [0, 0, 2, 2], "C6-", label="mean of the inputs"
)
ax.plot(means["batch"], color="C0", label='mode="batch"')
ax.plot(
    means["cumulative"], "--", color="C1", label='mode="cumulative"'
)
ax.set(xlabel="batches of 32", ylabel="mean that the layer keeps")
ax.set_title("Inputs that move")
ax.grid(True)
ax.legend()

for mode, track in means.items():
    print(f"{mode:10} 50 batches after the move to 2: {track[150]:.2f}")
assert abs(means["batch"][150] - 2) < 0.3
assert means["cumulative"][150] < 1
assert means["cumulative"][50:100].std() < means["batch"][50:100].std()

# %%
# Effect on training
# ------------------
#
# The gradients of six hidden layers of sigmoids :doc:`vanish <plot_06_activations>`, so the network learns nothing in twenty epochs at any
# learning rate. With batch normalization it learns at rates that differ by a factor of 100.

X_train, y_train, X_test, y_test = load_digits_split()
X_train, X_test = (
    X_train.reshape(-1, 64) / 16,
    X_test.reshape(-1, 64) / 16,
)
options = {
    "loss": "softmax_cross_entropy",
    "schedule": "cosine",
    "epochs": 20,
    "batch_size": 50,
    "rng": 0,
    "progress": False,
}


def train(mode, rate):
    layers = []
    for _ in range(6):
        layers.append(nn.Dense(32, use_bias=mode is None))
        if mode:
            layers.append(nn.BatchNorm(mode=mode))
        layers.append(nn.ActivationLayer("sigmoid"))
    network = nn.Sequential(*layers, nn.Dense(10))
    network.fit(X_train, y_train, optimizer=nn.SGD(lr=rate), **options)
    return network


rates = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
modes = {
    "without": None,
    "batch norm": "batch",
    "cumulative variant": "cumulative",
}
networks, accuracies = {}, {}
print("learning rate       ", *(f"{rate:5g}" for rate in rates))
for label, mode in modes.items():
    trained = networks[label] = [train(mode, rate) for rate in rates]
    scores = [
        network.evaluate(X_test, y_test)["accuracy"]
        for network in trained
    ]
    accuracies[label] = scores
    print(f"{label:20}", *(f"{score:.3f}" for score in scores))
assert (
    max(accuracies["without"])
    < 0.2
    < 0.9
    < max(accuracies["batch norm"])
)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for (label, scores), style in zip(
    accuracies.items(), ("^:", "o-", "s--"), strict=True
):
    left.semilogx(rates, scores, style, label=label)
left.set(
    xlabel="learning rate",
    ylabel="test accuracy after 20 epochs",
    ylim=(0, 1.02),
)
left.set_title("Six layers of sigmoids")
left.grid(True)
left.legend()
for label, style in (("without", "C0^:"), ("batch norm", "C1o-")):
    trained = networks[label][rates.index(0.3)]
    outputs = activations(trained, X_test[:500], training=True)
    layers = [outputs[f"activation_{layer}"] for layer in range(1, 7)]
    spread = [values.std(axis=0).mean() for values in layers]
    right.semilogy(range(1, 7), spread, style, label=label)
right.set(
    xlabel="layer of sigmoids",
    ylabel="deviation of a unit over the images",
)
right.set_title("What is left of the differences between images")
right.grid(True)
right.legend()

# %%
# Without normalization the last layer of sigmoids has nearly the same outputs for every image. See :class:`nncore.BatchNorm` for all
# options; :class:`nncore.LayerNorm` normalises each sample by itself, which suits small batches.
#
# .. [1] Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift", 2015.
