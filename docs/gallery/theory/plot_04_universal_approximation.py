r"""
Universal approximation
=======================

A network with enough units can approximate any continuous function. With the step as activation, three layers represent any region that
straight lines enclose [1]_. With smooth activations, two layers come as close as you like to any continuous function [2]_ [3]_. This page
builds the first by hand and measures the second.
"""

# %%
# Polygons from half-planes, AND and OR
# -------------------------------------
#
# *First layer.* A neuron with a step cuts the plane along a line. For an edge from the corner :math:`p` to the corner :math:`q` of a
# polygon that is traced counter-clockwise, it should return 1 on the left of the edge, where
#
# .. math:: w^\top x + b > 0 \qquad \text{with} \qquad w = \begin{bmatrix} p_2 - q_2 \\ q_1 - p_1 \end{bmatrix}, \quad b = -w^\top p .

import matplotlib.pyplot as plt
import numpy as np

plt.style.use("nncore.displays.style")


def half_planes(corners):
    p, q = np.array(corners), np.roll(corners, -1, axis=0)
    # One column for each edge.
    w = np.stack([p[:, 1] - q[:, 1], q[:, 0] - p[:, 0]])
    return w, -(w.T * p).sum(axis=1)


# %%
# *Second layer.* A point is in a convex polygon if it is in all of its :math:`m` half-planes. The neuron for *and* is
#
# .. math:: \text{and}(a_1, \dots, a_m) = \text{step}\Bigl(\sum_i a_i - \bigl(m - \tfrac12\bigr)\Bigr).
#
# *Third layer.* Other shapes are unions of convex ones. The neuron for *or* is
#
# .. math:: \text{or}(a_1, \dots, a_k) = \text{step}\Bigl(\sum_j a_j - \tfrac12\Bigr).
#
# So the corners of a shape give the weights of a network that recognises it.

import nncore as nn


def network_of(pieces):
    """A network that says 1 inside any of the convex polygons."""
    n_edges = [len(corners) for corners in pieces]
    net = nn.Sequential(
        nn.Dense(sum(n_edges), activation="step"),
        nn.Dense(len(pieces), activation="step"),
        nn.Dense(1, activation="step"),
    )
    parameters = net.build(2, dtype="float64").named_parameters()
    w, b = zip(*map(half_planes, pieces), strict=True)
    parameters["dense_1.weight"][...] = np.concatenate(w, axis=1)
    parameters["dense_1.bias"][...] = np.concatenate(b)
    # Every "and" hears the edges of its own piece.
    belongs = np.repeat(np.eye(len(pieces)), n_edges, axis=0)
    parameters["dense_2.weight"][...] = belongs
    parameters["dense_2.bias"][...] = 0.5 - np.array(n_edges)
    parameters["dense_3.weight"][...] = 1
    parameters["dense_3.bias"][...] = -0.5
    return net


# %%
# The letter N consists of three convex pieces. They overlap: the step is 0 on the line itself, so pieces that only touch would leave a
# gap. A hexagon stands beside it.

bars = [
    [(0, 0), (0.25, 0), (0.25, 1), (0, 1)],
    [(0.75, 0), (1, 0), (1, 1), (0.75, 1)],
]
diagonal = [(0.75, 0), (1, 0), (0.25, 1), (0, 1)]
angle = np.arange(6) * np.pi / 3
circle = np.column_stack([np.cos(angle), np.sin(angle)])
hexagon = [1.4, 0.2] + 0.2 * circle

net = network_of([*bars, diagonal, hexagon])
print("parameters:", net.n_parameters)

# %%
# Each panel shows a layer: the number of half-planes of the diagonal that contain a point, the piece that contains it, and the output of
# the network.

from nncore.inspection import activations

x1, x2 = np.linspace(-0.2, 1.8, 400), np.linspace(-0.2, 1.2, 280)
plane = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
layers = activations(net, plane)

pictures = {
    "half-planes of the diagonal": layers["dense_1"][:, 8:12],
    "pieces": layers["dense_2"],
    "output": layers["dense_3"],
}
square = (-0.2, 1.8, -0.2, 1.2)
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.6), sharey=True)
for ax, (title, units) in zip(axes, pictures.items(), strict=True):
    sums = units.sum(axis=1).reshape(280, 400)
    most = int(sums.max())
    colors = plt.get_cmap("cividis", most + 1)
    image = ax.imshow(sums, colors, origin="lower", extent=square)
    image.set_clim(-0.5, most + 0.5)
    bar = figure.colorbar(image, ax=ax, orientation="horizontal")
    bar.set_ticks(range(most + 1))
    ax.set(title=title, xticks=[0, 1], yticks=[0, 1])
plt.show()

# %%
# matplotlib checks the result: it uses another method to find whether a point is inside a polygon. Its N is one outline of ten corners.

from matplotlib.path import Path

left = [(0, 1), (0, 0), (0.25, 0), (0.25, 2 / 3), (0.75, 0)]
right = [(1, 0), (1, 1), (0.75, 1), (0.75, 1 / 3), (0.25, 1)]

rng = np.random.default_rng(0)
points = rng.uniform([-0.2, -0.2], [1.8, 1.2], (100_000, 2))
inside = Path(left + right).contains_points(points)
inside |= Path(hexagon).contains_points(points)
answer = net.predict(points)[:, 0] == 1

print(f"{inside.sum()} of {len(points)} random points are inside;")
print(f"the network is wrong about {(answer != inside).sum()}")
assert (answer == inside).all()

# %%
# Approximate a function by steps
# -------------------------------
#
# An output layer without an activation gives numbers instead of regions. In one dimension, :math:`M` steps form a staircase,
#
# .. math:: y(x) = c + \sum_{j=1}^{M-1} v_j \,\text{step}(x - t_j),
#
# Let each stair have the height of the function in its middle. The error is then at most half a stair's width times the largest slope
# :math:`L` of the function:
#
# .. math:: |f(x) - y(x)| \le \frac{L}{2M} \qquad \text{for } 0 \le x \le 1.


def f(x):
    return np.sin(2 * np.pi * x) + np.sin(6 * np.pi * x) / 2


largest_slope = 5 * np.pi  # 2π cos 2πx + 3π cos 6πx, at x = 0


def staircase(n_stairs):
    """A network of n_stairs - 1 steps and a linear output."""
    heights = f((np.arange(n_stairs) + 0.5) / n_stairs)
    hidden = nn.Dense(n_stairs - 1, activation="step")
    net = nn.Sequential(hidden, nn.Dense(1))
    parameters = net.build(1, dtype="float64").named_parameters()
    parameters["dense_1.weight"][...] = 1
    parameters["dense_1.bias"][...] = -np.arange(1, n_stairs) / n_stairs
    parameters["dense_2.weight"][:, 0] = np.diff(heights)
    parameters["dense_2.bias"][...] = heights[0]
    return net


x = np.linspace(0, 1, 2001)[:, None]
stairs = 2 ** np.arange(1, 8)
distances = [np.abs(staircase(n).predict(x) - f(x)) for n in stairs]
staircase_errors = np.max(distances, axis=(1, 2))
assert (staircase_errors <= largest_slope / (2 * stairs)).all()

# %%
# Trained networks
# ----------------
#
# A step has no useful gradient. A tanh is a smooth step, and training places the steps where they reduce the error most. Here
# :class:`nncore.estimators.MLPRegressor` trains networks with 1 to 64 hidden units on 256 points, each from five random starts. L-BFGS
# suits small networks and data without noise.

from nncore.estimators import MLPRegressor

# From -1 to 1 instead of 0 to 1: that suits the first weights.
samples = np.linspace(-1, 1, 256)[:, None]
targets = f((samples[:, 0] + 1) / 2)
widths = np.array([1, 2, 3, 4, 6, 8, 16, 32, 64])
errors, fits = np.empty((len(widths), 5)), {}
for i, width in enumerate(widths):
    for seed in range(5):
        net = MLPRegressor(
            hidden_layer_sizes=(width,),
            activation="tanh",
            solver="lbfgs",
            alpha=0,  # no penalty
            max_iter=10_000,
            random_state=seed,
        )
        y = net.fit(samples, targets).predict(2 * x - 1)
        errors[i, seed] = np.abs(y - f(x[:, 0])).max()
        fits[width, seed] = y
smallest = errors.min(axis=1)

print("units:", *(f"{width:6}" for width in widths))
print("error:", *(f"{error:6.3f}" for error in smallest))
print("\nstairs:", *(f"{n:6}" for n in stairs))
print("error: ", *(f"{error:6.3f}" for error in staircase_errors))

assert smallest[widths == 8] < staircase_errors[stairs == 128]

# %%
# Eight trained units approximate the function better than 128 stairs. With more units the error does not fall further: the theorem says
# what a network *can* represent, not what training finds. The dots show the five random starts.

figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.6))
axes[0].plot(x, f(x), color="0.6", linewidth=4, label="$f$")
axes[0].plot(x, staircase(16).predict(x), "C1", label="16 stairs")
for width, look in ((2, "C2:"), (4, "C3--"), (8, "C0-")):
    best = fits[width, errors[widths == width].argmin()]
    axes[0].plot(x, best, look, label=f"{width} tanh units")
axes[0].set(xlabel="$x$", ylabel="$y$", ylim=(-1.4, 2.1))
axes[0].legend(ncols=2, loc="upper right", fontsize=8)

bounds = largest_slope / (2 * stairs)
axes[1].loglog(stairs, bounds, "C1--", label="bound $L/2M$")
axes[1].loglog(stairs, staircase_errors, "C1s-", label="stairs")
axes[1].loglog(widths, smallest, "C0o-", label="tanh units, best of 5")
axes[1].loglog(np.repeat(widths, 5), errors.ravel(), "C0.", alpha=0.4)
axes[1].set(xlabel="units or stairs", ylabel="largest error")
axes[1].set_xticks(2 ** np.arange(8))
axes[1].xaxis.set_major_formatter("{x:.0f}")
axes[1].minorticks_off()
axes[1].grid(True)
axes[1].legend(fontsize=8)
plt.show()

# %%
# The next page shows how training gets the gradient of all weights in two passes: :doc:`plot_05_back_propagation`.
#
# References
# ----------
#
# .. [1] Lippmann, "An introduction to computing with neural nets", IEEE ASSP Magazine 4(2), 1987.
# .. [2] Cybenko, "Approximation by superpositions of a sigmoidal function", Mathematics of Control, Signals and Systems 2, 1989.
# .. [3] Hornik, Stinchcombe & White, "Multilayer feedforward networks are universal approximators", Neural Networks 2(5), 1989.
