r"""
Perceptron: algorithm and convergence
=====================================

Rosenblatt's perceptron [1]_ is a neuron for two classes, :math:`y = +1` and :math:`y = -1`, with the sign as activation.
Its learning rule was the first for a neuron. The rule goes through the samples and changes the weights at each mistake:

.. math:: y\,(w^\top x + b) \le 0 \quad\Longrightarrow\quad w \leftarrow w + y\,x, \qquad b \leftarrow b + y.

It stops when a whole pass makes no mistake. A score of exactly 0 counts as a mistake: otherwise nothing would ever move from :math:`w = 0`.
"""

# %%
# The algorithm in NumPy
# ----------------------
#
# This is the algorithm in a few lines. It visits the samples in their order.

import matplotlib.pyplot as plt
import numpy as np

plt.style.use("nncore.displays.style")


def perceptron(X, y):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    while True:
        n_before = len(mistakes)
        for i in range(len(X)):
            if y[i] * (w @ X[i] + b) <= 0:
                w, b = w + y[i] * X[i], b + y[i]
                mistakes.append(i)
        if len(mistakes) == n_before:
            return w, b, mistakes


# %%
# The *augmented* form hides the bias and the class in the samples: with
#
# .. math:: x' = y \begin{bmatrix} x \\ 1 \end{bmatrix}, \qquad w' = \begin{bmatrix} w \\ b \end{bmatrix},
#
# the goal is :math:`w'^\top x' > 0` for all samples, and the rule is :math:`w' \leftarrow w' + x'`.


def augmented_perceptron(X, y):
    augmented = y[:, None] * np.column_stack([X, np.ones(len(X))])
    w, mistakes = np.zeros(augmented.shape[1]), []
    while True:
        n_before = len(mistakes)
        for i, x in enumerate(augmented):
            if w @ x <= 0:
                w = w + x
                mistakes.append(i)
        if len(mistakes) == n_before:
            return w, mistakes


# %%
# :class:`nncore.estimators.Perceptron` runs the same loop in C. By default it begins with small random weights and
# shuffles the samples every epoch. With ``init="zeros"`` and ``shuffle=False`` it makes the same mistakes as the code above.

from nncore.estimators import Perceptron

rng = np.random.default_rng(2)
X = rng.uniform(-1, 1, (60, 2))
distance = X @ [0.6, 0.8] + 0.4
X, y = X[abs(distance) > 0.08], np.sign(distance[abs(distance) > 0.08])

w, b, mistakes = perceptron(X, y)
augmented_w, augmented_mistakes = augmented_perceptron(X, y)
model = Perceptron(init="zeros", shuffle=False, record_updates=True)
model.fit(X, y)

print("samples:", len(X), " epochs:", model.n_iter_)
print("plain form:    ", mistakes)
print("augmented form:", augmented_mistakes)
print("nncore:        ", model.updates_["sample"].tolist())
print("w =", model.coef_[0].round(4), " b =", model.intercept_[0])

assert mistakes == augmented_mistakes
assert mistakes == model.updates_["sample"].tolist()
assert np.allclose(w, model.coef_[0])
assert b == model.intercept_[0]
assert np.allclose(augmented_w, [*w, b])

# %%
# Plot every update
# -----------------
#
# ``updates_`` holds the sample of each update. The weights are sums of these samples, so each line can be drawn again. The dashed line is
# the one before the update, with the ringed sample on its wrong side. The solid line is the one after it; in the third panel it lies
# outside of the picture.

augmented = y[:, None] * np.column_stack([X, np.ones(len(X))])
added = augmented[model.updates_["sample"]]
# The augmented weights after 0, 1, 2, ... updates.
path = np.concatenate([np.zeros((1, 3)), added.cumsum(axis=0)])
assert np.allclose(path[-1], [*w, b])


def draw_line(ax, weights, **style):
    direction, normal = np.array([-weights[1], weights[0]]), weights[:2]
    foot = -weights[2] * normal / (normal @ normal)
    ax.axline(foot, foot + direction, **style)


share = {"sharex": True, "sharey": True}
figure, axes = plt.subplots(3, 5, figsize=(7.5, 5), **share)
for k, ax in enumerate(axes.flat, start=1):
    for label, marker, color in ((-1, "o", "C0"), (1, "s", "C1")):
        ax.scatter(*X[y == label].T, s=14, marker=marker, color=color)
    if k > 1:  # a neuron of zeros has no line
        draw_line(ax, path[k - 1], color="0.5", linestyle="--")
    draw_line(ax, path[k], color="0.2", linewidth=1.8)
    mistake = X[model.updates_["sample"][k - 1]]
    ax.scatter(*mistake, s=110, facecolors="none", edgecolors="black")
    wrong = (augmented @ path[k] <= 0).sum()
    ax.set_title(f"update {k}: {wrong} wrong", fontsize=8)
    ax.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
figure.supxlabel("$x_1$")
figure.supylabel("$x_2$")
plt.show()

# %%
# Convergence theorem
# -------------------
#
# An update can increase the number of mistakes. Even so, Novikoff [2]_ found a bound on the number of updates. Let a unit vector :math:`u`
# separate the augmented samples with a margin :math:`\gamma`, and let none of them be longer than :math:`R`:
#
# .. math:: u^\top x'_i \ge \gamma > 0, \qquad \lVert x'_i \rVert \le R \qquad \text{for all } i.
#
# Start with :math:`w'_0 = 0`, and let :math:`w'_k` be the weights after :math:`k` updates. Each update adds a sample, so
#
# .. math:: u^\top w'_k = u^\top w'_{k-1} + u^\top x' \ge u^\top w'_{k-1} + \gamma \ge k\gamma ,
#
# and each update follows a mistake, :math:`w'^\top_{k-1} x' \le 0`, so
#
# .. math::
#
#    \lVert w'_k \rVert^2 &= \lVert w'_{k-1} \rVert^2 + 2\, w'^\top_{k-1} x' + \lVert x' \rVert^2 \\
#    &\le \lVert w'_{k-1} \rVert^2 + R^2 \le k R^2 .
#
# The projection on :math:`u` grows at least like :math:`k`, the length at most like :math:`\sqrt k`, and a projection is never longer than
# the vector. So :math:`k\gamma \le \sqrt k\, R`, which is
#
# .. math:: k \le \left( \frac{R}{\gamma} \right)^2 .

u = np.array([0.6, 0.8, 0.4])  # the line that divided the samples
u /= np.linalg.norm(u)
gamma = (augmented @ u).min()
R = np.linalg.norm(augmented, axis=1).max()
bound = (R / gamma) ** 2
print(f"R = {R:.3f}, γ = {gamma:.3f}: at most {bound:.0f} updates")
print(f"made were {model.n_updates_}")
assert model.n_updates_ <= bound

k = np.arange(len(path))
projection, length = path @ u, np.linalg.norm(path, axis=1)
chain = np.array([k * gamma, projection, length, np.sqrt(k) * R])
# Each is at least the one before it.
assert (np.diff(chain, axis=0) >= -1e-12).all()

# %%
# The figure shows the four quantities, which keep this order during the whole run. The outer two are the bounds. They meet at
# :math:`(R/\gamma)^2`, so more updates are impossible.

steps = np.array([1, 2 * bound])
figure, ax = plt.subplots(figsize=(6.5, 3.8))
ax.loglog(steps, np.sqrt(steps) * R, "C1--")
ax.loglog(k[1:], length[1:], "C1.-")
ax.loglog(k[1:], projection[1:], "C0.-")
ax.loglog(steps, steps * gamma, "C0--")
ax.legend(
    [
        r"$\sqrt{k}\,R$, bounds the length",
        r"$\Vert w'_k \Vert$, the length",
        r"$u^\top w'_k$, the projection",
        r"$k\gamma$, bounds the projection",
    ]
)
ax.axvline(bound, color="0.4", linewidth=1, linestyle=":")
ax.text(0.95 * bound, 1.2 * gamma, r"$(R/\gamma)^2$", ha="right")
ax.set(xlabel="updates $k$", ylabel="length", xlim=steps)
plt.show()

# %%
# Number of updates against the margin
# ------------------------------------
#
# The margin bounds the number of updates. Here a random line divides random samples, and those closer to it than a given margin are left
# out. There are twenty sets of samples for each margin. The bound holds for any line that separates the samples, and is smallest for the
# one of the widest margin. Here it is computed with the line that divided them, so the dots may lie far below.

runs = []
for wanted in np.repeat(np.geomspace(0.005, 0.4, 12), 20):
    samples = rng.uniform(-1, 1, (300, 3))
    samples[:, 2] = 1
    unit = rng.normal(size=3)
    unit /= np.linalg.norm(unit)
    samples = samples[abs(samples @ unit) >= wanted]
    score = samples @ unit
    if len(set(np.sign(score))) < 2:
        continue  # the line runs outside of the square
    model = Perceptron(max_epochs=100_000, init="zeros", random_state=0)
    model.fit(samples[:, :2], np.sign(score))
    assert model.converged_
    margin = abs(score).min()
    radius = np.linalg.norm(samples, axis=1).max()
    runs.append((margin, model.n_updates_, (radius / margin) ** 2))

margins, updates, bounds = np.array(runs).T
print("runs:", len(runs), " bound held:", (updates <= bounds).sum())
print(
    "largest share of the bound needed:",
    (updates / bounds).max().round(2),
)
assert (updates <= bounds).all()

figure, ax = plt.subplots(figsize=(6.5, 3.8))
ax.loglog(margins, bounds, "C1_", label=r"bound $(R/\gamma)^2$")
ax.loglog(margins, updates, "C0.", alpha=0.6, label="updates made")
ax.set(xlabel=r"margin $\gamma$", ylabel="updates")
ax.grid(True)
ax.legend()
plt.show()

# %%
# Classes that overlap: the pocket algorithm
# ------------------------------------------
#
# If the classes overlap, the algorithm never stops by itself, and the last weights may be poor. So :class:`nncore.estimators.Perceptron`
# keeps the best weights so far, which Gallant [3]_ called the pocket. A warning says that they still make mistakes.

import textwrap
import warnings

y = np.repeat([-1, 1], 100)
X = rng.normal(np.column_stack([0.8 * y, 0 * y]), 0.8)

model = Perceptron(
    20, record_updates=True, random_state=0, init="zeros"
)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X, y)
print(caught[0].category.__name__)
print(textwrap.fill(str(caught[0].message), 70))
print("converged:", model.converged_, " updates:", model.n_updates_)
assert model.n_errors_ == (model.predict(X) != y).sum()

augmented = y[:, None] * np.column_stack([X, np.ones(len(X))])
path = augmented[model.updates_["sample"]].cumsum(axis=0)
errors = (path @ augmented.T <= 0).sum(axis=1)

figure, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(errors, linewidth=0.8, label="with the weights after an update")
pocket = f"with the weights in the pocket: {model.n_errors_}"
ax.axhline(model.n_errors_, color="C1", linewidth=2, label=pocket)
ax.set(xlabel="updates", ylabel="samples wrong, of 200", ylim=(0, None))
ax.legend()
plt.show()

# %%
# Some sets of samples can be separated, but not by a line. The smallest has four points: :doc:`plot_03_two_layers`.
#
# References
# ----------
#
# .. [1] Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain", Psychological Review
#    65(6), 1958.
# .. [2] Novikoff, "On convergence proofs on perceptrons", Symposium on the Mathematical Theory of Automata, 1962.
# .. [3] Gallant, "Perceptron-based learning algorithms", IEEE Transactions on Neural Networks 1(2), 1990.
