r"""
Mini-batches and feature scaling
================================

Mini-batches and scaled features make training faster with any optimizer. A mini-batch is a step after a few samples instead of all.
Scaling gives all features mean 0 and standard deviation 1.
"""

# %%
# A mini-batch estimates the gradient
# -----------------------------------
#
# The gradient of the loss is a mean over all :math:`N` samples. The mean over a random batch :math:`B` is right on average, and costs
# :math:`|B|/N` of the time:
#
# .. math::
#
#    \begin{aligned}
#    g &= \frac1N \sum_{i=1}^{N} \nabla E_i, \\[0.5em]
#    g_B &= \frac{1}{|B|} \sum_{i \in B} \nabla E_i, \\[0.5em]
#    \mathbb{E}\,\|g_B - g\|^2 &= \frac{\sigma^2}{|B|} \cdot \frac{N - |B|}{N - 1}
#    \end{aligned}
#
# where :math:`\sigma^2` is the mean of :math:`\|\nabla E_i - g\|^2`. Four times the samples halve the error. So a few hundred
# samples give a good estimate of the direction.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split

plt.style.use("nncore.displays.style")

X, y, X_test, y_test = load_digits_split()
X, X_test = X.reshape(-1, 64) / 16, X_test.reshape(-1, 64) / 16
N = len(X)


def new_network():
    network = nn.Sequential(
        nn.Dense(32, activation="tanh"), nn.Dense(10)
    )
    return network.build(
        64,
        loss="softmax_cross_entropy",
        optimizer=nn.SGD(lr=0.1),
        rng=0,
    )


network = new_network()


def gradient(rows):
    network.forward(X[rows], training=True)
    network.backward(y[rows])
    return network.gradients.copy()


rng = np.random.default_rng(0)
g = gradient(np.arange(N))


def mean_square_error(batches):
    return np.mean(
        [np.sum((gradient(rows) - g) ** 2) for rows in batches]
    )


variance = mean_square_error([[i] for i in range(N)])
sizes = np.array([1, 4, 16, 64, 256, 1024])
errors = []
for size in sizes:
    batches = [rng.choice(N, size, replace=False) for _ in range(300)]
    errors.append(mean_square_error(batches))
expected = variance / sizes * (N - sizes) / (N - 1)
for size, error, formula in zip(sizes, errors, expected, strict=True):
    print(
        f"batches of {size:4}: measured {error:8.4f}, expected {formula:8.4f}"
    )
assert np.allclose(errors, expected, rtol=0.2)

# %%
# An epoch in five lines
# ----------------------
#
# Each epoch visits the samples in a new random order. The last batch may be smaller; ``drop_last=True`` leaves it out.


def epoch(network, order, batch_size):
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        network.forward(X[rows], training=True)
        network.backward(y[rows])  # the mean gradient of the batch
        network.step()  # w ← w − lr·g


by_hand = new_network()
for _ in range(5):
    epoch(by_hand, rng.permutation(N), batch_size=50)
print("five epochs by hand:", by_hand.evaluate(X, y))

# %%
# :meth:`nncore.Sequential.fit` is this loop in compiled code. With the same order of samples it gives the same bits:

by_hand, fitted = new_network(), new_network()
epoch(by_hand, np.arange(N), batch_size=50)
fitted.fit(X, y, epochs=1, batch_size=50, shuffle=False, progress=False)
assert np.array_equal(by_hand.parameters, fitted.parameters)

# %%
# How large should a batch be? At a fixed learning rate, many small batches reach a lower loss in one epoch than a few large ones. Large
# batches allow a larger rate and need less time for each sample. Usual sizes are 32 to 256.

curves = {}
for size in (10, 100, N):
    network = new_network()
    options = {
        "epochs": 30,
        "batch_size": size,
        "rng": 0,
        "progress": False,
    }
    loss = curves[size] = network.fit(X, y, **options)["loss"]
    n_steps = network.n_steps
    print(
        f"batches of {size:4}: {n_steps:6} steps, loss {loss[-1]:.3f}"
    )
assert curves[10][-1] < curves[100][-1] < curves[N][-1]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.loglog(sizes, expected, color="C6", label="the formula")
left.loglog(sizes, errors, "o", color="C0", label="300 random batches")
left.set(
    xlabel="samples in a batch",
    ylabel=r"mean $\|g_B - g\|^2$",
    title="How far a batch's gradient is off",
)
for (size, loss), style in zip(
    curves.items(), ("-", "--", ":"), strict=True
):
    label = "all samples" if size == N else f"batches of {size}"
    right.semilogy(np.arange(1, 31), loss, style, label=label)
right.set(
    xlabel="epoch", ylabel="training loss", xticks=range(0, 31, 5)
)
right.set_title("Same learning rate, same passes over the data")
for ax in (left, right):
    ax.grid(True)
    ax.legend()

# %%
# Standardize the inputs
# ----------------------
#
# The loss of a linear neuron is a quadratic valley with the curvature :math:`H = \frac1N X^\top X`. Features of different scale make it
# long and narrow. The learning rate must suit the steep direction, :math:`\alpha < 2/\lambda_{\max}`, and is then too small for the flat
# one. The condition number :math:`\lambda_{\max}/\lambda_{\min}` measures this. Standardization,
#
# .. math:: x \leftarrow \frac{x - \operatorname{mean}(x)}{\operatorname{std}(x)}
#
# for each feature, makes the valley round.

raw = rng.normal(size=(400, 2)) * [0.5, 3.0]
target = raw @ [[2.0], [-0.4]] + rng.normal(0, 0.1, (400, 1))
normalised = (raw - raw.mean(axis=0)) / raw.std(axis=0)


def descend(inputs, start, n_steps=25):
    """Gradient descent on all samples, near the largest rate that does not diverge."""
    curvature = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))
    descent = nn.SGD(lr=1.7 / curvature.max())
    neuron = nn.Sequential(nn.Dense(1, use_bias=False))
    neuron.build(
        2, loss="half_mse", optimizer=descent, rng=0, dtype="float64"
    )
    neuron.parameters[...] = start
    path = [neuron.parameters.copy()]
    for _ in range(n_steps):
        neuron.train_on_batch(inputs, target)
        path.append(neuron.parameters.copy())
    return np.array(path), curvature.max() / curvature.min()


figure, axes = plt.subplots(1, 2, figsize=(9, 4.2))
distances = []
tables = {"raw features": raw, "normalised features": normalised}
for ax, (name, inputs) in zip(axes, tables.items(), strict=True):
    best = np.linalg.lstsq(inputs, target)[0].ravel()
    path, condition = descend(inputs, best + np.array([-2.0, 0.9]))
    distance = np.linalg.norm(path - best, axis=1)
    distances.append(distance[-1] / distance[0])
    title = f"{name}: condition number {condition:.1f}"
    print(
        f"{title}, {distances[-1]:.1%} of the way left after 25 steps"
    )

    w1, w2 = np.meshgrid(
        np.linspace(-2.4, 2.4, 121), np.linspace(-2, 2, 121)
    )
    w1, w2 = w1 + best[0], w2 + best[1]
    wrong_by = np.stack([w1, w2], axis=-1) @ inputs.T - target.ravel()
    surface = np.mean(wrong_by**2, axis=-1) / 2
    levels = np.geomspace(0.02, 30, 12)
    ax.contour(
        w1, w2, surface, levels, colors="#aaaaaa", linewidths=0.7
    )
    ax.plot(*path.T, "o-", color="C1", markersize=4, linewidth=1.2)
    ax.plot(*best, "*", color="C0", markersize=14)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
assert distances[1] < 1e-3 < 0.1 < distances[0]

# %%
# A mean far from 0 has the same effect. The bias is the weight of a feature that is always 1, and a feature with a large mean resembles it.


def condition_number(features):
    with_ones = np.column_stack([features, np.ones(len(features))])
    return np.linalg.cond(with_ones.T @ with_ones / len(features))


shifted = normalised + np.array([10.0, 0.0])
print(
    f"with a mean of 10: condition number {condition_number(shifted):.0f}"
)
print(
    f"with a mean of 0: condition number {condition_number(normalised):.2f}"
)
assert condition_number(shifted) > 1000

# %%
# Statistics of the training data, and features that never change
# ---------------------------------------------------------------
#
# Use mean and standard deviation of the *training* data for predictions too. The test data must not be known, and a single new sample has
# no standard deviation. Constant features have a standard deviation of 0, and must not be divided by it. Some pixels at the border of these
# digits are constant.

mean, std = X.mean(axis=0), X.std(axis=0)
print("constant pixels:", np.flatnonzero(std == 0))
std[std == 0] = 1

assert np.isfinite((X_test - mean) / std).all()

# %%
# How much does it matter for a network of several layers? Here each pixel gets its own unit, like the columns of a table: kilometres beside
# grams. Each network is trained with the best of six learning rates.

units = 10 ** rng.uniform(-1.5, 1.5, 64)
table, table_test = X * units, X_test * units
mean, std = table.mean(axis=0), table.std(axis=0)
std[std == 0] = 1

options = {
    "loss": "softmax_cross_entropy",
    "schedule": "cosine",
    "epochs": 20,
    "batch_size": 50,
    "rng": 0,
    "progress": False,
}


def train(inputs, inputs_test):
    best = None
    for rate in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        network = nn.Sequential(
            nn.Dense(32, activation="tanh"), nn.Dense(10)
        )
        history = network.fit(
            inputs, y, optimizer=nn.SGD(lr=rate), **options
        )
        if best is None or history["loss"][-1] < best[0][-1]:
            accuracy = network.evaluate(inputs_test, y_test)["accuracy"]
            best = history["loss"], accuracy, rate
    return best


results = {
    "as they are": train(table, table_test),
    "normalised": train(
        (table - mean) / std, (table_test - mean) / std
    ),
}

figure, ax = plt.subplots(figsize=(6.4, 3.6))
for name, style in (("as they are", "--"), ("normalised", "-")):
    loss, accuracy, rate = results[name]
    print(f"features {name}: rate {rate:g}, loss {loss[-1]:.3f}")
    label = f"{name} (test accuracy {accuracy:.1%})"
    ax.semilogy(np.arange(1, 21), loss, style, label=label)
ax.set(
    xlabel="epoch",
    ylabel="training loss",
    xticks=range(0, 21, 5),
    title="Pixels with units of their own",
)
ax.grid(True)
ax.legend()
assert results["normalised"][1] > results["as they are"][1] + 0.02

# %%
# With ``standardize=True``, :class:`nncore.estimators.MLPClassifier` standardizes by itself. It stores the statistics of the training data,
# and handles constant features and missing values.

from nncore.estimators import MLPClassifier

classifier = MLPClassifier(
    (32,), standardize=True, early_stopping=True, random_state=0
)
classifier.fit(table, y)
print("test accuracy:", round(classifier.score(table_test, y_test), 3))

# %%
# Further reading: LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998, on both methods; Robbins & Monro, "A stochastic
# approximation method", 1951, on why steps by noisy gradients converge.
