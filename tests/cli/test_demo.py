from __future__ import annotations

import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

from nncore.cli import demo, main
from nncore.datasets import load_digits_split


def test_accuracy_and_reference_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--no-picture"]) == 0
    shown = capsys.readouterr().out
    accuracy = float(shown.split("accuracy ")[1].split(" %")[0])
    assert accuracy > 97
    assert "98.4 %: scikit-learn's MLPClassifier" in shown
    assert "30 epochs in" in shown
    assert list(tmp_path.iterdir()) == []


def test_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "picture.png"
    assert main(["demo", "--epochs", "2", "--out", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert f"picture     {path}" in capsys.readouterr().out


def test_picture_parts() -> None:
    pytest.importorskip("matplotlib")
    from nncore.cli.demo_picture import N_SHOWN, draw
    from nncore.contract import History

    history = History()
    history.append(loss=1.0, val_loss=1.1)
    history.append(loss=0.5, val_loss=0.7)
    y = np.arange(40) % 10
    X = np.zeros((40, 8, 8))
    for n_wrong in (0, 3, 20):
        predicted = y.copy()
        predicted[:n_wrong] = (y[:n_wrong] + 1) % 10
        figure = draw(history, X, y, predicted)
        images = [axes for axes in figure.get_axes() if axes.images]
        assert len(images) == 1 + min(n_wrong, N_SHOWN)  # the matrix, and a picture for each digit


def test_without_matplotlib_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = tmp_path / "picture.png"
    assert main(["demo", "--epochs", "1", "--out", str(path)]) == 0
    assert 'pip install "nncore-ml[plot]"' in capsys.readouterr().out
    assert not path.exists()


def test_a_bad_place_for_the_picture_fails_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "none" / "picture.png")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "does not exist" in captured.err


def test_same_seed_same_network() -> None:
    X, y, X_test, y_test = load_digits_split()
    networks = [demo.train(X[:200], y[:200], (X_test[:50], y_test[:50]), epochs=2, seed=s, progress=False)[0] for s in (3, 3, 4)]
    assert np.array_equal(networks[0].parameters, networks[1].parameters)
    assert not np.array_equal(networks[0].parameters, networks[2].parameters)


@pytest.mark.slow
def test_over_97_percent_for_ten_seeds() -> None:
    X, y, X_test, y_test = load_digits_split()
    scores = []
    for seed in range(10):
        network, _ = demo.train(X, y, (X_test, y_test), epochs=30, seed=seed, progress=False)
        scores.append(float((network.predict(demo.inputs(X_test)).argmax(axis=1) == y_test).mean()))
    assert min(scores) > 0.97
    assert abs(statistics.median(scores) - demo.REFERENCE_ACCURACY) < 0.005
