r"""
Loss functions, regularization and overfitting
==============================================

The loss measures how wrong a prediction is. This page shows losses for classes, real numbers and counts. It then shows weight decay, and
fits that are too simple, right, and too close.
"""

# %%
# Softmax and cross-entropy
# -------------------------
#
# A classifier's last layer gives one number :math:`z_k`, a logit, for each class. Softmax turns the logits into probabilities. The
# cross-entropy is the negative logarithm of the true class's probability:
#
# .. math::
#
#    \begin{aligned}
#    p_k &= \frac{e^{z_k}}{\sum_j e^{z_j}}, \\[0.5em]
#    E &= -\sum_k Y_k \log p_k = \log \sum_j e^{z_j} - z_{\text{true}}, \\[0.5em]
#    \frac{\partial E}{\partial z} &= p - Y .
#    \end{aligned}
#
# One function for both is simpler and numerically stable: it subtracts the largest :math:`z` first, so no exponential overflows.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.displays import ValidationCurveDisplay

plt.style.use("nncore.displays.style")


def cross_entropy(z, true):
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    Y = np.eye(z.shape[1])[true]
    return np.log(np.exp(z).sum(axis=1)) - z[
        np.arange(len(z)), true
    ], p - Y


rng = np.random.default_rng(0)
z, true = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
loss = nn.SoftmaxCrossEntropy()
E, d_z = cross_entropy(z, true)
assert np.allclose(loss.forward(z, true), E)
assert np.allclose(loss.backward(z, true), d_z)

extreme = np.array([[1e4, -1e4, 0.0]])
right, wrong = (
    loss.forward(extreme, np.array([label])).item() for label in (0, 1)
)
print(
    f"logits of ±10⁴: the loss is {right} if they are right, {wrong} if not"
)
assert (right, wrong) == (0, 20000)

# %%
# :class:`nncore.SoftmaxCrossEntropy` takes class numbers or rows of probabilities (:math:`Y` one-hot, or not).
# :class:`nncore.BinaryCrossEntropy` is the same for one yes or no, :class:`nncore.CrossEntropy` for outputs that are probabilities already.
#
# Regression losses
# -----------------
#
# Let :math:`d = y - Y` be the error of a prediction:
#
# .. math::
#
#    \begin{aligned}
#    \text{half MSE:}\quad & \tfrac12 d^2 \qquad \text{the mean is best} \\[0.5em]
#    \text{MAE:}\quad & |d| \qquad \text{the median is best} \\[0.5em]
#    \text{Huber:}\quad & \tfrac12 d^2 \text{ where } |d| \le \delta \text{, else } \delta\,(|d| - \tfrac12 \delta) \\[0.5em]
#    \text{quantile:}\quad & (1 - q)\,d \text{ where } d > 0 \text{, else } -q\,d \qquad \text{the } q\text{-quantile is best}
#    \end{aligned}
#
# The derivative is the weight of an error in training. It grows with the error, is constant, or differs between the two sides.

d = np.linspace(-3, 3, 301).reshape(-1, 1)
shown = {
    "half MSE": nn.HalfMSE(),
    "MAE": nn.MAE(),
    "Huber, δ = 1": nn.Huber(delta=1.0),
    "quantile, q = 0.9": nn.Quantile(quantiles=0.9),
}
by_hand = {
    "half MSE": d**2 / 2,
    "MAE": np.abs(d),
    "Huber, δ = 1": np.where(np.abs(d) <= 1, d**2 / 2, np.abs(d) - 0.5),
    "quantile, q = 0.9": np.where(d > 0, 0.1 * d, -0.9 * d),
}

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
for (name, loss), style in zip(
    shown.items(), ("-", "--", "-.", ":"), strict=True
):
    assert np.allclose(loss.forward(d, 0 * d), by_hand[name].ravel())
    axes[0].plot(d, loss.forward(d, 0 * d), style, label=name)
    axes[1].plot(d, loss.backward(d, 0 * d), style)
axes[0].set(xlabel="d = y − Y", ylim=(-0.1, 3.2), title="Loss")
axes[1].set(xlabel="d = y − Y", ylim=(-2.2, 2.2), title="Derivative")
for ax in axes:
    ax.grid(True)
axes[0].legend(loc="upper center")

# %%
# Three tasks show when to use which. In the first, one measurement in ten is an outlier. They have little effect on the Huber loss [1]_:


def fit(X, Y, loss, n_outputs=1):
    network = nn.Sequential(
        nn.Dense(32, activation="tanh"), nn.Dense(n_outputs)
    )
    options = {
        "optimizer": nn.Adam(lr=0.01),
        "schedule": "cosine",
        "epochs": 200,
    }
    network.fit(
        X, Y, loss=loss, batch_size=50, rng=0, progress=False, **options
    )
    return network


X = rng.uniform(-1, 1, (400, 1))
grid = np.linspace(-1, 1, 201).reshape(-1, 1)
truth = np.sin(3 * grid)

with_outliers = np.sin(3 * X) + rng.normal(0, 0.1, X.shape)
with_outliers[rng.random(X.shape) < 0.1] += 4
fits, errors = {}, {}
for name, loss in (
    ("half MSE", nn.HalfMSE()),
    ("Huber", nn.Huber(delta=0.2)),
):
    fits[name] = fit(X, with_outliers, loss).predict(grid)
    errors[name] = np.sqrt(np.mean((fits[name] - truth) ** 2))
    print(f"{name}: {errors[name]:.3f} from the true curve")
assert errors["Huber"] < errors["half MSE"] / 3

# %%
# In the second, the spread depends on :math:`x`, and the network predicts an interval: three quantiles [2]_ by three outputs.


def scattered(X):
    return np.sin(3 * X) + rng.normal(size=X.shape) * (
        0.1 + 0.3 * np.abs(X)
    )


spread = scattered(X)
network = fit(
    X, spread, nn.Quantile(quantiles=(0.05, 0.5, 0.95)), n_outputs=3
)
quantiles = network.predict(grid)

fresh = rng.uniform(-1, 1, (5000, 1))
answers, measured = network.predict(fresh), scattered(fresh)[:, 0]
inside = np.mean(
    (answers[:, 0] < measured) & (measured < answers[:, 2])
)
print(
    f"{inside:.1%} of new samples are between the outer two; 90 % should be"
)
assert 0.83 < inside < 0.95

# %%
# In the third, the targets are counts. The network predicts the logarithm :math:`z` of a rate, so the rate is never negative. The loss is
# that of the Poisson distribution (:class:`nncore.Poisson`):
#
# .. math:: E = e^z - Y z + \text{(a constant)}, \qquad \frac{\partial E}{\partial z} = e^z - Y

rate = np.exp(1 + 1.5 * np.sin(3 * grid))
counts = rng.poisson(np.exp(1 + 1.5 * np.sin(3 * X))).astype(float)
found_rate = fit(X, counts, "poisson").predict_proba(grid)
off = np.abs(np.log(found_rate / rate)).mean()
print(f"the rate is off by {np.expm1(off):.0%} on average")
assert off < 0.2

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6))
axes[0].plot(grid, fits["half MSE"], "C1--", label="half MSE")
axes[0].plot(grid, fits["Huber"], "C0-", label="Huber")
axes[1].plot(
    grid, quantiles[:, [0, 2]], "C1--", label=["5 % and 95 %", None]
)
axes[1].plot(grid, quantiles[:, 1], "C0-", label="median")
axes[2].plot(grid, rate, "C1--", label="true rate")
axes[2].plot(grid, found_rate, "C0-", label="Poisson")
tasks = {
    "one in ten is wrong": with_outliers,
    "quantiles": spread,
    "counts": counts,
}
for ax, (title, Y) in zip(axes, tasks.items(), strict=True):
    ax.plot(X, Y, ".", color="C6", alpha=0.3, zorder=0)
    ax.set(title=title, xlabel="x")
    ax.legend(loc="upper left")
axes[0].set_ylim(-2, 7)

# %%
# Weight decay
# ------------
#
# Weight decay, also called the L2 penalty, adds the squares of the weights to the loss. Biases are not penalised:
#
# .. math::
#
#    \begin{aligned}
#    L &= E + \tfrac12 \lambda \sum W^2, \\[0.5em]
#    \frac{\partial L}{\partial W} &= \frac{\partial E}{\partial W} + \lambda W, \\[0.5em]
#    \frac{\partial L}{\partial b} &= \frac{\partial E}{\partial b}.
#    \end{aligned}

X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
network = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(1))
network.build(3, loss="half_mse", rng=0, dtype="float64")


def loss_and_gradients(decay):
    network.weight_decay = decay
    network.forward(X, training=True)
    value = network.backward(Y)
    return value, {
        name: g.copy() for name, g in network.named_gradients().items()
    }


E, d_E = loss_and_gradients(0.0)
L, d_L = loss_and_gradients(0.5)
parameters = network.named_parameters()
W1, W2 = parameters["dense_1.weight"], parameters["dense_2.weight"]
penalty = 0.5 * 0.5 * ((W1**2).sum() + (W2**2).sum())
print(f"E = {E:.4f}, ½·λ·ΣW² = {penalty:.4f}, L = {L:.4f}")

assert np.isclose(L, E + penalty)
for name, values in parameters.items():
    expected = 0.5 * values if name.endswith("weight") else 0 * values
    assert np.allclose(d_L[name] - d_E[name], expected)

# %%
# Underfitting and overfitting
# ----------------------------
#
# A network of 10,000 weights learns thirty noisy points with three penalties. Without a penalty it fits the noise; with a large one it is
# nearly a straight line. The learning curves below show the three cases: both losses are high, both are low, or the training loss falls
# while the validation loss rises. The noise alone gives a loss of :math:`\tfrac12 \cdot 0.3^2 = 0.045`.


def sample(n):
    x = rng.uniform(-1, 1, (n, 1))
    return x, np.sin(4 * x) + rng.normal(0, 0.3, x.shape)


train, validation = sample(30), sample(500)


def new_network():
    return nn.Sequential(
        nn.Dense(100, "tanh"), nn.Dense(100, "tanh"), nn.Dense(1)
    )


options = {
    "loss": "half_mse",
    "optimizer": nn.Adam(lr=2e-3),
    "epochs": 1500,
    "progress": False,
}
penalties = {"under-fitting": 0.03, "good": 0.001, "over-fitting": 0.0}
last = {}
print("                λ      training loss  validation loss")
figure, axes = plt.subplots(2, 3, figsize=(10, 6), sharey="row")
for column, (name, decay) in enumerate(penalties.items()):
    network = new_network()
    settings = options | {
        "weight_decay": decay,
        "validation": validation,
        "rng": 0,
    }
    history = network.fit(*train, **settings)
    last[name] = [
        network.evaluate(*data)["loss"] for data in (train, validation)
    ]
    print(
        f"{name:13} {decay:7g} {last[name][0]:14.3f} {last[name][1]:16.3f}"
    )

    fitted, learning = axes[:, column]
    fitted.plot(
        *train, "o", color="C6", markersize=4, label="training data"
    )
    fitted.plot(grid, np.sin(4 * grid), "C1--", label="truth")
    fitted.plot(grid, network.predict(grid), "C0-", label="network")
    fitted.set(
        title=f"{name}, λ = {decay:g}", xlabel="x", ylim=(-2.2, 2.2)
    )
    history.plot(ax=learning)
    learning.legend(fontsize=8, loc="upper right")
    learning.set_xticks(range(0, 1501, 500))
    learning.label_outer()
axes[0, 0].legend()
axes[1, 0].set(yscale="log", ylim=(0.008, 3))

assert (
    last["over-fitting"][0] < last["good"][0] < last["under-fitting"][0]
)
assert last["good"][1] < min(
    last["under-fitting"][1], last["over-fitting"][1]
)

# %%
# :class:`nncore.displays.ValidationCurveDisplay` shows many penalties. The training loss rises with λ, and the validation loss has a
# minimum. The class documents how it decides where the regions of under- and overfitting begin.


def fit_with(decay, seed):
    network = new_network()
    network.fit(*train, weight_decay=decay, rng=seed, **options)
    return network


values = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
display = ValidationCurveDisplay.from_networks(
    fit_with,
    values,
    train=train,
    validation=validation,
    param_name="weight decay λ",
)
display.figure_.suptitle(
    "Ten thousand weights, thirty points", fontsize=10
)
print(dict(zip(display.param_values, display.regions_, strict=True)))
assert display.regions_[0] == "over-fitting"
assert display.regions_[-1] == "under-fitting"

# %%
# The last of the learning curves shows another remedy, early stopping: stop when the validation loss rises. :class:`nncore.EarlyStopping`
# does this and restores the best parameters.

network = new_network()
settings = options | {"validation": validation, "rng": 0}
history = network.fit(
    *train, callbacks=[nn.EarlyStopping(patience=200)], **settings
)
stopped, to_the_end = (
    network.evaluate(*validation)["loss"],
    last["over-fitting"][1],
)
print(history.stop_reason)
print(
    f"validation loss {stopped:.3f}; after all epochs it was {to_the_end:.3f}"
)
assert stopped < to_the_end

# %%
# .. [1] Huber, "Robust estimation of a location parameter", 1964.
# .. [2] Koenker & Bassett, "Regression quantiles", 1978.
#
# Further reading:
#
# - Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990, on softmax.
# - Krogh & Hertz, "A simple weight decay can improve generalization", 1991.
# - Geman, Bienenstock & Doursat, "Neural networks and the bias/variance dilemma", 1992.
