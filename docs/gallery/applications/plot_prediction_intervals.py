"""
Prediction intervals with quantile regression
=============================================

Predict a range in place of a single number: the interval that holds the target in 90 % of all cases. Here the target is how far diabetes
progressed in a year, for 442 patients; house prices, delivery times and demand are done alike.
"""

# %%
# The data
# --------
#
# scikit-learn ships this table. Its ten columns are age, sex, body mass index, blood pressure and six blood values.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

plt.style.use("nncore.displays.style")

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
print("patients:", len(y), " target:", y.min(), "to", y.max())

# %%
# Train with the quantile loss
# ----------------------------
#
# One network predicts all quantiles: an output for each. The 5 % and 95 % quantiles are the ends of the 90 % interval.
# ``cross_val_predict`` predicts each patient by a model that was trained without this patient.

from sklearn.model_selection import KFold, cross_val_predict

from nncore.estimators import RealMLPRegressor

levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
model = RealMLPRegressor(
    preset="fast",
    loss={"name": "quantile", "quantiles": tuple(levels)},
    random_state=0,
)
folds = KFold(5, shuffle=True, random_state=0)
quantiles = cross_val_predict(model, X, y, cv=folds)
low, median, high = quantiles[:, [0, 3, 6]].T
print("predictions:", quantiles.shape)
print("first patient:", low[0].round(), "to", high[0].round())

# %%
# Measure the coverage
# --------------------
#
# The coverage is the share of patients whose target lies inside their interval. Compare the width with that of one interval for everyone.

y = y.to_numpy()
inside = (low <= y) & (y <= high)
constant = np.quantile(y, [0.05, 0.95])
print(f"coverage of the 90 % interval: {inside.mean():.3f}")
print(f"mean width: {(high - low).mean():.0f}")
print(f"width of one interval for all: {np.ptp(constant):.0f}")

assert 0.82 < inside.mean() < 0.88
assert (high - low).mean() < 0.7 * np.ptp(constant)

# %%
# The intervals are a third narrower than one for all, but hold 85 % of the targets in place of 90 %. With so few patients, networks are
# too sure of quantiles at the ends. The right picture shows it for each quantile: on the diagonal, as many targets lie below as should.

order = np.argsort(median)
rank = np.arange(len(y))
figure, (ax, ax_level) = plt.subplots(
    1, 2, figsize=(7.5, 3.8), width_ratios=(3, 2)
)
ax.fill_between(
    rank, low[order], high[order], color="C5", alpha=0.4, linewidth=0
)
ax.plot(rank, median[order], "C0", label="median")
for label, rows, style in (
    ("inside", inside[order], "k."),
    ("outside", ~inside[order], "C1x"),
):
    ax.plot(
        rank[rows], y[order][rows], style, markersize=4, label=label
    )
ax.set(xlabel="patients by predicted median", ylabel="progression")
ax.legend(loc="upper left")

below = (y[:, None] <= quantiles).mean(axis=0)
ax_level.plot([0, 1], [0, 1], "0.7")
ax_level.plot(levels, below, "C0o-")
ax_level.set(
    xlabel="level of the quantile",
    ylabel="share of targets below it",
    aspect="equal",
)
plt.show()

# %%
# Correct the coverage
# --------------------
#
# Conformalized quantile regression moves both ends by one number. It is the 90 % quantile of how far targets lie outside of their intervals
# (negative inside), over patients that the model was not trained on. Half of the patients give the number, the other half measure what it
# does; the mean is over 200 random halves.

outside_by = np.maximum(low - y, y - high)
rng = np.random.default_rng(0)
corrected, shifts = [], []
for _ in range(200):
    calibration, rest = np.split(rng.permutation(len(y)), 2)
    n = len(calibration)
    level = np.ceil(0.9 * (n + 1)) / n
    shift = np.quantile(outside_by[calibration], level, method="higher")
    shifts.append(shift)
    corrected.append((outside_by[rest] <= shift).mean())
print(f"both ends move by {np.mean(shifts):.1f}")
print(f"coverage: {np.mean(corrected):.3f}")

assert 0.89 < np.mean(corrected) < 0.91

# %%
# Next steps
# ----------
#
# - Means with standard deviations, and other losses for uncertainty: :doc:`/guide/uncertainty`.
# - A single network in place of an ensemble: :class:`nncore.estimators.MLPRegressor` takes the same ``loss``.
# - Rates and counts in place of amounts: :doc:`plot_counts`.
#
# Reference: Romano, Patterson & Candès, "Conformalized quantile regression", 2019.
