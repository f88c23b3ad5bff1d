r"""
McCulloch-Pitts neuron and logistic regression
==============================================

In 1943 McCulloch and Pitts [1]_ described a nerve cell as a sum and a threshold. All networks in this series
consist of this part. It adds up weighted inputs and puts the sum through a function :math:`\varphi`, the *activation*:

.. math:: y = \varphi(w_1 x_1 + \dots + w_n x_n + b) = \varphi(w^\top x + b)

:class:`nncore.estimators.MPNeuron` is this formula and nothing more. Its weights are set by hand.
"""

# %%
# A neuron as a logic gate
# ------------------------
#
# Let :math:`\varphi` be the step function: 1 for positive numbers, 0 for others. The neuron is then a logic gate. The weights say which
# inputs count, and the bias :math:`b` sets how many of them are needed.

import matplotlib.pyplot as plt
import numpy as np

from nncore.estimators import MPNeuron

plt.style.use("nncore.displays.style")

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
gate_and = MPNeuron([1, 1], bias=-1.5)
gate_or = MPNeuron([1, 1], bias=-0.5)
gate_not_both = MPNeuron([-1, -1], bias=1.5)

print("x1:      ", inputs[:, 0], " x2:", inputs[:, 1])
print("and:     ", gate_and.predict(inputs))
print("or:      ", gate_or.predict(inputs))
print("not both:", gate_not_both.predict(inputs))

assert (gate_and.predict(inputs) == [0, 0, 0, 1]).all()
assert (gate_or.predict(inputs) == [0, 1, 1, 1]).all()
assert (gate_not_both.predict(inputs) == [1, 1, 1, 0]).all()

# %%
# The equation :math:`w^\top x + b = 0` describes a straight line (with more inputs, a hyperplane). :math:`w` is perpendicular to the line
# and points to the side where the neuron returns 1. A sigmoid instead of the step,
#
# .. math:: \sigma(z) = \frac{1}{1 + e^{-z}} = \frac{e^z}{e^z + 1},
#
# has the same line, but the output changes gradually. It is close to 0 or 1 far from the line, and ½ on it.

side, square = np.linspace(-0.6, 1.6, 200), (-0.6, 1.6, -0.6, 1.6)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.3), sharey=True)
for ax, activation in zip(axes, ("step", "sigmoid"), strict=True):
    neuron = MPNeuron([3, 3], bias=-4.5, activation=activation)
    output = neuron.predict(plane).reshape(200, 200)
    image = ax.imshow(output, "cividis", origin="lower", extent=square)
    image.set_clim(0, 1)
    ax.plot(side, 1.5 - side, color="white", linestyle="--")
    ax.arrow(0.75, 0.75, 0.2, 0.2, color="C1", head_width=0.06)
    ax.text(0.98, 0.78, "$w$", color="C1", fontsize=12)
    answers = gate_and.predict(inputs)
    ax.scatter(*inputs.T, c=answers, cmap="gray", edgecolors="white")
    ax.set(title=f"and, $\\varphi$ = {activation}", xlabel="$x_1$")
    ax.axis(square)
axes[0].set_ylabel("$x_2$")
figure.colorbar(image, ax=axes, label=r"$y = \varphi(w^\top x + b)$")
plt.show()

# %%
# An image is a vector
# --------------------
#
# A neuron takes one number per input, and an image has them: 28 × 28 pixels in three colours are
#
# .. math:: x \in \mathbb{R}^{28 \cdot 28 \cdot 3} = \mathbb{R}^{2352}.
#
# The neuron flattens weights and images in the same order, so that both may keep their shape. In a network,
# :class:`nncore.Flatten` does it.

rng = np.random.default_rng(0)
images = rng.uniform(size=(5, 28, 28, 3))
redness = np.zeros((28, 28, 3))
redness[..., 0] = 1 / 28**2  # mean of the red channel
neuron = MPNeuron(redness, activation="identity")

print("weights:", neuron.weight.shape)
print("mean red:", neuron.predict(images).round(4))
by_numpy = images[..., 0].mean(axis=(1, 2))
assert np.allclose(neuron.predict(images), by_numpy)

# %%
# Logistic regression is a neuron that learns
# -------------------------------------------
#
# Nothing has been learned so far. With the sigmoid, the output is a probability, :math:`P(Y = 1 \mid x) = \sigma(w^\top x + b)`. The best
# :math:`w` and :math:`b` for given samples make the observed classes most probable. They minimise
#
# .. math::
#
#    E(w, b) &= -\frac{1}{N} \sum_{i=1}^{N} \bigl( Y_i \log p_i + (1 - Y_i) \log (1 - p_i) \bigr), \\
#    p_i &= \sigma(w^\top x_i + b),
#
# which is called logistic regression [2]_. :class:`nncore.estimators.LogisticNeuron` minimises it by gradient descent, and predicts class 1
# where :math:`\sigma(w^\top x + b) > \tfrac12`.

from nncore.estimators import LogisticNeuron

Y = np.repeat([0, 1], 150)
center = np.where(Y[:, None], [1, 1], [-1, 0])
X = rng.normal(center, [1.0, 1.2])
neuron = LogisticNeuron().fit(X, Y)

w, b = neuron.coef_[0], neuron.intercept_[0]
print("w =", w.round(4), " b =", b.round(4))
print("epochs:", neuron.n_iter_)
print("on the right side:", round(neuron.score(X, Y), 3))

# %%
# By hand, the formula gives the same answers:

p = 1 / (1 + np.exp(-(X @ w + b)))
by_hand = MPNeuron(w, bias=b, activation="sigmoid").predict(X)

assert np.allclose(neuron.predict_proba(X)[:, 1], p, rtol=1e-12)
assert np.allclose(by_hand, p, rtol=1e-12)
assert (neuron.predict(X) == (p > 0.5)).all()

# %%
# :math:`E` is convex. If no line separates the classes, as here, it has one minimum. Other algorithms find the same one, such as
# scikit-learn's logistic regression without a penalty:

from sklearn.linear_model import LogisticRegression

reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
reference.fit(X, Y)
theirs = np.append(reference.coef_, reference.intercept_)
difference = np.abs(np.append(w, b) - theirs).max()
print(f"largest difference: {difference:.1e}")
assert difference < 1e-5

# %%
# :class:`nncore.displays.DecisionRegionDisplay` draws the line, and the certainty as the depth of the colour.

from nncore.displays import DecisionRegionDisplay

DecisionRegionDisplay.from_estimator(
    neuron,
    X,
    Y,
    names=["Y = 0", "Y = 1"],
    feature_names=["$x_1$", "$x_2$"],
)
plt.show()

# %%
# Weights as an image
# -------------------
#
# A network of one neuron, :class:`nncore.Dense` with one unit, tells handwritten threes from eights of 8 × 8 pixels. Its 64 weights have
# the shape of an image. Ink on purple pixels is evidence for an eight, ink on orange pixels for a three. A small ``weight_decay`` keeps
# weights small where the samples give no evidence.

import nncore as nn
from nncore.datasets import load_digits_split

X_train, y_train, X_test, y_test = load_digits_split()
train, test = np.isin(y_train, (3, 8)), np.isin(y_test, (3, 8))

net = nn.Sequential(nn.Flatten(), nn.Dense(1))
net.fit(
    X_train[train] / 16,
    y_train[train] == 8,
    loss="binary_cross_entropy",
    optimizer=nn.Adam(lr=0.01),
    epochs=100,
    batch_size=32,
    weight_decay=0.01,
    rng=0,
    progress=False,
)
scores = net.evaluate(X_test[test] / 16, y_test[test] == 8)
print("parameters:", net.n_parameters)
print(f"{test.sum()} new digits: {scores['accuracy']:.1%} right")

figure, axes = plt.subplots(1, 3, figsize=(7, 2.5))
for ax, digit in ((axes[0], 3), (axes[1], 8)):
    ax.imshow(X_train[y_train == digit].mean(axis=0), cmap="gray_r")
    ax.set_title(f"mean of all {digit}")
weights = net.named_parameters()["dense_1.weight"].reshape(8, 8)
largest = np.abs(weights).max()
image = axes[2].imshow(weights, "PuOr", vmin=-largest, vmax=largest)
axes[2].set_title("weights of the neuron")
figure.colorbar(image, ax=axes[2], label="three ← → eight")
for ax in axes:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
plt.show()

# %%
# The next pages show how weights are learned, first by the oldest rule: :doc:`the perceptron's <plot_02_perceptron>`.
#
# References
# ----------
#
# .. [1] McCulloch & Pitts, "A logical calculus of the ideas immanent in nervous activity", Bulletin of Mathematical Biophysics 5, 1943.
# .. [2] Cox, "The regression analysis of binary sequences", Journal of the Royal Statistical Society B 20(2), 1958.
