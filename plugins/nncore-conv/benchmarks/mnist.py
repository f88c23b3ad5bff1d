"""MNIST with two convolutions: accuracy and processor time of nncore on one thread, and of PyTorch where it is installed.

    python mnist.py FOLDER

FOLDER holds the four files of MNIST as they are distributed, ``train-images-idx3-ubyte.gz`` and so on.
"""

from __future__ import annotations

import gzip
import importlib.util
import sys
import time
from pathlib import Path

import numpy as np

import nncore as nn

EPOCHS, BATCH_SIZE, RATE = 2, 64, 0.003


def read(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28, 1) from 0 to 1, and labels (n,)."""
    images = gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28, 1)
    return pixels.astype(np.float32) / 255, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def nncore(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> float:
    conv = {"name": "conv2d", "n_filters": 16, "activation": "relu"}
    net = nn.Sequential(conv, "max_pool2d", {**conv, "n_filters": 32}, "max_pool2d", nn.Flatten(), nn.Dense(10))
    how = {"loss": "softmax_cross_entropy", "optimizer": nn.Adam(lr=RATE), "schedule": "cosine"}
    net.fit(X, y, **how, epochs=EPOCHS, batch_size=BATCH_SIZE, rng=0, n_threads=1, progress=False)
    return net.evaluate(X_test, y_test)["accuracy"]


def pytorch(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> float:
    import torch
    from torch import nn as tnn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    convolutions = [tnn.Conv2d(1, 16, 3), tnn.ReLU(), tnn.MaxPool2d(2), tnn.Conv2d(16, 32, 3), tnn.ReLU(), tnn.MaxPool2d(2)]
    net = tnn.Sequential(*convolutions, tnn.Flatten(), tnn.Linear(800, 10))
    images, labels = torch.tensor(X).permute(0, 3, 1, 2).contiguous(), torch.tensor(y)
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * -(-len(X) // BATCH_SIZE))
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(X)).split(BATCH_SIZE):
            optimizer.zero_grad()
            tnn.functional.cross_entropy(net(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        decided = net(torch.tensor(X_test).permute(0, 3, 1, 2).contiguous()).argmax(1).numpy()
    return float((decided == y_test).mean())


if __name__ == "__main__":
    data = *read(Path(sys.argv[1]), "train"), *read(Path(sys.argv[1]), "t10k")
    for library, run in (("nncore", nncore), ("torch", pytorch)):
        if importlib.util.find_spec(library) is not None:
            began = time.process_time()
            accuracy = run(*data)
            print(f"{library:6}  {accuracy:.2%} of the test images, {time.process_time() - began:.1f} s of one core")
