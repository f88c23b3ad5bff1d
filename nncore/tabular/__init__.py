"""Read CSV, Parquet and Feather files, and encode their columns as arrays for networks. Used by ``nncore train`` and ``nncore predict``."""

from __future__ import annotations

from nncore.tabular.column import CodedColumn, Column
from nncore.tabular.columns import CategoricalColumn, NumericColumn, TableColumn, TimeColumn, level_counts, parse_numbers
from nncore.tabular.description import NOTES, from_json, notes_of, to_json
from nncore.tabular.dialect import SEPARATOR_NAMES
from nncore.tabular.encoder import TableEncoder
from nncore.tabular.encoder_learner import EncoderLearner
from nncore.tabular.kept_rows import KeptRows
from nncore.tabular.kinds import MOST_LEVELS, ColumnKind, column_kinds
from nncore.tabular.missing import added, missing_in_words, missing_words
from nncore.tabular.raw_values import RawValues
from nncore.tabular.reader import RowWatcher, SomeRows, Writing, read_blocks, read_table
from nncore.tabular.remarks import Remark, merged
from nncore.tabular.source import STDIN
from nncore.tabular.table import Table
from nncore.tabular.table_files import TableFiles, files_of, is_one_file
from nncore.tabular.table_stream import Chooser, TableStream, chosen_blocks
from nncore.tabular.target import ClassTarget, RealTarget, infer_target
from nncore.tabular.values import as_number

__all__ = [
    "MOST_LEVELS", "NOTES", "SEPARATOR_NAMES", "STDIN", "CategoricalColumn", "Chooser", "ClassTarget", "CodedColumn", "Column",
    "ColumnKind", "EncoderLearner", "KeptRows", "NumericColumn", "RawValues", "RealTarget", "Remark", "RowWatcher", "SomeRows", "Table",
    "TableColumn", "TableEncoder", "TableFiles", "TableStream", "TimeColumn", "Writing", "added", "as_number", "chosen_blocks",
    "column_kinds", "files_of", "from_json", "infer_target", "is_one_file", "level_counts", "merged", "missing_in_words",
    "missing_words", "notes_of", "parse_numbers", "read_blocks", "read_table", "to_json",
]  # fmt: skip
