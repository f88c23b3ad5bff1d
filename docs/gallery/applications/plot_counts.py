"""
Poisson regression: counts with exposure
========================================

Predict counts per unit of time, such as insurance claims per year, where rows were observed for different times. The exposure goes to
``fit`` beside the counts, and the network learns the rate.
"""

# %%
# The data
# --------
#
# The policies are simulated, so that the true rates are known. Young and very old drivers have more claims, and strong cars make young
# drivers more dangerous. ``exposure`` is the part of a year that a policy was observed.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

plt.style.use("nncore.displays.style")


def simulate_policies(n, seed=0):
    """Policies, years observed, numbers of claims, and true rates."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    power = rng.integers(4, 14, n)
    region = rng.choice(["city", "suburb", "village"], n)
    car = rng.choice(["small", "family", "sport", "van"], n)
    log_rate = -2.4 + 0.5 * (region == "city") + 0.5 * (car == "sport")
    log_rate += 1.1 * np.exp(-(age - 18) / 8)
    log_rate += 0.9 * np.clip((age - 70) / 20, 0, 1)
    log_rate += 0.12 * (power - 8) * (age < 30)
    rate = np.exp(log_rate)
    years = rng.uniform(0.05, 1, n).round(2)
    table = pd.DataFrame(
        {"age": age, "power": power, "region": region, "car": car}
    )
    return table, years, rng.poisson(rate * years), rate


X, years, claims, rate = simulate_policies(40_000)
print("policies by number of claims:", np.bincount(claims))
print("claims per year:", (claims.sum() / years.sum()).round(3))

# %%
# Train
# -----
#
# ``loss="poisson"`` with ``exposure`` is the Poisson regression with an offset of log(exposure). The model predicts claims per year.

from nncore.estimators import RealMLPRegressor

train, test = slice(0, 20_000), slice(20_000, None)
model = RealMLPRegressor(preset="fast", loss="poisson", random_state=0)
model.fit(X[train], claims[train], exposure=years[train])
network = model.predict(X)  # per year
expected = model.predict(X[test], exposure=years[test])  # in the time
print("first policy:", network[0].round(3), "claims per year")

# %%
# Check the total
# ---------------
#
# Like a linear Poisson regression, each network predicts as many claims in total as its training data have. The number of claims in the
# test set has a standard deviation of its own, about its square root.

n_claims = claims[test].sum()
print(f"test claims: {n_claims} ± {n_claims**0.5:.0f}")
print(f"expected:    {expected.sum():.0f}")

assert abs(expected.sum() / n_claims - 1) < 0.05

# %%
# Compare with a linear Poisson regression
# ----------------------------------------
#
# The Poisson deviance is the error of rates. Lower is better, and even the true rates do not reach zero.

from sklearn.compose import make_column_transformer
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

encode = make_column_transformer(
    (StandardScaler(), ["age", "power"]),
    (OneHotEncoder(), ["region", "car"]),
)
glm = make_pipeline(encode, PoissonRegressor(alpha=1e-4))
glm.fit(
    X[train],
    (claims / years)[train],
    poissonregressor__sample_weight=years[train],
)
rates = {
    "one rate for all": np.full(
        len(X), claims[train].sum() / years[train].sum()
    ),
    "linear": glm.predict(X),
    "network": network,
    "true rates": rate,
}
deviance = {
    name: mean_poisson_deviance(
        (claims / years)[test], r[test], sample_weight=years[test]
    )
    for name, r in rates.items()
}
for name, value in deviance.items():
    print(f"{name:17} {value:.4f}")

assert deviance["network"] < deviance["linear"]
assert deviance["true rates"] < deviance["network"]

# %%
# Check the rates by group
# ------------------------
#
# Rates must hold in groups, not only on average. A group's observed rate is its claims over its years; bars are two standard errors.

age, w = X["age"][test].to_numpy(), years[test]
edges = np.array([18, 22, 26, 30, 40, 50, 60, 70, 75, 80, 85, 90])
group = np.digitize(age, edges) - 1
group_years = np.bincount(group, w)
observed = np.bincount(group, claims[test]) / group_years
errors = 2 * np.sqrt(observed / group_years)


def by_group(r):
    return np.bincount(group, r[test] * w) / group_years


middle = (edges[:-1] + edges[1:]) / 2
figure, (ax, ax_decile) = plt.subplots(
    1, 2, figsize=(7.5, 3.8), width_ratios=(3, 2)
)
ax.errorbar(
    middle, observed, errors, fmt="k.", capsize=2, label="observed"
)
ax.plot(middle, by_group(network), "C0o-", label="network")
ax.plot(middle, by_group(rates["linear"]), "C1s--", label="linear")
ax.set(xlabel="age", ylabel="claims per year", ylim=(0, None))
ax.legend()

# The same for tenths of the policies, by predicted rate.
order = np.argsort(network[test])
for tenth in np.array_split(order, 10):
    predicted = np.average(network[test][tenth], weights=w[tenth])
    found = claims[test][tenth].sum() / w[tenth].sum()
    ax_decile.plot(predicted, found, "C0o")
ax_decile.axline((0, 0), slope=1, color="0.7")
ax_decile.set(xlabel="predicted rate", ylabel="observed rate")
plt.show()

inside = abs(by_group(network) - observed) < errors
print("network within two errors:", inside.sum(), "of", len(inside))
inside_linear = abs(by_group(rates["linear"]) - observed) < errors
print("linear within two errors: ", inside_linear.sum())

assert inside.sum() > inside_linear.sum()

# %%
# The network follows the two ends of the ages. The linear model needs age groups for that, chosen by hand.
#
# Next steps
# ----------
#
# - Amounts with many zeros, such as cost per policy: ``loss="tweedie"``, :class:`nncore.Tweedie`, takes ``exposure`` as well.
# - The same for a CSV file: ``nncore train --exposure-column``, see :doc:`/how-to/rows-and-scores`.
# - A loss for each kind of target: :doc:`/guide/losses`.
#
# Reference: Wüthrich, "Bias regularization in neural network models for general insurance pricing", 2020, on the level of rates.
