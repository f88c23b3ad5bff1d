r"""
Distill gradient boosting into a small network, and export it to C
==================================================================

A small network learns the probabilities that boosted trees predict. It replaces them where memory and time are short: as a C header, on a
microcontroller or in any other program.
"""

# %%
# Load the data
# -------------
#
# Tumours, benign or malignant: 569 rows with 30 numbers each, from scikit-learn. All scores come from five folds of a cross-validation.

import pickle
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold

import nncore as nn

plt.style.use("nncore.displays.style")

X, y = load_breast_cancer(return_X_y=True)
folds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)

# %%
# Train teacher and student
# -------------------------
#
# The teacher labels as many rows as you like. Here 4,000 mixtures of two training rows come on top of the training rows. ``y`` of ``fit``
# may be rows of probabilities. The same small network, trained on the labels alone, is the baseline.


def small_network(X, y, epochs):
    net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(2))
    net.fit(
        X,
        y,
        loss="softmax_cross_entropy",
        optimizer=nn.Adam(lr=0.01),
        schedule="cosine",
        epochs=epochs,
        batch_size=32,
        rng=0,
        progress=False,
    )
    return net


def with_mixtures(X, rng, n=4000):
    i, j = rng.integers(len(X), size=(2, n))
    share = rng.uniform(size=(n, 1))
    return np.vstack([X, share * X[i] + (1 - share) * X[j]])


rng = np.random.default_rng(0)
accuracy = {"teacher": [], "student": [], "small network on labels": []}
for train, test in folds:
    teacher = GradientBoostingClassifier(random_state=0)
    teacher.fit(X[train], y[train])
    mean, std = X[train].mean(axis=0), X[train].std(axis=0)

    rows = with_mixtures(X[train], rng)
    student = small_network(
        (rows - mean) / std, teacher.predict_proba(rows), 20
    )
    alone = small_network((X[train] - mean) / std, y[train], 150)

    X_test = (X[test] - mean) / std
    for found, p in zip(
        accuracy.values(),
        (
            teacher.predict_proba(X[test]),
            student.predict_proba(X_test),
            alone.predict_proba(X_test),
        ),
        strict=True,
    ):
        found.append((p.argmax(axis=1) == y[test]).mean())

for name, found in accuracy.items():
    print(f"{name:24} accuracy {np.mean(found):.3f}")

# %%
# The three differ by at most 6 of 569 rows. So train a network on the labels first: it may be all you need. Distill where a teacher is
# better than that, or where you have many rows without labels.
#
# Put the scaling into the first layer
# ------------------------------------
#
# The student expects scaled columns. With :math:`w' = w / s` and :math:`b' = b - m^\top w'` in its first layer, it takes the columns as
# they are. So the C code needs no scaling either.

p_before = student.predict_proba(X_test)
tensors = student.named_parameters()
weight, bias = tensors["dense_1.weight"], tensors["dense_1.bias"]
weight /= std[:, None]
bias -= mean @ weight
p_student = student.predict_proba(X[test])
print("largest change", f"{abs(p_student - p_before).max():.0e}")

# %%
# Export to C
# -----------
#
# The header needs no library. The comment at its top shows how to call it.

folder = tempfile.TemporaryDirectory()
header = Path(folder.name, "tumour.h")
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


row = X[test][0].astype("float32")
t_teacher = microseconds(teacher.predict_proba, X[test][:1], 20)
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
# Probabilities for the test rows of the last fold, on a logit scale. A student that copied its teacher exactly would lie on the line.

p_teacher = teacher.predict_proba(X[test])
figure, ax = plt.subplots(figsize=(4.6, 4.2))
ax.plot([1e-4, 1 - 1e-4], [1e-4, 1 - 1e-4], color="0.6", linewidth=1)
for label, name in enumerate(load_breast_cancer().target_names):
    chosen = y[test] == label
    points = np.clip(
        [p_teacher[chosen, 1], p_student[chosen, 1]], 1e-4, 1 - 1e-4
    )
    ax.plot(*points, "os"[label], markersize=5, alpha=0.6, label=name)
ax.set(xscale="logit", yscale="logit")
ax.minorticks_off()
ax.set(xlabel="probability of benign: teacher", ylabel="student")
ax.legend()
plt.show()

# %%
# What to try next
# ----------------
#
# - Temperatures, unlabelled rows and ensembles as teachers: :doc:`/how-to/distill`.
# - Weights of one byte each: :doc:`/how-to/quantize`.
# - ONNX and NumPy instead of C: :doc:`/how-to/export-onnx-numpy`.
