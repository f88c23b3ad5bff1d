"""Estimators as expressions of polars: in data frames, and in lazy ones that stream."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nncore.estimators import MLPClassifier

N = 5000
FRAME = pl.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), schema=["a", "b"]).with_columns(kind=pl.Series(["u", "v"] * (N // 2)))
MODEL = MLPClassifier((8,), max_iter=10, batch_size=500, random_state=0)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model() -> MLPClassifier:
    return MODEL.fit(FRAME, np.where(FRAME["a"] > 0, "yes", "no"))


def answer(model: MLPClassifier) -> pl.Expr:
    """The function as on the page."""

    def answers(rows: pl.Series) -> pl.Series:
        return pl.Series(model.predict(rows.struct.unnest()), dtype=pl.String)

    columns = pl.struct(model.feature_names_in_.tolist())
    return columns.map_batches(answers, return_dtype=pl.String, is_elementwise=True)


def test_a_column_of_answers(model: MLPClassifier) -> None:
    found = FRAME.select("kind", "b", "a").with_columns(answer=answer(model))  # in any order
    assert found.columns == ["kind", "b", "a", "answer"]
    assert found["answer"].to_list() == model.predict(FRAME).tolist()


def test_files_stream_through(model: MLPClassifier, tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "rows.parquet", row_group_size=700)
    lazy = pl.scan_parquet(tmp_path / "rows.parquet").with_columns(answer=answer(model))
    assert lazy.collect_schema()["answer"] == pl.String
    lazy.sink_parquet(tmp_path / "answers.parquet")
    assert pl.read_parquet(tmp_path / "answers.parquet")["answer"].to_list() == model.predict(FRAME).tolist()
    chosen = lazy.filter(pl.col("answer") == "yes").select(pl.len()).collect(engine="streaming")
    assert chosen.item() == (model.predict(FRAME) == "yes").sum()


def test_no_rows(model: MLPClassifier) -> None:
    found = FRAME.lazy().filter(pl.col("a") > 100).with_columns(answer=answer(model)).collect(engine="streaming")
    assert found.shape == (0, 4)
    assert FRAME[:0].with_columns(answer=answer(model)).schema["answer"] == pl.String


def test_a_column_that_is_not_there(model: MLPClassifier) -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match='unable to find column "b"'):
        FRAME.drop("b").lazy().with_columns(answer=answer(model)).collect_schema()
