"""`nncore train` on tables larger than memory: when they are read in blocks, what is said of it, and that nothing else is learned."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.cli import main, streamed
from nncore.cli.arguments import LEAST_SIZE
from nncore.cli.experiment import fit_network, make_encoder, row_weights, targets
from nncore.cli.settings import Settings
from nncore.cli.streamed import REFUSED, StreamedTable, streaming_of
from nncore.cli.task import find_task
from nncore.data import is_below
from nncore.errors import DataError, ParameterError

QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 3, "patience": 2, "threads": 1, "batch_size": 16, "stream": True}
LIMIT = 2**28


def test_small_files_are_read_at_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=data, target="species")
    assert streaming_of(settings) is None
    n_bytes = data.stat().st_size
    monkeypatch.setattr(streamed, "available_memory", lambda: 4 * n_bytes - 1)
    assert "4 times" in streaming_of(settings).why
    assert streaming_of(replace(settings, stream=False)) is None
    assert streaming_of(replace(settings, memory_limit=4 * n_bytes)) is None
    limited = streaming_of(replace(settings, memory_limit=4 * n_bytes - 1))
    assert (limited.limit, limited.why.endswith("--memory-limit allows")) == (4 * n_bytes - 1, True)
    monkeypatch.setattr(streamed, "available_memory", lambda: None)
    assert streaming_of(settings) is None


def test_several_files_are_read_in_blocks(data: Path) -> None:
    assert streaming_of(Settings(data=data.parent, target="species")).why == "several files"
    with pytest.raises(ParameterError, match=r"--no-stream: .* is no single file"):
        streaming_of(Settings(data=data.parent / "*.csv", target="species", stream=False))
    with pytest.raises(DataError, match="standard input can be read once"):
        streaming_of(Settings(data=Path("-"), target="species", stream=True))


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_all_rows_is_refused(data: Path, name: str) -> None:
    said: Any = {"cv": 3, "tune": 2, "n_cv": 2, "n_ens": 2, "n_refit": 1}.get(name, "name")
    with pytest.raises(ParameterError, match=f"--{name.replace('_', '-')}: .*, and the rows are read in blocks"):
        streaming_of(Settings(data=data, target="species", stream=True, **{name: said}))


def test_ensembles_are_refused(data: Path) -> None:
    with pytest.raises(ParameterError, match="--model realmlp needs all rows in memory"):
        streaming_of(Settings(data=data, target="species", stream=True, model="realmlp"))


@pytest.mark.parametrize(
    "more",
    [{}, {"class_weight": "balanced"}, {"weight_column": "id"}, {"loss": "mse", "task": "classification"}],
    ids=lambda more: "-".join(more),
)
def test_training_in_blocks_has_the_bits_of_training_at_once(data: Path, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "LEARNED", 37)
    settings = Settings(data=data, target="species", sampler="sequential", **QUICK, **more)
    table = StreamedTable(settings, LIMIT)
    found = table.fit(progress=False)
    task = find_task(settings)
    encoder = make_encoder(task, table.parts.training)
    assert encoder == table.encoder
    X, _ = encoder.transform(task.table)
    rows = table.parts.training
    given = X[rows], targets(encoder, task, rows), row_weights(settings, encoder, task, rows)
    expected = fit_network(settings, task, table.parts, encoder, X[table.parts.validation], given)
    assert found.n_training == expected.n_training == len(rows)
    if more.keys() & {"class_weight", "weight_column"}:  # which differ by a factor, of which only ratios count
        np.testing.assert_allclose(found.history["loss"], expected.history["loss"], rtol=1e-6)
    else:
        np.testing.assert_array_equal(found.model.network.parameters, expected.model.network.parameters)


def test_rows_are_held_out_by_their_numbers(prices: Path) -> None:
    table = StreamedTable(Settings(data=prices, target="price", **QUICK), LIMIT)
    numbers = np.arange(240)
    assert table.parts.test.tolist() == np.flatnonzero(is_below(numbers, 0.2, 0)).tolist()
    assert sum(map(len, (table.parts.training, table.parts.validation, table.parts.test))) == 240


def test_a_part_of_a_large_table_is_kept(prices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes and statistics are those of all rows, also of classes that the rows kept do not have."""
    monkeypatch.setattr(streamed, "KEPT", 60)
    table = StreamedTable(Settings(data=prices, target="price", **QUICK), LIMIT)
    kept = table.task.table.n_rows
    assert 35 < kept < 90
    assert table.task.n_unread == 240 - kept
    assert table.n_training > 150
    assert table.n_training + len(table.parts.validation) + len(table.parts.test) == 240
    assert sum(len(block) for block in table.stream().read(0, 50)) == table.n_training
    rare = prices.parent / "rare.csv"
    rows = ["x,y", *(f"{i % 7}.5,{'rare' if i == 150 else 'ab'[i % 2]}" for i in range(300))]
    rare.write_text("\n".join(rows) + "\n")
    found = StreamedTable(Settings(data=rare, target="y", task="classification", seed=1, **QUICK), LIMIT)
    assert found.encoder.target.classes == ("a", "b", "rare")
    assert found.fit(progress=False).n_epochs


def test_the_least_limit_is_enough(prices: Path) -> None:
    assert main(["train", str(prices), "--target", "price", "--memory-limit", str(LEAST_SIZE), "--stream", "--epochs", "1", "--quiet"]) == 0


def test_the_command_says_so_and_predicts(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "m.nncore"
    options = ["--target", "species", "--stream", "--epochs", "5", "--out", str(model), "--json"]
    assert main(["train", str(data), *options]) == 0
    out, err = capsys.readouterr()
    assert "as asked: rows are read in blocks, in at most" in err
    assert "rows a second" in err
    found = json.loads(out)
    assert found["rows"]["in_file"] == 240
    assert sum(found["rows"][name] for name in ("training", "validation", "held_out")) == 240
    assert main(["predict", str(model), str(data), "--out", str(tmp_path / "answers.csv")]) == 0


PROGRAM = """
import resource, sys
from nncore.cli import main
import nncore.network, nncore.callbacks.early_stopping, nncore.layers.embedding, nncore.optimizers.adam
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_memory_stays_within_the_limit(tmp_path: Path) -> None:
    """A file of 200 MB, which takes 0.7 GB at once."""
    path, rng = tmp_path / "large.csv", np.random.default_rng(0)
    with path.open("w") as file:
        file.write("a,b,c,city,day,y\n")
        for _ in range(44):
            X, city, day = rng.normal(size=(100_000, 3)), rng.integers(0, 30, 100_000), rng.integers(0, 1000, 100_000)
            y = np.where(X[:, 0] + city % 3 > 1, "yes", "no")
            days = (np.datetime64("2020-01-01") + day).astype(str)
            rows = zip(X.tolist(), city.tolist(), days.tolist(), y.tolist(), strict=True)
            file.writelines(f"{a:.5f},{b:.5f},{c:.5f},city{k},{d},{t}\n" for (a, b, c), k, d, t in rows)
    assert path.stat().st_size > 190e6
    command = ["train", str(path), "--target", "y", "--memory-limit", "256MB", "--epochs", "1", "--quiet"]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) * 1024 < 256e6
