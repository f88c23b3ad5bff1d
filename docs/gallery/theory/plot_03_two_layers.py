r"""
XOR with a two-layer network
============================

One neuron separates by one line, which is not enough for XOR. Three neurons in two layers solve it. This page derives by hand every
derivative that training such a network needs.
"""

# %%
# XOR cannot be separated by a line
# ---------------------------------
#
# "Either :math:`x_1` or :math:`x_2`, not both." A neuron that answers like this would have to fulfil
#
# .. math::
#
#    b \le 0, \qquad w_1 + b > 0, \qquad w_2 + b > 0, \qquad w_1 + w_2 + b \le 0 .
#
# The two in the middle add up to :math:`w_1 + w_2 + 2b > 0`, the outer two to :math:`w_1 + w_2 + 2b \le 0`. So there is no such
# neuron [1]_. The perceptron's best line has one of the four points on the wrong side.

import warnings

import matplotlib.pyplot as plt
import numpy as np

from nncore.errors import ConvergenceWarning
from nncore.estimators import Perceptron

plt.style.use("nncore.displays.style")

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1, 0])

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    perceptron = Perceptron(max_epochs=1000, random_state=0).fit(X, Y)
print("updates:", perceptron.n_updates_)
print("wrong:", perceptron.n_errors_, "of 4")
assert not perceptron.converged_

# %%
# Solve XOR with three neurons
# ----------------------------
#
# XOR is true if "or" and "not both" are. Each of these is a neuron (:doc:`plot_01_mp_neuron`), and a third neuron joins them by "and". With
# the step :math:`\varphi`, the matrices of the two layers are
#
# .. math::
#
#    a &= \varphi\bigl(x\,W^{(1)} + b^{(1)}\bigr), &\qquad
#    W^{(1)} &= \begin{bmatrix} 1 & -1 \\ 1 & -1 \end{bmatrix}, &\;
#    b^{(1)} &= \begin{bmatrix} -\tfrac12 & \tfrac32 \end{bmatrix}, \\
#    y &= \varphi\bigl(a\,W^{(2)} + b^{(2)}\bigr), &\qquad
#    W^{(2)} &= \begin{bmatrix} 1 \\ 1 \end{bmatrix}, &\;
#    b^{(2)} &= -\tfrac32 .
#
# In nncore a sample is a row and a neuron is a column of :math:`W`. :class:`nncore.Sequential` builds the network, and
# :meth:`~nncore.Sequential.named_parameters` are views: writing into them sets the weights.

import nncore as nn

net = nn.Sequential(
    nn.Dense(2, activation="step"),
    nn.Dense(1, activation="step"),
)
net.build(2)
parameters = net.named_parameters()
parameters["dense_1.weight"][...] = [[1, -1], [1, -1]]
parameters["dense_1.bias"][...] = [-0.5, 1.5]
parameters["dense_2.weight"][...] = [[1], [1]]
parameters["dense_2.bias"][...] = -1.5

print(net.predict(X)[:, 0])
assert (net.predict(X)[:, 0] == Y).all()

# %%
# The hidden layer moves the points. Two of the four then coincide, and one line separates the classes.

from nncore.inspection import activations

hidden = activations(net, X)["dense_1"]
line = np.array([-0.4, 1.4])

figure, axes = plt.subplots(1, 2, figsize=(7, 3.7))
axes[0].plot(line, 0.5 - line, "C2", label='$a_1$: "or"')
axes[0].plot(line, 1.5 - line, "C3--", label='$a_2$: "not both"')
axes[1].plot(line, 1.5 - line, "0.2", label='$y$: "and"')
for ax, points in zip(axes, (X, hidden), strict=True):
    for label, look in ((0, "C0o"), (1, "C1s")):
        some = points[label == Y].T
        ax.plot(*some, look, markersize=9, label=f"XOR is {label}")
    ax.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), aspect="equal")
    ax.set(xticks=[0, 1], yticks=[0, 1])
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.18), ncols=2)
axes[0].set(title="the inputs", xlabel="$x_1$", ylabel="$x_2$")
axes[1].set(title="the hidden units", xlabel="$a_1$", ylabel="$a_2$")
axes[1].text(1, 1.12, "(0, 1) and (1, 0)", ha="center", fontsize=8)
plt.show()

# %%
# Derivatives by the chain rule
# -----------------------------
#
# Steps cannot be trained: their slope is 0. With a smooth :math:`\varphi`, and no activation at the output, the network of two inputs and
# two hidden units is
#
# .. math::
#
#    z_1 &= w_{11} x_1 + w_{12} x_2 + b_1 , &\qquad a_1 &= \varphi(z_1), \\
#    z_2 &= w_{21} x_1 + w_{22} x_2 + b_2 , &\qquad a_2 &= \varphi(z_2), \\
#    y &= w_1 a_1 + w_2 a_2 + b_3 .

w11, w12, b1 = 0.5, -0.3, 0.1
w21, w22, b2 = 0.8, 0.2, -0.4
w1, w2, b3 = 1.2, -0.7, 0.3
x1, x2, target = 1.0, 2.0, 1.0


def phi(z):
    return 1 / (1 + np.exp(-z))


def d_phi(z):
    return phi(z) * (1 - phi(z))


z1, z2 = w11 * x1 + w12 * x2 + b1, w21 * x1 + w22 * x2 + b2
a1, a2 = phi(z1), phi(z2)
y = w1 * a1 + w2 * a2 + b3

# %%
# For one sample with the target :math:`Y`, the loss is :math:`E = \tfrac12 (y - Y)^2`. The chain rule goes backwards from it. First what
# acts on :math:`y` directly:
#
# .. math::
#
#    \frac{\partial E}{\partial y} &= y - Y, &\qquad
#    \frac{\partial E}{\partial w_1} &= (y - Y)\, a_1, \\[1ex]
#    \frac{\partial E}{\partial b_3} &= y - Y, &\qquad
#    \frac{\partial E}{\partial w_2} &= (y - Y)\, a_2 .

E_y = y - target
E_w1, E_w2, E_b3 = E_y * a1, E_y * a2, E_y

# %%
# Then through the hidden units,
#
# .. math::
#
#    \frac{\partial E}{\partial z_1} = (y - Y)\, w_1 \varphi'(z_1), \qquad
#    \frac{\partial E}{\partial z_2} = (y - Y)\, w_2 \varphi'(z_2),

E_z1, E_z2 = E_y * w1 * d_phi(z1), E_y * w2 * d_phi(z2)

# %%
# and from there to the first layer:
#
# .. math::
#
#    \frac{\partial E}{\partial w_{11}} &= \frac{\partial E}{\partial z_1} x_1, &\qquad
#    \frac{\partial E}{\partial w_{12}} &= \frac{\partial E}{\partial z_1} x_2, &\qquad
#    \frac{\partial E}{\partial b_1} &= \frac{\partial E}{\partial z_1}, \\[1ex]
#    \frac{\partial E}{\partial w_{21}} &= \frac{\partial E}{\partial z_2} x_1, &\qquad
#    \frac{\partial E}{\partial w_{22}} &= \frac{\partial E}{\partial z_2} x_2, &\qquad
#    \frac{\partial E}{\partial b_2} &= \frac{\partial E}{\partial z_2} .

E_w11, E_w12, E_b1 = E_z1 * x1, E_z1 * x2, E_z1
E_w21, E_w22, E_b2 = E_z2 * x1, E_z2 * x2, E_z2

# %%
# nncore does the same with the same numbers: :meth:`~nncore.Sequential.forward`, then :meth:`~nncore.Sequential.backward`, which returns
# the loss and leaves the derivatives in :meth:`~nncore.Sequential.named_gradients`. In double precision, the two agree to the last digits.

net = nn.Sequential(nn.Dense(2, activation="sigmoid"), nn.Dense(1))
net.build(2, loss="half_mse", dtype="float64")
parameters = net.named_parameters()
parameters["dense_1.weight"][...] = [[w11, w21], [w12, w22]]
parameters["dense_1.bias"][...] = [b1, b2]
parameters["dense_2.weight"][...] = [[w1], [w2]]
parameters["dense_2.bias"][...] = b3

output = net.forward([[x1, x2]], training=True)
loss = net.backward([target])
assert np.isclose(output[0, 0], y, rtol=1e-14)
assert np.isclose(loss, 0.5 * (y - target) ** 2, rtol=1e-14)

gradients = net.named_gradients()
d_W1, d_b1 = gradients["dense_1.weight"], gradients["dense_1.bias"]
d_W2, d_b2 = gradients["dense_2.weight"], gradients["dense_2.bias"]

print(f"y = {y:.6f}, E = {loss:.6f}\n")
print("              by hand               nncore")
for name, by_hand, computed in [
    ("w11", E_w11, d_W1[0, 0]),
    ("w12", E_w12, d_W1[1, 0]),
    ("w21", E_w21, d_W1[0, 1]),
    ("w22", E_w22, d_W1[1, 1]),
    ("b1", E_b1, d_b1[0]),
    ("b2", E_b2, d_b1[1]),
    ("w1", E_w1, d_W2[0, 0]),
    ("w2", E_w2, d_W2[1, 0]),
    ("b3", E_b3, d_b2[0]),
]:
    print(f"dE/d{name:4} {by_hand:20.16f} {computed:20.16f}")
    assert np.isclose(by_hand, computed, rtol=1e-13)

# %%
# Train a network on XOR
# ----------------------
#
# Gradient descent finds the weights instead of setting them by hand. The output of the network is now a probability
# (:class:`nncore.BinaryCrossEntropy`).

settings = {
    "loss": "binary_cross_entropy",
    "optimizer": nn.Adam(lr=0.05),
    "epochs": 500,
    "batch_size": 4,
    "progress": False,
}

net = nn.Sequential(nn.Dense(2, activation="tanh"), nn.Dense(1))
net.fit(X, Y, rng=2, **settings)
probability = net.predict_proba(X)[:, 0]
print("P(XOR is 1):", probability.round(3))
assert ((probability > 0.5) == Y).all()

# %%
# The network learns other lines than those above. They separate the same points:

from nncore.displays import DecisionRegionDisplay

DecisionRegionDisplay.from_estimator(
    net,
    X,
    Y,
    names=["XOR is 0", "XOR is 1"],
    feature_names=["$x_1$", "$x_2$"],
)
plt.show()

# %%
# Two hidden units are enough, but not from all initial weights. In about half of the runs, gradient descent ends where the loss is flat and
# two of the points get the output ½. A few more units make that rare.

for n_hidden in (2, 3, 4, 8):
    solved = 0
    for seed in range(50):
        hidden = nn.Dense(n_hidden, activation="tanh")
        net = nn.Sequential(hidden, nn.Dense(1))
        net.fit(X, Y, rng=seed, **settings)
        solved += net.evaluate(X, Y)["accuracy"] == 1
    print(
        f"{n_hidden} hidden units: {solved} of 50 beginnings learn it"
    )

# %%
# The next page shows what more units and a third layer can represent: :doc:`plot_04_universal_approximation`.
#
# References
# ----------
#
# .. [1] Minsky & Papert, "Perceptrons: an introduction to computational geometry", MIT Press, 1969.
