"""
Fraud detection: imbalanced classes, class weights and thresholds
=================================================================

Find the payments that are fraud, fewer than 1 in 100. Accuracy says nothing here: measure the average precision, and choose the threshold
by what errors cost.
"""

# %%
# The data
# --------
#
# The payments are simulated. Fraud is more frequent abroad, at night, in large amounts, and shortly after another payment.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

plt.style.use("nncore.displays.style")


def simulate_payments(n, seed=0):
    """Payments by card, and whether each is fraud."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3.3, 1, n).round(2)
    hour = (rng.normal(14, 4, n) % 24).round(1)
    shop = rng.choice(
        ["food", "clothes", "travel", "electronics", "games"],
        n,
        p=[0.45, 0.25, 0.1, 0.1, 0.1],
    )
    abroad, online = rng.random(n) < 0.06, rng.random(n) < 0.4
    minutes = rng.exponential(600, n).round(1)
    risky = np.isin(shop, ["electronics", "games"])
    logit = -10.8 + 2 * (np.log(amount) - 3.3) + 2 * abroad + 2 * risky
    logit += 4 * np.exp(-minutes / 60) + 3 * ((hour < 5) | (hour > 22))
    logit += 4 * (online & abroad) + 3 * (risky & (amount > 100))
    fraud = rng.random(n) < 1 / (1 + np.exp(-logit))
    table = pd.DataFrame(
        {
            "amount": amount,
            "hour": hour,
            "shop": shop,
            "abroad": np.where(abroad, "yes", "no"),
            "online": np.where(online, "yes", "no"),
            "minutes_since_last": minutes,
        }
    )
    return table, fraud


X, y = simulate_payments(40_000)
print(X.iloc[0].to_string())
print(f"fraud: {y.sum()} of {len(y)}, {y.mean():.2%}")

# %%
# Train without and with class weights
# ------------------------------------
#
# ``class_weight="balanced"`` gives all frauds together the same weight as all other payments. Half of the payments train, a quarter
# chooses thresholds, and a quarter measures.

from sklearn.metrics import (
    average_precision_score,
    precision_score,
    recall_score,
)

from nncore.estimators import RealMLPClassifier

train, choose = slice(0, 20_000), slice(20_000, 30_000)
test = slice(30_000, None)
probability = {}
for name, class_weight in {
    "no weights": None,
    "balanced": "balanced",
}.items():
    model = RealMLPClassifier(
        preset="fast", class_weight=class_weight, random_state=0
    )
    model.fit(X[train], y[train])
    probability[name] = model.predict_proba(X)[:, 1]


def measure(name, threshold):
    p = probability[name][test]
    found = p >= threshold
    print(
        f"{name:11} threshold {threshold:.2f}:",
        f"precision {precision_score(y[test], found):.2f},",
        f"recall {recall_score(y[test], found):.2f}",
    )
    return recall_score(y[test], found)


average = {
    name: average_precision_score(y[test], p[test])
    for name, p in probability.items()
}
print(f"payments at random: average precision {y[test].mean():.3f}")
for name, value in average.items():
    print(f"{name:18}: average precision {value:.3f}")
recalls = {name: measure(name, 0.5) for name in probability}

assert min(average.values()) > 0.45
assert abs(average["balanced"] - average["no weights"]) < 0.05
assert recalls["balanced"] > recalls["no weights"] + 0.2

# %%
# Both models rank payments alike: their average precision is the same. The weights change where 0.5 lies. With them more frauds are above
# it, and many more false alarms.
#
# Choose the threshold by cost
# ----------------------------
#
# Say a missed fraud costs 150 and a check by phone 5. Take the threshold of the least cost, on payments that were not trained on.

missed, check = 150, 5


def cost(name, rows, thresholds):
    """Cost per 1,000 payments at each threshold."""
    p, fraud = probability[name][rows], y[rows]
    found = p >= np.reshape(thresholds, (-1, 1))
    total = missed * (fraud & ~found).sum(axis=1)
    total += check * found.sum(axis=1)
    return 1000 * total / len(p)


thresholds = np.linspace(0.005, 0.995, 199)
best, costs = {}, {}
for name in probability:
    best[name] = thresholds[cost(name, choose, thresholds).argmin()]
    measure(name, best[name])
    (costs[name],) = cost(name, test, best[name])
    (at_half,) = cost(name, test, 0.5)
    print(
        f"            cost {costs[name]:.0f} per 1,000 payments,",
        f"{at_half:.0f} at 0.5",
    )
    assert costs[name] < at_half
print(f"no checks at all: {1000 * missed * y[test].mean():.0f}")

# %%
# With its own threshold, each model costs about the same, and less than at 0.5. Without weights the probabilities stay those of real
# payments: the threshold is near 5 / 150, what a check costs over what it saves.

from sklearn.metrics import precision_recall_curve

figure, (ax, ax_cost) = plt.subplots(1, 2, figsize=(7.5, 3.8))
for (name, p), color in zip(
    probability.items(), ("C0", "C1"), strict=True
):
    precision, recall, _ = precision_recall_curve(y[test], p[test])
    label = f"{name}, AP {average[name]:.2f}"
    ax.plot(recall, precision, color, label=label)
    for threshold, marker in ((0.5, "s"), (best[name], "o")):
        found = p[test] >= threshold
        ax.plot(
            recall_score(y[test], found),
            precision_score(y[test], found),
            marker,
            color=color,
        )
    curve = cost(name, test, thresholds)
    ax_cost.plot(thresholds, curve, color, label=name)
    ax_cost.plot(best[name], costs[name], "o", color=color)
ax.set(xlabel="recall", ylabel="precision")
ax.set_title("squares: 0.5, dots: the chosen threshold")
ax.legend(loc="lower left")
ax_cost.set(
    xlabel="threshold", ylabel="cost per 1,000 payments", ylim=(0, None)
)
ax_cost.legend()
plt.show()

# %%
# Next steps
# ----------
#
# - Weights of samples, balanced batches and other losses: :doc:`/guide/imbalance`.
# - Check and calibrate the probabilities: :doc:`/guide/uncertainty`.
# - Explain why a payment was flagged: :doc:`/guide/explaining`.
