r"""
Surrogate model of a simulation, with gradients
===============================================

A network learns what a slow simulation computes from its parameters. It then predicts in microseconds, and
:meth:`~nncore.Sequential.input_gradients` gives the derivatives with respect to the parameters. Use them for sensitivities and for
optimisation.
"""

# %%
# The simulation
# --------------
#
# Two heaters warm a metal rod of 1 m for an hour. Where do they go, and how strong are they, so that the rod is 40 K warmer than the room
# everywhere? The simulation solves the heat equation
#
# .. math:: \frac{\partial T}{\partial t} = \alpha \frac{\partial^2 T}{\partial x^2} + q(x) - c\,T
#
# by 900 explicit steps. Its parameters are the positions of the heaters in m, their power in K/s, and the cooling :math:`c` in 1/1000 s.
# The result is the root mean square of :math:`T - 40`, in K. ``parameters`` has a row per simulation.

import time

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn

plt.style.use("nncore.displays.style")

NAMES = ["left", "right", "power", "cooling"]
LOW = np.array([0.05, 0.55, 0.05, 0.5])
HIGH = np.array([0.45, 0.95, 0.40, 1.6])

N_CELLS, SECONDS, ALPHA = 30, 4.0, 1e-4
WIDTH = 1 / N_CELLS
x = (np.arange(N_CELLS) + 0.5) * WIDTH


def simulate(parameters):
    left, right, power, cooling = parameters.T[:, :, None]
    heat = np.exp(-0.5 * ((x - left) / 0.03) ** 2)
    heat = power * (heat + np.exp(-0.5 * ((x - right) / 0.03) ** 2))
    T = np.zeros((len(parameters), N_CELLS))
    for _ in range(900):
        flow = ALPHA * SECONDS / WIDTH**2 * np.diff(T, axis=1)
        T[:, :-1] += flow
        T[:, 1:] -= flow
        T += SECONDS * (heat - 0.001 * cooling * T)
    return T


def deviation(parameters):
    return np.sqrt(((simulate(parameters) - 40) ** 2).mean(axis=1))


# %%
# Run it for random parameters
# ----------------------------
#
# 2,500 simulations to learn from, 500 to test with.

rng = np.random.default_rng(0)
parameters = rng.uniform(LOW, HIGH, (3000, 4))
results = deviation(parameters)
print(f"results from {results.min():.1f} to {results.max():.1f} K")

# %%
# Train the surrogate
# -------------------
#
# The inputs are scaled to the range from −1 to 1, the target to standard deviation 1. A smooth activation such as SiLU gives smooth
# gradients; ReLU would give steps.

middle, half = (HIGH + LOW) / 2, (HIGH - LOW) / 2
scale = results[:2500].std()


def scaled(parameters):
    return (parameters - middle) / half


net = nn.Sequential(
    nn.Dense(64, activation="silu"),
    nn.Dense(64, activation="silu"),
    nn.Dense(1),
)
X, y = scaled(parameters), results / scale
net.fit(
    X[:2500],
    y[:2500],
    loss="mse",
    optimizer=nn.Adam(lr=0.01),
    schedule="cosine",
    epochs=600,
    batch_size=32,
    rng=0,
    progress=False,
)
error = scale * net.predict(X[2500:])[:, 0] - results[2500:]
print(f"test error (RMS) {np.sqrt((error**2).mean()):.2f} K")


def seconds(function, argument, n_times):
    start = time.perf_counter()
    for _ in range(n_times):
        function(argument)
    return (time.perf_counter() - start) / n_times


slow = seconds(deviation, parameters[:1], 3)
quick = seconds(net.predict_one, X[0].astype("float32"), 1000)
print(f"one simulation {1e3 * slow:.0f} ms", end=", ")
print(f"one prediction {1e6 * quick:.1f} µs")

# %%
# Sensitivities
# -------------
#
# One call gives all derivatives of all samples. The chain rule takes the scaling back. Central differences of the simulation need eight
# more simulations per sample.


def gradients(parameters):
    found = net.input_gradients(scaled(parameters), output=0)
    return scale * found / half


some = parameters[2500:2600]
predicted = gradients(some)
differences = np.stack(
    [
        (deviation(some + h) - deviation(some - h)) / (2 * h.sum())
        for h in np.diag(half / 1000)
    ],
    axis=1,
)
for k, name in enumerate(NAMES):
    r = np.corrcoef(predicted[:, k], differences[:, k])[0, 1]
    print(f"{name:8} correlation {r:.3f}")

# %%
# The power and the cooling matter most, and their derivatives are the most exact. The position of the right heater has the smallest effect
# and the least exact derivative: check what you rely on.

figure, axes = plt.subplots(1, 4, figsize=(8.5, 2.6))
for k, (ax, name) in enumerate(zip(axes, NAMES, strict=True)):
    truth, found = (
        half[k] * differences[:, k],
        half[k] * predicted[:, k],
    )
    ax.plot(truth, truth, color="0.6", linewidth=1)
    ax.plot(truth, found, ".", markersize=4)
    ax.set(title=name, xlabel="simulation")
axes[0].set_ylabel("gradient of the network")
plt.show()

# %%
# Optimise with the gradients
# ---------------------------
#
# How should the rod be heated in rooms of different cooling? L-BFGS-B changes the other three parameters, on the surrogate and, to compare,
# on the simulation. The surrogate's optima are simulated at the end.

from scipy.optimize import minimize

bounds = list(zip(LOW[:3], HIGH[:3], strict=True))
coolings = np.linspace(0.6, 1.4, 5)
optima, n_simulations = {"surrogate": [], "simulation": []}, 0
for cooling in coolings:

    def row(design):
        return np.append(design, cooling)[None]  # noqa: B023

    def on_surrogate(design):
        value = scale * net.predict(scaled(row(design)))[0, 0]
        return float(value), gradients(row(design))[0, :3].astype(float)

    def on_simulation(design):
        return deviation(row(design))[0]

    start = middle[:3]
    found = minimize(on_surrogate, start, jac=True, bounds=bounds)
    optima["surrogate"].append(np.append(found.x, cooling))
    found = minimize(on_simulation, start, bounds=bounds)
    optima["simulation"].append(np.append(found.x, cooling))
    n_simulations += found.nfev

optima = {name: np.array(found) for name, found in optima.items()}
for name, found in optima.items():
    print(f"optimum on the {name:10}", deviation(found).round(2), "K")
print(n_simulations, "simulations for the second line")
for k, name in enumerate(NAMES[:3]):
    print(f"{name:5}", optima["surrogate"][:, k].round(2))

# %%
# Temperature along the rod, with the surrogate's optima. The heaters belong at a quarter and three quarters of the rod, whatever the
# cooling.

figure, ax = plt.subplots(figsize=(6.5, 3.4))
for cooling, T in zip(
    coolings, simulate(optima["surrogate"]), strict=True
):
    ax.plot(x, T, label=f"{cooling:.1f}")
ax.axhline(40, color="0.4", linewidth=1, linestyle=":")
ax.set(
    xlabel="position in m", ylabel="K above the room", ylim=(0, None)
)
ax.legend(title="cooling", ncols=5, loc="lower center")
plt.show()

# %%
# What to try next
# ----------------
#
# - More than one result: give the network several outputs, and call :meth:`~nncore.Sequential.jacobian`.
# - Simulations with noise, and intervals for the predictions: :doc:`/guide/uncertainty`.
# - More on input gradients: :doc:`/guide/explaining`.
