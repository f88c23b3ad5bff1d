"""Estimators as functions of DuckDB: queries pass their columns, and types are checked before the query runs."""

# scikit-learn, pyarrow and DuckDB have no type information here.
# mypy: disable-error-code="import-untyped, import-not-found"

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

pytest.importorskip("duckdb")
import duckdb

from nncore.errors import DtypeError
from nncore.estimators import MLPClassifier

N = 5000
FRAME = pl.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), schema=["a", "b"]).with_columns(
    b=pl.when(pl.int_range(N) % 7 > 0).then("b"), kind=pl.Series(["u", "v"] * (N // 2))
)
YES = np.where(FRAME["a"] > 0, "yes", "no")
TYPES = {"a": "DOUBLE", "b": "DOUBLE", "kind": "VARCHAR"}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model() -> Any:
    return MLPClassifier((8,), max_iter=10, batch_size=500, random_state=0).fit(FRAME, YES)


@pytest.fixture
def connection(model: Any, tmp_path: Path) -> Any:
    FRAME.write_parquet(tmp_path / "rows.parquet")

    def predict(rows: Any) -> Any:
        return pa.array(model.predict(pa.Table.from_struct_array(rows)))

    def probabilities(rows: Any) -> Any:
        found = model.predict_proba(pa.Table.from_struct_array(rows))
        return pa.FixedSizeListArray.from_arrays(found.ravel(), found.shape[1])

    connection = duckdb.connect()
    connection.create_function("predict", predict, [duckdb.struct_type(TYPES)], "VARCHAR", type="arrow")
    connection.create_function("probabilities", probabilities, [duckdb.struct_type(TYPES)], "DOUBLE[2]", type="arrow")
    connection.execute(f"CREATE VIEW rows AS FROM '{tmp_path / 'rows.parquet'}'")
    return connection


def test_whole_rows(model: Any, connection: Any) -> None:
    found = connection.execute("SELECT t.a, predict(t), probabilities(t)[2] FROM rows t").fetchnumpy().values()
    values, labels, probabilities = found
    assert values.tolist() == FRAME["a"].to_list()
    assert labels.tolist() == model.predict(FRAME).tolist()
    np.testing.assert_array_equal(probabilities, model.predict_proba(FRAME)[:, 1])


@pytest.mark.parametrize("columns", ["{a: a, b: b, kind: kind}", "{kind: kind, b: b, a: a}", "{a: a, b: b::FLOAT, kind: kind}"])
def test_columns_are_found_by_name(model: Any, connection: Any, columns: str) -> None:
    found = connection.execute(f"SELECT count(*) FROM rows WHERE predict({columns}) = 'yes'").fetchall()
    assert found == [(int((model.predict(FRAME) == "yes").sum()),)]


@pytest.mark.parametrize("query", ["SELECT a, b", "SELECT *, 1 AS more", "SELECT kind AS a, b, a AS kind"])
def test_other_columns_are_refused_before_the_query_runs(connection: Any, query: str) -> None:
    with pytest.raises(duckdb.BinderException, match=r"predict\(STRUCT\(a DOUBLE, b DOUBLE, kind VARCHAR\)\)"):
        connection.execute(f"SELECT predict(t) FROM ({query} FROM rows) t")


def test_no_rows(connection: Any) -> None:
    assert connection.execute("SELECT predict(t) FROM rows t WHERE a > 100").fetchall() == []


def test_a_relation_is_no_frame_yet(model: Any, connection: Any) -> None:
    with pytest.raises(DtypeError, match=r"pass X\.to_arrow_table\(\)"):
        model.predict(connection.sql("FROM rows"))
    assert model.predict(connection.sql("FROM rows").to_arrow_table()).tolist() == model.predict(FRAME).tolist()
