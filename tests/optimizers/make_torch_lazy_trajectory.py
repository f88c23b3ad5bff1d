"""Records how torch.optim.SparseAdam trains an embedding, as data for test_lazy.py; run with a Python that has PyTorch (CPU).

The network is an embedding of 12 rows and a linear layer, which Adam trains; batches of four touch two to four rows. Epsilon is 0, since
SparseAdam adds it elsewhere than Adam does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

N_STEPS, BATCH, N_ROWS, WIDTH, LR = 60, 4, 12, 3, 0.02


def main() -> None:
    rng = np.random.default_rng(0)
    codes = np.minimum(rng.geometric(0.2, (N_STEPS, BATCH)), N_ROWS) - 1  # some are rare
    targets = rng.normal(size=(N_STEPS, BATCH, 1))
    embedding = torch.nn.Embedding(N_ROWS, WIDTH, sparse=True, dtype=torch.float64)
    linear = torch.nn.Linear(WIDTH, 1, dtype=torch.float64)
    with torch.no_grad():
        for parameter in (embedding.weight, linear.weight, linear.bias):
            parameter.copy_(torch.tensor(rng.normal(size=parameter.shape)))
    tables, weights, biases = ([parameter.detach().numpy().copy()] for parameter in (embedding.weight, linear.weight.T, linear.bias))
    optimizers = [
        torch.optim.SparseAdam(embedding.parameters(), lr=LR, eps=1e-30),
        torch.optim.Adam(linear.parameters(), lr=LR, eps=1e-30),
    ]
    for batch, y in zip(codes, targets, strict=True):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = ((linear(embedding(torch.tensor(batch))) - torch.tensor(y)) ** 2).mean()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        tables.append(embedding.weight.detach().numpy().copy())
        weights.append(linear.weight.detach().numpy().T.copy())
        biases.append(linear.bias.detach().numpy().copy())
    path = Path(__file__).with_name("torch_lazy_trajectory.npz")
    library = np.array(f"torch {torch.__version__}")
    np.savez_compressed(path, library=library, codes=codes, targets=targets, tables=tables, weights=weights, biases=biases, lr=np.array(LR))


if __name__ == "__main__":
    main()
