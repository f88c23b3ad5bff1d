"""
House prices: prediction intervals with quantile regression
===========================================================

Predict a price range for each house in place of a single number: the interval that holds the price in 90 % of all cases. The same code
works for delivery times, demand or any other real-valued target.
"""

# %%
# Simulate the houses
# -------------------
#
# The houses are simulated, so that the right width of each interval is known. The logarithm of the price depends on six columns. Its noise
# has a standard deviation of 0.08 for new houses and up to 0.28 for old ones. What an old house costs depends on its condition, which is
# not in the table.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

plt.style.use("nncore.displays.style")

DISTRICTS = {"harbour": 0.3, "hill": 0.15, "old town": 0.2, "west": 0.0}


def houses(n, rng):
    X = pd.DataFrame(
        {
            "area": rng.gamma(8, 15, n).round(),
            "rooms": rng.integers(1, 8, n),
            "age": rng.uniform(0, 100, n).round(),
            "distance": rng.exponential(6, n).round(1),
            "garden": rng.random(n) < 0.4,
            "district": rng.choice(list(DISTRICTS), n),
        }
    )
    log_price = (
        8.3
        + 0.8 * np.log(X["area"])
        + 0.02 * X["rooms"]
        - 0.004 * X["age"]
        - 0.1 * np.sqrt(X["distance"])
        + 0.1 * X["garden"]
        + X["district"].map(DISTRICTS)
    )
    noise = (0.08 + 0.002 * X["age"]) * rng.normal(size=n)
    return X, np.exp(log_price + noise).to_numpy() / 1000


rng = np.random.default_rng(0)
X, y = houses(2_000, rng)
X_test, y_test = houses(10_000, rng)
print(X.assign(price=y.round()).head(3).to_string(index=False))

# %%
# Train with the quantile loss
# ----------------------------
#
# One network predicts all quantiles: an output for each. The 5 % and 95 % quantiles are the ends of the 90 % interval.

from nncore.estimators import RealMLPRegressor

levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
model = RealMLPRegressor(
    preset="fast",
    loss={"name": "quantile", "quantiles": tuple(levels)},
    random_state=0,
)
model.fit(X, y)
quantiles = model.predict(X_test)
low, median, high = quantiles[:, [0, 3, 6]].T
print("predictions:", quantiles.shape)
for i in range(3):
    print(
        f"{low[i]:4.0f} to {high[i]:4.0f} thousand,"
        f" price {y_test[i]:4.0f}"
    )

# %%
# Measure the coverage
# --------------------
#
# The coverage is the share of houses whose price lies inside their interval. It should be 0.9, for new houses as well as for old ones.

inside = (low <= y_test) & (y_test <= high)
relative_width = (high - low) / median
new, old = X_test["age"] < 20, X_test["age"] > 80
for name, chosen in (("all", new | ~new), ("new", new), ("old", old)):
    print(
        f"{name} houses: coverage {inside[chosen].mean():.3f},"
        f" width {relative_width[chosen].mean():.0%} of the median"
    )

assert 0.8 < inside.mean() < 0.95
assert relative_width[old].mean() > 1.5 * relative_width[new].mean()

# %%
# The network has learned that prices of old houses are less certain. The left picture shows 200 houses. In the right one, as many prices
# should lie below a quantile as its level says: on the diagonal.

order = np.argsort(median[:200])
rank = np.arange(len(order))
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
        rank[rows],
        y_test[order][rows],
        style,
        markersize=4,
        label=label,
    )
ax.set(xlabel="houses by predicted median", ylabel="price in thousands")
ax.legend(loc="upper left")

below = (y_test[:, None] <= quantiles).mean(axis=0)
ax_level.plot([0, 1], [0, 1], "0.7")
ax_level.plot(levels, below, "C0o-")
ax_level.set(
    xlabel="level of the quantile",
    ylabel="share of prices below it",
    aspect="equal",
)
plt.show()

# %%
# Correct the coverage
# --------------------
#
# Conformalized quantile regression moves both ends of all intervals by one number. It is the 90 % quantile of how far prices lie outside of
# their intervals (negative inside), for houses that the model was not trained on. Here it is computed for logarithms of prices, so both
# ends move by the same percentage.

X_calibration, y_calibration = houses(1_000, rng)
ends = np.log(model.predict(X_calibration)[:, [0, 6]])
prices = np.log(y_calibration)
outside_by = np.maximum(ends[:, 0] - prices, prices - ends[:, 1])
n = len(prices)
level = np.ceil(0.9 * (n + 1)) / n
shift = np.quantile(outside_by, level, method="higher")

low, high = low * np.exp(-shift), high * np.exp(shift)
corrected = ((low <= y_test) & (y_test <= high)).mean()
print(f"both ends move by {np.expm1(shift):.1%}")
print(f"coverage: {inside.mean():.3f} before, {corrected:.3f} after")

assert 0.88 < corrected < 0.92

# %%
# Next steps
# ----------
#
# - Means with standard deviations, and other losses for uncertainty: :doc:`/guide/uncertainty`.
# - A single network in place of an ensemble: :class:`nncore.estimators.MLPRegressor` takes the same ``loss``.
# - Rates and counts in place of amounts: :doc:`plot_counts`.
#
# Reference: Romano, Patterson & Candès, "Conformalized quantile regression", 2019.
