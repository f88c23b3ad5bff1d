"""
Time series forecasting with lagged windows
===========================================

Forecast the next five values of a series from its last eleven. The series is real: the yearly number of sunspots from 1700 to 2008, which
rises and falls in a cycle of about eleven years.
"""

# %%
# The series
# ----------
#
# 309 numbers of the National Geophysical Data Center (public domain), one for each year. ``statsmodels.api.datasets.sunspots`` loads the
# same series:

import matplotlib.pyplot as plt
import numpy as np

plt.style.use("nncore.displays.style")

SUNSPOTS = """
5 11 16 23 36 58 29 20 10 8 3 0 0 2 11 27 47 63 60 39 28 26 22 11 21
40 78 122 103 73 47 35 11 5 16 34 70 81 111 101 73 40 20 16 5 11 22 40
60 80.9 83.4 47.7 47.8 30.7 12.2 9.6 10.2 32.4 47.6 54 62.9 85.9 61.2
45.1 36.4 20.9 11.4 37.8 69.8 106.1 100.8 81.6 66.5 34.8 30.6 7 19.8
92.5 154.4 125.9 84.8 68.1 38.5 22.8 10.2 24.1 82.9 132 130.9 118.1
89.9 66.6 60 46.9 41 21.3 16 6.4 4.1 6.8 14.5 34 45 43.1 47.5 42.2
28.1 10.1 8.1 2.5 0 1.4 5 12.2 13.9 35.4 45.8 41.1 30.1 23.9 15.6 6.6
4 1.8 8.5 16.6 36.3 49.6 64.2 67 70.9 47.8 27.5 8.5 13.2 56.9 121.5
138.3 103.2 85.7 64.6 36.7 24.2 10.7 15 40.1 61.5 98.5 124.7 96.3 66.6
64.5 54.1 39 20.6 6.7 4.3 22.7 54.8 93.8 95.8 77.2 59.1 44 47 30.5
16.3 7.3 37.6 74 139 111.2 101.6 66.2 44.7 17 11.3 12.4 3.4 6 32.3
54.3 59.7 63.7 63.5 52.2 25.4 13.1 6.8 6.3 7.1 35.6 73 85.1 78 64 41.8
26.2 26.7 12.1 9.5 2.7 5 24.4 42 63.5 53.8 62 48.5 43.9 18.6 5.7 3.6
1.4 9.6 47.4 57.1 103.9 80.6 63.6 37.6 26.1 14.2 5.8 16.7 44.3 63.9 69
77.8 64.9 35.7 21.2 11.1 5.7 8.7 36.1 79.7 114.4 109.6 88.8 67.8 47.5
30.6 16.3 9.6 33.2 92.6 151.6 136.3 134.7 83.9 69.4 31.5 13.9 4.4 38
141.7 190.2 184.8 159 112.3 53.9 37.6 27.9 10.2 15.1 47 93.8 105.9
105.5 104.5 66.6 68.9 38 34.5 15.5 12.6 27.5 92.5 155.4 154.6 140.4
115.9 66.6 45.9 17.9 13.4 29.4 100.2 157.6 142.6 145.7 94.3 54.6 29.9
17.5 8.6 21.5 64.3 93.3 119.6 111 104 63.7 40.4 29.8 15.2 7.5 2.9
"""
series = np.array(SUNSPOTS.split(), dtype=float)
years = np.arange(1700, 1700 + len(series))
print(len(series), "years, mean", series.mean().round(1))

# %%
# Turn the series into a table
# ----------------------------
#
# A window slides along the series. Its first 11 values are the features of a sample, the 5 values after them its targets.

n_lags, horizon = 11, 5
windows = np.lib.stride_tricks.sliding_window_view(
    series, n_lags + horizon
)
X, Y = windows[:, :n_lags], windows[:, n_lags:]
start = years[n_lags : n_lags + len(X)]  # the first year to forecast
print("features:", X.shape, " targets:", Y.shape)

# %%
# Split by time
# -------------
#
# A random split would put neighbours of test windows into the training set, and those share most of their values. So train on all windows
# that end before 1950, and test on all forecasts from 1950 on.

train, test = start + horizon <= 1950, start >= 1950
print("training windows:", train.sum(), " test windows:", test.sum())

# %%
# Train
# -----
#
# ``times`` validates on the latest fifth of the training windows, never on a random part. ``n_ens=8`` averages eight networks, which helps
# with so few samples. All five years are the targets of the same networks.

from nncore.estimators import RealMLPRegressor

model = RealMLPRegressor(preset="fast", n_cv=1, n_ens=8, random_state=0)
model.fit(X[train], Y[train], times=start[train])
forecast = model.predict(X[test])
print("forecasts:", forecast.shape)

# %%
# Compare with naive forecasts
# ----------------------------
#
# A network is worth its time only if it beats two baselines. The first repeats the last value. The second, the seasonal naive forecast,
# repeats the values of one cycle ago.

last_value = np.repeat(X[test][:, -1:], horizon, axis=1)
one_cycle_ago = X[test][:, n_lags - 11 : n_lags - 11 + horizon]


def error(prediction):
    """Mean absolute error of each year ahead."""
    return np.abs(prediction - Y[test]).mean(axis=0)


errors = {
    "last value": error(last_value),
    "11 years ago": error(one_cycle_ago),
    "network": error(forecast),
}
print("years ahead     ", "".join(f"{k:6}" for k in range(1, 6)))
for name, values in errors.items():
    print(f"{name:16}", "".join(f"{value:6.1f}" for value in values))

assert (errors["network"] < errors["last value"]).all()
assert (errors["network"] < errors["11 years ago"]).all()

# %%
# The network has the smallest error for each of the five years. Its errors grow with the distance: five years ahead it is hardly better
# than the value of 11 years ago.

figure, (ax, ax_error) = plt.subplots(
    2, 1, figsize=(7, 6.5), height_ratios=(3, 2)
)
shown = years >= 1940
ax.plot(years[shown], series[shown], "k.-", label="observed")
for i in range(0, len(forecast), 5):
    ahead = start[test][i] + np.arange(horizon)
    label = "forecast of five years" if i == 0 else None
    ax.plot(ahead, forecast[i], "C1o-", markersize=4, label=label)
    ax.axvline(ahead[0] - 0.5, color="0.9", linewidth=1, zorder=0)
ax.set(xlabel="year", ylabel="sunspots", ylim=(0, None))
ax.legend(loc="upper right")

styles = {"last value": "C6s--", "11 years ago": "C0^--"}
for name, values in errors.items():
    style = styles.get(name, "C1o-")
    ax_error.plot(range(1, 6), values, style, label=name)
ax_error.set(
    xlabel="years ahead",
    ylabel="mean absolute error",
    xticks=range(1, 6),
    ylim=(0, None),
)
ax_error.legend()
plt.show()

# %%
# Next steps
# ----------
#
# - Other features: put further columns beside the lags, such as the month or a price that is known in advance. Dates in a frame
#   :doc:`become their parts </how-to/categories-and-missing-values>`.
# - Intervals in place of single numbers: :doc:`plot_prediction_intervals`.
# - A split by time for a CSV file: ``nncore train --time-column``, see :doc:`/how-to/rows-and-scores`.
