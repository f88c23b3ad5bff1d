from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import MissingExtraError, ParameterError

X = np.random.default_rng(0).normal(size=(30, 3))


def fit(net: nn.Sequential, epochs: int, *callbacks: Any, **arguments: Any) -> nn.History:
    return net.fit(X, X[:, 0], epochs=epochs, callbacks=callbacks, progress=False, **{"loss": "mse", "metrics": []} | arguments)


def events(folder: Path) -> Iterator[Any]:
    """The events that TensorBoard reads: records of a length, its checksum, a message, its checksum."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="the extra tensorboard is not installed")
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            yield event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
            at += 16 + length


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.WhichOneof("value") == "simple_value":
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    return tmp_path / "runs" / "one"


def test_curves(folder: Path):
    net, callback = nn.Sequential(nn.Dense(1)), nn.TensorBoard(folder)
    history = fit(net, 3, callback, validation=(X, X[:, 0]), metrics=["r2"], schedule="cosine")
    found = scalars(folder)
    names = {"loss/training": "loss", "loss/validation": "val_loss", "r2/validation": "val_r2", "lr": "lr", "seconds": "seconds"}
    assert found.keys() == names.keys()
    for tag, name in names.items():
        assert [step for step, _ in found[tag]] == [1, 2, 3]
        np.testing.assert_allclose([value for _, value in found[tag]], history[name], rtol=1e-6)
    fit(net, 2, callback)  # a resumed fit continues its curves
    assert [step for step, _ in scalars(folder)["loss"]] == [4, 5]
    assert [event.step for event in events(folder) if event.HasField("session_log")] == [1, 4]


def test_histograms(folder: Path):
    net = nn.Sequential(nn.Dense(4), nn.Dense(1))
    fit(net, 4, nn.TensorBoard(folder, histograms=2))
    found = [
        (event.step, value.tag, value.histo.num) for event in events(folder) for value in event.summary.value if value.HasField("histo")
    ]
    tensors = [("dense_1/weight", 12), ("dense_1/bias", 4), ("dense_2/weight", 4), ("dense_2/bias", 1)]
    assert found == [(step, tag, size) for step in (2, 4) for tag, size in tensors]


def test_values_that_are_no_numbers_are_left_out(folder: Path):
    fit(nn.Sequential(nn.Dense(1)), 1, lambda training: training.history.append(loss=np.nan, seconds=1.0), nn.TensorBoard(folder))
    assert scalars(folder).keys() == {"seconds"}


def test_a_folder_that_cannot_be_made_fails_before_training(tmp_path: Path):
    pytest.importorskip("tensorboardX", reason="the extra tensorboard is not installed")
    (tmp_path / "file").write_text("")
    seen: list[Any] = []
    with pytest.raises(OSError, match="file"):
        fit(nn.Sequential(nn.Dense(1)), 1, nn.TensorBoard(tmp_path / "file" / "run"), seen.append)
    assert not seen


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match=r"TensorBoard needs tensorboardX: pip install \"nncore-ml\[tensorboard\]\""):
        fit(nn.Sequential(nn.Dense(1)), 1, nn.TensorBoard(tmp_path))


@pytest.mark.parametrize("arguments", [{"folder": ""}, {"folder": 3}, {"histograms": -1}, {"histograms": 0.5}])
def test_arguments_are_checked(arguments: dict[str, Any]):
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        nn.TensorBoard(**arguments)
