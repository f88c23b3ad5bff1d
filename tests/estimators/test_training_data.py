"""What a fit of an ensemble refuses to train on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nncore.errors import ParameterError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor, TabMRegressor


@pytest.mark.parametrize("cls", [RealMLPClassifier, TabMRegressor])
def test_files_are_refused_with_what_reads_them(cls: type) -> None:
    for X in ("huge.parquet", Path("huge.parquet")):
        with pytest.raises(ParameterError, match=rf"{cls.__name__} takes samples in memory.*use MLPClassifier or MLPRegressor"):
            cls().fit(X, "price")


def test_datasets_of_arrow_are_refused() -> None:
    pyarrow, dataset = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.dataset")
    with pytest.raises(ParameterError, match=r"X is a InMemoryDataset.*MLPRegressor"):
        RealMLPRegressor().fit(dataset.dataset(pyarrow.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})), "y")
