r"""
Distill gradient boosting into a small network, and export it to C
==================================================================

Knowledge distillation trains a small network on the probabilities that boosted trees predict. Here it is better than the same network
trained on labels, and as good as the trees. Its 178 parameters go into a C header, for a microcontroller or any other program.
"""

# %%
# Simulate the data
# -----------------
#
# The rows are loans, and the class is whether they are repaid. They are simulated, so that there are as many rows as the comparison needs.
# The risk follows thresholds and interactions, which trees find more easily than a small network. Three columns are noise.
#
# Only 2,000 loans have a label: the others are still running. This is where distillation helps, because the teacher can label all rows.

import pickle
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

import nncore as nn

plt.style.use("nncore.displays.style")


def loans(n, rng):
    age, months = rng.uniform(18, 80, n), rng.uniform(0, 120, n)
    income = rng.lognormal(3.4, 0.5, n)
    debt, late = rng.uniform(size=n), rng.poisson(0.6, n)
    risk = (
        -2.2
        + 1.8 * (late >= 2)
        + 1.5 * ((late >= 1) & (months < 36))
        + 2.0 * ((debt > 0.6) & (income < 35))
        + 1.5 * (months < 12)
        - 1.2 * ((age > 50) & (debt < 0.3))
        + 1.0 * ((age < 25) & (income < 25))
    )
    noise = rng.normal(size=(3, n))
    X = np.column_stack([age, income, debt, late, months, *noise])
    return X, (rng.random(n) < 1 / (1 + np.exp(risk))).astype(int)


rng = np.random.default_rng(0)
X, y = loans(2_000, rng)
X_unlabelled, _ = loans(40_000, rng)
X_test, y_test = loans(20_000, rng)
print(f"{y.mean():.0%} of the loans are repaid")

# %%
# Train teacher and student
# -------------------------
#
# ``y`` of ``fit`` may be rows of probabilities. The student learns those that the teacher predicts for all 42,000 rows. The baseline is the
# same network, trained on the 2,000 labels. Its number of epochs is the best of three on the test rows, which favours it.


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
auc = {
    name: roc_auc_score(y_test, p[:, 1])
    for name, p in probabilities.items()
}
for name, p in probabilities.items():
    loss = log_loss(y_test, p)
    print(f"{name:24} ROC AUC {auc[name]:.3f}  log loss {loss:.3f}")

assert auc["student"] > auc["small network on labels"] + 0.01
assert auc["student"] > auc["teacher"] - 0.005

# %%
# The student scores as high as its teacher. The same network learns less from the labels alone: 2,000 are few, and each is only 0 or 1.
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
header = Path(folder.name, "loan.h")
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
# The left picture compares the scores; 0.5 is chance. The right one shows the probabilities of 2,000 test rows. They would lie on the line
# if the student copied its teacher exactly.

figure, (ax_auc, ax) = plt.subplots(
    1, 2, figsize=(8.4, 3.9), width_ratios=(1, 1.2)
)
bars = ax_auc.barh(
    [name.replace(" on", "\non") for name in auc][::-1],
    list(auc.values())[::-1],
    color=["C5", "C1", "C0"],
)
ax_auc.bar_label(bars, fmt="%.3f", padding=3)
ax_auc.set(xlabel="ROC AUC", xlim=(0.5, 0.86))
shown = slice(2_000)
ax.plot([0, 1], [0, 1], color="0.6", linewidth=1)
for label, name in enumerate(("not repaid", "repaid")):
    chosen = y_test[shown] == label
    ax.plot(
        probabilities["teacher"][shown][chosen, 1],
        p_student[shown][chosen, 1],
        "os"[label],
        markersize=3,
        alpha=0.4,
        label=name,
    )
ax.set(xlabel="probability of repayment: teacher", ylabel="student")
ax.legend()
plt.show()

# %%
# What to try next
# ----------------
#
# - Temperatures, unlabelled rows and ensembles as teachers: :doc:`/how-to/distill`.
# - Weights of one byte each: :doc:`/how-to/quantize`.
# - ONNX and NumPy instead of C: :doc:`/how-to/export-onnx-numpy`.
