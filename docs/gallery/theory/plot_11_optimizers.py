r"""
Optimizers: SGD to Adam
=======================

An optimizer updates the parameters from the gradient of the loss. This page shows the formula and the code of SGD, momentum, Nesterov
momentum, AdaGrad, RMSProp, Adam and AdamW, then compares them.

In nncore an optimizer is one function, ``step(w, g, state, t)``. Its arguments are the parameters :math:`w`, their gradient :math:`g`, the
optimizer's state and the number of the step, counted from 1.
"""

# %%
# An ill-conditioned loss
# -----------------------
#
# The loss of this page is thirty times as steep in one direction as in the other. Features of different scale have this effect, and so do
# the layers of a deep network:
#
# .. math:: E(w) = \tfrac12 \left( w_1^2 + 30\, w_2^2 \right), \qquad g = \left( w_1,\; 30\, w_2 \right)

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import nncore as nn
from nncore.datasets import load_digits_split

plt.style.use("nncore.displays.style")

STEEPNESS, START = np.array([1.0, 30.0]), np.array([-4.0, 1.0])


def loss(w):
    return (STEEPNESS * w**2).sum(axis=-1) / 2


STRAIGHT = np.eye(2)


def descend(step, n_slots=2, n_steps=120, turn=STRAIGHT):
    """The path of an update rule from the start; turn rotates the valley."""
    w, state = turn @ START, np.zeros((n_slots, 2))
    path = [w.copy()]
    for t in range(1, n_steps + 1):
        g = turn @ (STEEPNESS * (turn.T @ w))
        step(w, g, state, t)
        path.append(w.copy())
    return np.array(path)


def same_path(by_hand, optimizer):
    """Compare the code of this page with nncore's optimizer."""
    path = descend(optimizer.step, optimizer.n_slots)
    assert np.allclose(descend(by_hand), path, atol=1e-12)
    print(f"{type(optimizer).__name__}: the same path")


# %%
# Gradient descent
# ----------------
#
# .. math:: w \leftarrow w - \alpha\, g
#
# All parameters have the same learning rate :math:`\alpha`. Above 2/30 the steep direction diverges; below it, the flat one is slow.


def sgd(w, g, state, t, lr=0.06):
    w -= lr * g


same_path(sgd, nn.SGD(lr=0.06))

# %%
# Momentum and Nesterov momentum
# ------------------------------
#
# Momentum adds the gradients of past steps to a velocity :math:`v` [1]_. Gradients of one direction add up, to :math:`1/(1 - \rho)` times
# their size. Gradients of alternating directions cancel. Nesterov momentum takes the gradient where the velocity will have moved
# :math:`w` [2]_. In the usual form, :math:`w` stands for that point:
#
# .. math::
#
#    \begin{aligned}
#    v &\leftarrow \rho\, v + g \\[0.5em]
#    w &\leftarrow w - \alpha\, v & \text{(momentum)} \\[0.5em]
#    w &\leftarrow w - \alpha\,(g + \rho\, v) & \text{(Nesterov)}
#    \end{aligned}


def momentum(w, g, state, t, lr=0.02, rho=0.9):
    v = state[0]
    v[:] = rho * v + g
    w -= lr * v


def nesterov(w, g, state, t, lr=0.02, rho=0.9):
    v = state[0]
    v[:] = rho * v + g
    w -= lr * (g + rho * v)


same_path(momentum, nn.Momentum(lr=0.02))
same_path(nesterov, nn.Nesterov(lr=0.02))

# %%
# AdaGrad and RMSProp
# -------------------
#
# AdaGrad [3]_ divides the step of each parameter by the size of its past gradients, so the steep direction gets a smaller rate. The sum
# :math:`r` only grows, so the steps become ever shorter. RMSProp [4]_ replaces it by a moving average, which forgets old gradients.
#
# .. math::
#
#    \begin{aligned}
#    r &\leftarrow r + g^2 & \text{(AdaGrad)} \\[0.5em]
#    r &\leftarrow \rho\, r + (1 - \rho)\, g^2 & \text{(RMSProp)} \\[0.5em]
#    w &\leftarrow w - \frac{\alpha\, g}{\varepsilon + \sqrt r}
#    \end{aligned}


def adagrad(w, g, state, t, lr=0.8, epsilon=1e-10):
    r = state[0]
    r[:] = r + g**2
    w -= lr * g / (epsilon + np.sqrt(r))


def rmsprop(w, g, state, t, lr=0.08, rho=0.9, epsilon=1e-8):
    r = state[0]
    r[:] = rho * r + (1 - rho) * g**2
    w -= lr * g / (epsilon + np.sqrt(r))


same_path(adagrad, nn.AdaGrad(lr=0.8))
same_path(rmsprop, nn.RMSProp(lr=0.08, rho=0.9))

# %%
# Adam
# ----
#
# Adam [5]_ has a moving average :math:`m` of the gradients, as momentum does, and one of their squares, :math:`v`, as RMSProp does. Both
# start at 0 and are too small at first. :math:`\hat m` and :math:`\hat v` correct this bias.
#
# .. math::
#
#    \begin{aligned}
#    m &\leftarrow \beta_1 m + (1 - \beta_1)\, g, & \hat m &= \frac{m}{1 - \beta_1^t} \\[0.5em]
#    v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2, & \hat v &= \frac{v}{1 - \beta_2^t} \\[0.5em]
#    w &\leftarrow w - \frac{\alpha\, \hat m}{\sqrt{\hat v} + \varepsilon}
#    \end{aligned}


def adam(w, g, state, t, lr=0.2, beta1=0.9, beta2=0.999, epsilon=1e-8):
    m, v = state
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    w -= lr * m_hat / (np.sqrt(v_hat) + epsilon)


same_path(adam, nn.Adam(lr=0.2))

# %%
# AdamW [6]_ decays the weights themselves, :math:`w \leftarrow (1 - \alpha\lambda)\,w`, and then takes a step of Adam.


def adamw(w, g, state, t, lr=0.2, decay=0.01):
    w *= 1 - lr * decay
    adam(w, g, state, t, lr)


same_path(adamw, nn.AdamW(lr=0.2, weight_decay=0.01))

# %%
# Compare the optimizers
# ----------------------
#
# All optimizers start from the same point, each with a suitable learning rate. SGD zigzags. Momentum overshoots and swings back. AdaGrad,
# RMSProp and Adam start diagonally, as if both directions were equally steep. At a constant rate RMSProp does not come to rest.

racers = {
    "SGD": nn.SGD(lr=0.06),
    "momentum": nn.Momentum(lr=0.02),
    "Nesterov": nn.Nesterov(lr=0.02),
    "AdaGrad": nn.AdaGrad(lr=0.8),
    "RMSProp": nn.RMSProp(lr=0.08, rho=0.9),
    "Adam": nn.Adam(lr=0.2),
}
paths = {}
for name, racer in racers.items():
    paths[name] = descend(racer.step, racer.n_slots)
assert loss(paths["SGD"][90:]).max() < 0.01
assert loss(paths["RMSProp"][90:]).max() > 0.1


def draw_valley(ax):
    w1, w2 = np.meshgrid(
        np.linspace(-4.6, 2.4, 141), np.linspace(-1.25, 1.25, 101)
    )
    height = loss(np.stack([w1, w2], axis=-1))
    levels = np.geomspace(0.05, 25, 9)
    ax.contour(w1, w2, height, levels, colors="#bbbbbb", linewidths=0.7)
    ax.plot(0, 0, "*", color="C6", markersize=12)
    ax.set(
        xlabel="$w_1$",
        ylabel="$w_2$",
        xlim=(-4.6, 2.4),
        ylim=(-1.25, 1.25),
    )


figure, axes = plt.subplots(
    2, 3, figsize=(10, 4.8), sharex=True, sharey=True
)
for index, (ax, (name, path)) in enumerate(
    zip(axes.flat, paths.items(), strict=True)
):
    draw_valley(ax)
    style = {"color": f"C{index}", "marker": "osD^vP"[index]}
    ax.plot(*path.T, markersize=3.5, linewidth=1, **style)
    ax.set_title(f"{name}: E = {loss(path[40]):.1g} after 40 steps")
    ax.label_outer()

# %%
# The animation shows one step in each frame:

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.8), width_ratios=(1.5, 1)
)
draw_valley(left)
right.set(
    xlabel="step",
    ylabel="E",
    xlim=(0, 80),
    ylim=(1e-5, 100),
    yscale="log",
)
right.set_yticks([1e-4, 1e-2, 1, 100], ["0.0001", "0.01", "1", "100"])
right.minorticks_off()
right.grid(True)
trails, heads, curves = [], [], []
for index, name in enumerate(paths):
    style = {"color": f"C{index}", "marker": "osD^vP"[index]}
    trails += left.plot([], [], color=f"C{index}", linewidth=1)
    heads += left.plot(
        [], [], linestyle="", markersize=8, label=name, **style
    )
    curves += right.plot([], [], markevery=10, markersize=4, **style)
figure.legend(handles=heads, loc="outside lower center", ncols=6)


def draw(step):
    for index, path in enumerate(paths.values()):
        trails[index].set_data(*path[: step + 1].T)
        heads[index].set_data(*path[[step]].T)
        curves[index].set_data(
            np.arange(step + 1), loss(path[: step + 1])
        )


class Film:
    """A still picture, with a button that plays and stops the animation."""

    def __init__(self, figure, draw, n_frames, description):
        # The layout is found once, not anew for every frame.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        frames = []
        for step in range(n_frames):
            draw(step)
            figure.canvas.draw()
            pixels = np.asarray(figure.canvas.buffer_rgba())
            frames.append(Image.fromarray(pixels).convert("RGB"))
        plt.close(figure)
        # The same few colours in all frames, without dither, keep the file small.
        colors = frames[-1].quantize(128, Image.Quantize.MAXCOVERAGE)
        options = {"palette": colors, "dither": Image.Dither.NONE}
        frames = [frame.quantize(**options) for frame in frames]
        film = {
            "save_all": True,
            "append_images": frames[1:],
            "loop": 0,
        }
        self.still = self.encode(frames[-1], "png")
        self.moving = self.encode(frames[0], "gif", duration=80, **film)
        self.description = description

    def encode(self, image, suffix, **options):
        file = io.BytesIO()
        image.save(file, suffix, **options)
        text = base64.b64encode(file.getvalue()).decode()
        return f"data:image/{suffix};base64,{text}"

    def _repr_html_(self):
        swap = "[i.src, i.dataset.other] = [i.dataset.other, i.src]"
        return f"""
            <img src="{self.still}" data-other="{self.moving}"
                 alt="{self.description}" style="display: block; max-width: 100%">
            <button type="button" onclick="const i = this.previousElementSibling; {swap}">
            Play or stop</button>"""


description = "Six optimizers descend a valley; beside it the loss against the step"
film = Film(figure, draw, 81, description)
print(f"{(len(film.moving) + len(film.still)) / 1e3:.0f} kB")
film

# %%
# SGD and momentum take the same path in any rotation of the valley. AdaGrad, RMSProp and Adam scale each coordinate separately, so they see
# steep directions only along the axes. They need more steps in the same valley turned by 45°:

turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)


def steps_needed(optimizer, turn):
    path = descend(optimizer.step, optimizer.n_slots, 500, turn)
    return np.flatnonzero(loss(path @ turn) < 0.1)[0]


print("steps until E < 0.1   along the axes   turned by 45°")
for name, optimizer in racers.items():
    straight = steps_needed(optimizer, STRAIGHT)
    turned = steps_needed(optimizer, turn)
    print(f"{name:19} {straight:16} {turned:15}")
    sees_axes = name in ("AdaGrad", "RMSProp", "Adam")
    assert turned > straight if sees_axes else turned == straight

# %%
# Bias correction and ε
# ---------------------
#
# If the gradient is constant, each step of Adam has the length :math:`\alpha`. Without bias correction, the first step would be
# :math:`(1 - \beta_1) / \sqrt{1 - \beta_2} \approx 3.2` times as long, and the next ones longer still.
#
# The paper adds :math:`\varepsilon = 10^{-8}` to the root. Some textbook code has :math:`\sqrt{\hat v + \varepsilon}` with
# :math:`\varepsilon = 10^{-5}`, which is ``epsilon_inside=True`` here. The two differ for gradients below about
# :math:`\sqrt{\varepsilon} = 0.003`: the textbook's steps shrink with the gradient, while the paper's keep their length.


def uncorrected(
    w, g, state, t, lr, beta1=0.9, beta2=0.999, epsilon=1e-8
):
    m, v = state
    m[:] = beta1 * m + (1 - beta1) * g
    v[:] = beta2 * v + (1 - beta2) * g**2
    w -= lr * m / (np.sqrt(v) + epsilon)


def step_lengths(step, g, n_steps):
    """Lengths of the steps for a constant gradient, in units of the learning rate 1."""
    w, state, lengths = np.zeros_like(g), np.zeros((2, len(g))), []
    for t in range(1, n_steps + 1):
        before = w.copy()
        step(w, g, state, t)
        lengths.append(before - w)
    return np.array(lengths)


one = np.ones(1)
corrected = step_lengths(nn.Adam(lr=1.0).step, one, 300)
without = step_lengths(
    lambda *arguments: uncorrected(*arguments, lr=1.0), one, 300
)
assert np.allclose(corrected, 1)
assert np.isclose(without[0, 0], 0.1 / np.sqrt(0.001))
print(
    f"without correction: first {without[0, 0]:.2f} α, longest {without.max():.2f} α"
)

sizes = np.geomspace(1e-10, 10, 111)
textbook = nn.Adam(lr=1.0, epsilon=1e-5, epsilon_inside=True)
outside = step_lengths(nn.Adam(lr=1.0).step, sizes, 1)[0]
inside = step_lengths(textbook.step, sizes, 1)[0]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
left.plot(np.arange(1, 301), corrected, "C0-", label="Adam")
left.plot(
    np.arange(1, 301), without, "C1--", label="without bias correction"
)
left.set(xlabel="step", ylabel="length of the step / α", ylim=(0, None))
right.loglog(sizes, outside, label=r"$\sqrt{\hat v} + 10^{-8}$")
right.loglog(sizes, inside, "--", label=r"$\sqrt{\hat v + 10^{-5}}$")
right.set(
    xlabel="size of the gradient", ylabel="length of the first step / α"
)
left.set_title("A constant gradient")
right.set_title("Where ε stands")
for ax in (left, right):
    ax.grid(True)
    ax.legend()

# %%
# AdamW: decoupled weight decay
# -----------------------------
#
# An L2 penalty adds :math:`\lambda w` to the gradient. Adam divides it by :math:`\sqrt{\hat v}` too, so parameters with large gradients
# hardly decay. AdamW decays all parameters equally. Here are two kinds of parameters that start at 1, 200 of each. Their gradients are
# noise, a hundred times as large for the second kind:

ends = {}
kinds = {
    "L2 in Adam": (nn.Adam(lr=1e-3), 0.1),
    "AdamW": (nn.AdamW(lr=1e-3, weight_decay=0.1), 0.0),
}
for name, (optimizer, penalty) in kinds.items():
    w, state = np.ones((2, 200)), np.zeros((2, 400))
    noise = np.random.default_rng(0)
    for t in range(1, 5001):
        g = noise.normal(size=(2, 200)) * [[0.1], [10.0]] + penalty * w
        optimizer.step(w.reshape(-1), g.reshape(-1), state, t)
    ends[name] = w.mean(axis=1)
    print(
        f"{name:10} after 5000 steps {ends[name][0]:.3f} and {ends[name][1]:.3f}"
    )
print(f"(1 − αλ)⁵⁰⁰⁰ = {(1 - 1e-4) ** 5000:.3f}")
assert np.ptp(ends["AdamW"]) < 0.05 < 0.3 < np.ptp(ends["L2 in Adam"])

# %%
# Compare on handwritten digits
# -----------------------------
#
# Each optimizer trains a network on handwritten digits with five learning rates, which fall to 0 by a cosine. The table shows the rate with
# the smallest training loss after twenty epochs.

X, y, X_test, y_test = load_digits_split()
X, X_test = X.reshape(-1, 64) / 16, X_test.reshape(-1, 64) / 16
candidates = {
    nn.SGD: (0.03, 0.1, 0.3, 1.0, 3.0),
    nn.Momentum: (0.01, 0.03, 0.1, 0.3, 1.0),
    nn.Nesterov: (0.01, 0.03, 0.1, 0.3, 1.0),
    nn.AdaGrad: (0.01, 0.03, 0.1, 0.3, 1.0),
    nn.RMSProp: (0.001, 0.003, 0.01, 0.03, 0.1),
    nn.Adam: (0.001, 0.003, 0.01, 0.03, 0.1),
    nn.AdamW: (0.001, 0.003, 0.01, 0.03, 0.1),
}
options = {
    "loss": "softmax_cross_entropy",
    "schedule": "cosine",
    "epochs": 20,
    "batch_size": 64,
    "rng": 0,
    "progress": False,
}

figure, ax = plt.subplots(figsize=(7, 4))
for index, (kind, rates) in enumerate(candidates.items()):
    runs = []
    for rate in rates:
        network = nn.Sequential(
            nn.Dense(64, "tanh"), nn.Dense(32, "tanh"), nn.Dense(10)
        )
        history = network.fit(X, y, optimizer=kind(lr=rate), **options)
        accuracy = network.evaluate(X_test, y_test)["accuracy"]
        runs.append((history["loss"], rate, accuracy))
    curve, rate, accuracy = min(runs, key=lambda run: run[0][-1])
    label = f"{kind.__name__}, lr = {rate:g}"
    print(
        f"{label:19} loss {curve[-1]:.4f}, test accuracy {accuracy:.3f}"
    )
    assert rates[0] < rate < rates[-1]
    assert accuracy > 0.95
    style = {"marker": "osD^vPX"[index], "markevery": (index, 7)}
    ax.semilogy(np.arange(1, 21), curve, label=label, **style)
ax.set(xlabel="epoch", ylabel="training loss", xticks=range(0, 21, 5))
ax.set_title("Digits, 64-64-32-10")
ax.grid(True)
ax.legend()

# %%
# With the right learning rate, every optimizer learns this task. They differ in speed, and in how much the rate matters.
# :func:`nncore.find_learning_rate` suggests a rate. An optimizer of your own has the same ``step``: see :class:`nncore.plugin.Optimizer`.
#
# .. [1] Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
# .. [2] Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k²)", 1983; in this form Sutskever et
#    al., "On the importance of initialization and momentum in deep learning", 2013.
# .. [3] Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
# .. [4] Tieleman & Hinton, "Neural networks for machine learning", lecture 6.5, 2012.
# .. [5] Kingma & Ba, "Adam: a method for stochastic optimization", 2015.
# .. [6] Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
