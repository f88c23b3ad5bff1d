r"""
Detect anomalies with an autoencoder
====================================

An autoencoder learns to reproduce normal samples through a narrow layer. A sample that it reproduces badly is probably an anomaly.
Training needs no anomalies.

Here the normal samples are images of handwritten digits, and the anomaly is a digit that the network has never seen.
"""

# %%
# Load the data
# -------------
#
# The digits come with nncore: 1,352 images of 8 × 8 pixels to train on, 445 to test on. The digit 4 is left out of the training data.
# 250 normal images are held out to choose a threshold.

import matplotlib.pyplot as plt
import numpy as np

import nncore as nn
from nncore.datasets import load_digits_split

plt.style.use("nncore.displays.style")

X, y, X_test, y_test = load_digits_split()
X, X_test = X.reshape(-1, 64) / 16, X_test.reshape(-1, 64) / 16

anomaly = 4
normal = X[y != anomaly]
is_anomaly = y_test == anomaly
order = np.random.default_rng(0).permutation(len(normal))
X_val, X_train = normal[order[:250]], normal[order[250:]]
print(len(X_train), "images to train on, all normal")
print(len(X_test), "to test on,", is_anomaly.sum(), "anomalies")

# %%
# Train the autoencoder
# ---------------------
#
# The target is the input. 64 pixels go through a layer of 8 numbers, the code. The sigmoid at the output keeps pixels between 0 and 1.


def autoencoder():
    return nn.Sequential(
        nn.Dense(64, activation="silu"),
        nn.Dense(8),
        nn.Dense(64, activation="silu"),
        nn.Dense(64, activation="sigmoid"),
    )


settings = {
    "loss": "mse",
    "optimizer": nn.Adam(lr=0.01),
    "schedule": "cosine",
    "epochs": 30,
    "batch_size": 32,
    "progress": False,
}
net = autoencoder()
history = net.fit(
    X_train, X_train, validation=(X_val, X_val), rng=0, **settings
)
print("validation loss", history["val_loss"][[0, -1]].round(3))

# %%
# Score samples
# -------------
#
# The score of a sample is its mean squared reconstruction error. 95 % of the held-out normal images stay below the threshold. So about 5 %
# of normal images will raise a false alarm.

from sklearn.metrics import roc_auc_score


def errors(net, X):
    return ((net.predict(X) - X) ** 2).mean(axis=1)


threshold = np.quantile(errors(net, X_val), 0.95)
score = errors(net, X_test)
alarm = score > threshold
print("ROC AUC", round(roc_auc_score(is_anomaly, score), 3))
print("anomalies found", round(alarm[is_anomaly].mean(), 2))
print("false alarms   ", round(alarm[~is_anomaly].mean(), 2))

# %%
# Look at the worst reconstructions
# ---------------------------------
#
# The eight test images with the largest error: all are a 4. The network draws the closed top of the digits that it knows.

worst = np.argsort(-score)[:8]
reconstruction = net.predict(X_test[worst])
figure, axes = plt.subplots(
    2, 9, figsize=(7.5, 2.3), width_ratios=[1] * 8 + [0.6]
)
rows = (X_test[worst], "image"), (reconstruction, "network")
for row, (images, name) in zip(axes, rows, strict=True):
    for ax, image in zip(row, images, strict=False):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    row[8].axis("off")
    row[8].text(0, 0.5, name, va="center", transform=row[8].transAxes)
for ax, k in zip(axes[0], worst, strict=False):
    ax.set_title(
        f"a {y_test[k]}", color="C1" if is_anomaly[k] else "0.2"
    )
plt.show()

# %%
# Compare with PCA and IsolationForest
# ------------------------------------
#
# One digit may be easy by chance. So each of the ten digits is left out in turn. :func:`nncore.fit_many` trains the ten autoencoders
# at the same time. PCA with 8 components is the linear autoencoder of the same width.

from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

normal_rows = [np.flatnonzero(y != digit) for digit in range(10)]
nets = [autoencoder() for _ in range(10)]
nn.fit_many(nets, X, X, rows=normal_rows, rng=0, **settings)

auc = {"autoencoder": [], "PCA": [], "IsolationForest": []}
for digit, rows in enumerate(normal_rows):
    pca = PCA(8).fit(X[rows])
    linear = pca.inverse_transform(pca.transform(X_test))
    forest = IsolationForest(random_state=0).fit(X[rows])
    scores = (
        errors(nets[digit], X_test),
        ((linear - X_test) ** 2).mean(axis=1),
        -forest.score_samples(X_test),
    )
    for found, values in zip(auc.values(), scores, strict=True):
        found.append(roc_auc_score(y_test == digit, values))
for name, values in auc.items():
    print(f"{name:16} mean ROC AUC {np.mean(values):.3f}")

# %%
# The autoencoder finds each digit at least as well as the other two. A 1 is the hardest: strokes of other digits are enough to draw it.

figure, ax = plt.subplots(figsize=(7, 3.2))
for k, (name, values) in enumerate(auc.items()):
    ax.bar(np.arange(10) + 0.27 * (k - 1), values, 0.25, label=name)
ax.axhline(0.5, color="0.4", linewidth=1, linestyle=":")
ax.set(xlabel="digit that is the anomaly", ylabel="ROC AUC")
ax.set(xticks=range(10), ylim=(0.3, 1))
figure.legend(loc="outside upper center", ncols=3)
plt.show()

# %%
# What to try next
# ----------------
#
# - Your own table: scale each column first, for instance with scikit-learn's ``RobustScaler``. Leave the sigmoid out.
# - Another width of the code: with too many units the network copies anomalies as well.
# - A denoising autoencoder: put ``nn.GaussianNoise(0.1)`` (:class:`nncore.GaussianNoise`) in front.
# - Missing values: :doc:`/how-to/categories-and-missing-values`.
# - A detector on a microcontroller: :doc:`/how-to/export-c`.
