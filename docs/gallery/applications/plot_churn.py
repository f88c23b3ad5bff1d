"""
Predict churn with categories and missing values
================================================

Which customers will cancel? Train on a table of text, numbers and gaps as it is, then find the customers worth a call and the columns that
matter.
"""

# %%
# The data
# --------
#
# The customers are simulated. With a table of your own, replace the function by ``pd.read_csv``; the rest of the page stays the same.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

plt.style.use("nncore.displays.style")


def simulate_customers(n, seed=0):
    """A telephone company's customers, and whether each left."""
    rng = np.random.default_rng(seed)
    contract = rng.choice(
        ["monthly", "one year", "two years"], n, p=[0.55, 0.25, 0.2]
    )
    months = rng.gamma(1.6, 18, n).clip(1, 90).round()
    internet = rng.choice(
        ["fibre", "dsl", "none"], n, p=[0.45, 0.35, 0.2]
    )
    base = np.select(
        [internet == "fibre", internet == "dsl"], [70, 45], 20
    )
    bill = (base + rng.gamma(4, 4, n)).round(2)
    calls = rng.poisson(0.6 + 0.6 * (internet == "fibre"))
    payment = rng.choice(["card", "transfer", "invoice"], n)
    city = rng.choice([f"city {i:02}" for i in range(30)], n)
    days = rng.exponential(12, n).round()
    logit = -4.2 + 1.3 * (contract == "monthly")
    logit += 1.2 * np.exp(-months / 12) + 0.3 * calls
    # A high bill drives away those who can leave at any time, and calls
    # those who are new.
    logit += 0.05 * (bill - 50) * (contract == "monthly")
    logit += 0.8 * calls * (months < 12) + 0.7 * (payment == "invoice")
    logit += 0.9 * (city < "city 06")
    app = rng.random(n) < 0.7
    logit += np.where(app, 0.04 * days, 1.2)
    left = rng.random(n) < 1 / (1 + np.exp(-logit))
    table = pd.DataFrame(
        {
            "contract": contract,
            "months": np.where(rng.random(n) < 0.05, np.nan, months),
            "internet": internet,
            "monthly_bill": bill,
            "support_calls": calls,
            "payment": np.where(rng.random(n) < 0.08, None, payment),
            "city": city,
            "days_since_login": np.where(app, days, np.nan),
            "paperless": rng.choice(["yes", "no"], n),
        }
    )
    return table, left


X, y = simulate_customers(6000)
print(X.iloc[0].to_string())
print(f"left: {y.mean():.0%}")
print("missing:", X.isna().sum()[X.isna().any()].to_dict())

# %%
# Train
# -----
#
# Text becomes categories, and gaps need no imputation. ``preset="fast"`` averages the networks of a cross-validation and needs no tuning.

from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from nncore.estimators import RealMLPClassifier

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.33, stratify=y, random_state=0
)
model = RealMLPClassifier(preset="fast", random_state=0)
model.fit(X_train, y_train)
probability = model.predict_proba(X_test)[:, 1]

# %%
# Compare with logistic regression
# --------------------------------
#
# The usual baseline needs a pipeline: impute, scale, encode.

from sklearn.compose import (
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
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
baseline = make_pipeline(encode, LogisticRegression(max_iter=1000))
baseline.fit(X_train, y_train)
linear = baseline.predict_proba(X_test)[:, 1]

for name, p in {
    "logistic regression": linear,
    "RealMLP": probability,
}.items():
    print(
        f"{name:20} AUC {roc_auc_score(y_test, p):.3f}",
        f"log loss {log_loss(y_test, p):.3f}",
    )

assert roc_auc_score(y_test, probability) > roc_auc_score(
    y_test, linear
)
assert log_loss(y_test, probability) < log_loss(y_test, linear)

# %%
# RealMLP is better in both. In this simulation a high bill matters for monthly contracts only, and support calls matter more to new
# customers; a linear model of the columns cannot express that.
#
# Whom to call
# ------------
#
# Sort the customers by their probability and call the first ones. The gain is the share of all leavers among those called. The right
# picture shows whether the probabilities can be trusted: of customers with 30 %, about 30 % should leave.

from sklearn.calibration import CalibrationDisplay

called = np.arange(1, len(y_test) + 1) / len(y_test)
figure, (ax, ax_calibration) = plt.subplots(1, 2, figsize=(7.5, 3.8))
for name, p, color in (
    ("RealMLP", probability, "C0"),
    ("logistic regression", linear, "C1"),
):
    found = y_test[np.argsort(-p)].cumsum() / y_test.sum()
    ax.plot(called, found, color, label=name)
    print(
        f"{name:20} among the first 20 %: {found[called <= 0.2][-1]:.0%}"
    )
    CalibrationDisplay.from_predictions(
        y_test,
        p,
        n_bins=8,
        strategy="quantile",
        ax=ax_calibration,
        name=name,
        color=color,
    )
ax.plot([0, 1], [0, 1], "0.7", label="at random")
ax.set(xlabel="customers called", ylabel="leavers found")
ax.legend(loc="lower right")
ax_calibration.set(
    xlabel="predicted probability", ylabel="share that left"
)
ax_calibration.legend(loc="upper left")
plt.show()

# %%
# Which columns matter
# --------------------
#
# Permutation importance shuffles one column of the test set at a time, and measures how much the AUC drops.

from sklearn.inspection import permutation_importance

importance = permutation_importance(
    model,
    X_test,
    y_test,
    scoring="roc_auc",
    n_repeats=5,
    random_state=0,
)
order = importance.importances_mean.argsort()
figure, ax = plt.subplots(figsize=(6.5, 3.2))
ax.barh(
    X.columns[order],
    importance.importances_mean[order],
    xerr=importance.importances_std[order],
    color="C0",
)
ax.set(xlabel="drop in AUC when shuffled")
plt.show()

assert X.columns[order[-1]] == "contract"
assert importance.importances_mean[X.columns == "paperless"] < 0.005

# %%
# ``paperless`` was drawn at random, and its importance is zero, as it should be. Importances tell what the model uses, not what would keep
# customers.
#
# Next steps
# ----------
#
# - Rare leavers, costs and thresholds: :doc:`plot_fraud`.
# - How categories, dates and gaps are encoded: :doc:`/how-to/categories-and-missing-values`.
# - More accurate models for tables, and tuning: :doc:`/guide/tables`.
# - Explain a single prediction: :doc:`/guide/explaining`.
