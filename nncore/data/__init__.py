"""Turn users' data (arrays, lists, data frames, streams) into checked batches for the core. Imports the contract and _core."""

from __future__ import annotations

from nncore.data.arrow_streams import BY_PAGE, arrow_dataset, arrow_stream, bytes_while_read, is_arrow
from nncore.data.batch_streams import BatchStream
from nncore.data.chain_learner import ChainLearner
from nncore.data.containers import admitted, is_missing
from nncore.data.dataset import CONVERT_AT_ONCE, Block, Dataset
from nncore.data.date_parts_learner import DatePartsLearner
from nncore.data.encoding_chain import ENCODED_AT_ONCE, TOO_LARGE, EncodingChain
from nncore.data.encoding_part import Part, label_of
from nncore.data.folds import Fold, Random, Splitter
from nncore.data.held_out import HeldOut, as_fraction, hashes_between, is_below
from nncore.data.labels import as_labels, in_terms_of
from nncore.data.levels import level_key
from nncore.data.mapped_arrays import mapped, mapped_members
from nncore.data.prefetching import Prefetched
from nncore.data.rows import Rows
from nncore.data.samples import (
    Samples,
    as_inputs,
    as_matrix,
    as_numbers,
    as_rows,
    as_samples,
    check_finite,
    check_replaced,
    for_core,
    for_network,
    some_rows,
    warn_of_lost_digits,
)
from nncore.data.source import Source, as_row_numbers
from nncore.data.sparse_samples import SparseSamples, bytes_per_numbers, is_sparse, sparse_samples
from nncore.data.stream_kinds import FORMATS, are_files, as_stream, inputs_stream, is_stream
from nncore.data.stream_memory import StreamMemory
from nncore.data.stream_order import in_turn
from nncore.data.stream_source import StreamSource
from nncore.data.streamed_dataset import StreamedDataset
from nncore.data.streams import ArrayStream, Stream, StreamBlock
from nncore.data.targets import Targets, TargetsWanted, as_targets, as_weights
from nncore.data.visits import StreamVisits, Visits

__all__ = [
    "BY_PAGE", "CONVERT_AT_ONCE", "ENCODED_AT_ONCE", "FORMATS", "TOO_LARGE", "ArrayStream", "BatchStream", "Block", "ChainLearner",
    "Dataset", "DatePartsLearner", "EncodingChain", "Fold", "HeldOut", "Part", "Prefetched", "Random", "Rows", "Samples", "Source",
    "SparseSamples", "Splitter", "Stream", "StreamBlock", "StreamMemory", "StreamSource", "StreamVisits", "StreamedDataset", "Targets",
    "TargetsWanted", "Visits", "admitted", "are_files", "arrow_dataset", "arrow_stream", "as_fraction", "as_inputs", "as_labels",
    "as_matrix", "as_numbers", "as_row_numbers", "as_rows", "as_samples", "as_stream", "as_targets", "as_weights", "bytes_per_numbers",
    "bytes_while_read", "check_finite", "check_replaced", "for_core", "for_network", "hashes_between", "in_terms_of", "in_turn",
    "inputs_stream", "is_arrow", "is_below", "is_missing", "is_sparse", "is_stream", "label_of", "level_key", "mapped", "mapped_members",
    "some_rows", "sparse_samples", "warn_of_lost_digits",
]  # fmt: skip
