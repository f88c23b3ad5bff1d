"""From a CSV or Parquet file to arrays a network takes, and back: what ``nncore train`` and ``nncore predict`` do with columns."""

from __future__ import annotations

from nncore.tabular.encoder import TableEncoder
from nncore.tabular.reader import read_blocks, read_table
from nncore.tabular.split import hold_out
from nncore.tabular.table import Table
from nncore.tabular.target import ClassTarget, RealTarget, infer_target

__all__ = ["ClassTarget", "RealTarget", "Table", "TableEncoder", "hold_out", "infer_target", "read_blocks", "read_table"]
