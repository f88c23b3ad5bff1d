"""Conformance checks of encodings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nncore import registry
from nncore.contract import SAMPLE_SIZE, Encoding, Learned
from nncore.data import EncodingChain
from nncore.errors import FileFormatError
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.formulas import encoding_by_formula, inverse_by_formula

N_ROWS = 60
#: Numbers of levels of the category columns: none, one, two and more.
N_LEVELS = np.array([3, 2, 1, 0, 12], np.int64)
DTYPES = {"numbers": np.dtype(np.float64), "levels": np.dtype(np.int64), "times": np.dtype("datetime64[us]")}


class EncodingConformance(Conformance):
    """Conformance checks of an encoding.

    >>> class TestRobust(EncodingConformance):
    ...     name = "robust"
    """

    kind = "encodings"
    guarded_check = "test_encode"  # encodings are not compiled

    def test_declarations(self) -> None:
        self.each(check_declarations)

    def test_learn(self) -> None:
        self.each(check_learning)

    def test_encode(self) -> None:
        self.each(check_encoding)

    def test_each_column_is_encoded_for_itself(self) -> None:
        self.each(check_columns)

    def test_each_row_is_encoded_for_itself(self) -> None:
        self.each(check_rows)

    def test_only_ratios_of_weights_count(self) -> None:
        self.each(check_weights)

    def test_inverse(self) -> None:
        self.each(check_inverse)

    def test_names(self) -> None:
        self.each(check_names)

    def test_what_was_not_learned_is_refused(self) -> None:
        self.each(check_refusals)

    def test_goes_through_a_file(self) -> None:
        self.each(check_file)

    def test_formula_agrees_with_encode(self) -> None:
        self.each(check_formula)

    def test_inverse_formula_agrees_with_inverse(self) -> None:
        self.each(lambda encoding: check_inverse_formula(encoding) if encoding.invertible else None)


def columns_of(encoding: Encoding, n_rows: int = N_ROWS, seed: int = 0) -> NDArray[Any]:
    """Columns for the encoding: ordinary, constant, with few values, partly or completely missing. Read-only."""
    rng = np.random.default_rng([seed, 7])
    if encoding.takes == "levels":
        columns: NDArray[Any] = np.stack([rng.integers(-1, max(count, 0), n_rows) for count in N_LEVELS], axis=1)
    else:
        columns = np.stack(
            [
                rng.normal(5, 3, n_rows), rng.standard_cauchy(n_rows), np.full(n_rows, 7.25), rng.integers(0, 2, n_rows) * 1.0,
                np.where(rng.random(n_rows) < 0.3, np.nan, rng.exponential(1000, n_rows)), np.full(n_rows, np.nan),
            ],
            axis=1,
        )  # fmt: skip
        if encoding.takes == "times":
            columns[:, 0] *= 20_000  # days, in several centuries
            columns = np.where(np.isnan(columns), np.datetime64("NaT"), (columns * 86_400e6).round().astype("datetime64[us]"))
    columns = np.asfortranarray(columns, DTYPES[encoding.takes])
    columns.flags.writeable = False
    return columns


def learned_by(encoding: Encoding, columns: NDArray[Any], weights: NDArray[np.float64] | None = None, some: slice = slice(None)) -> Learned:
    """Fit the encoding to `some` of the columns."""
    n_columns = columns.shape[1]
    seeds = np.arange(100, 100 + n_columns, dtype=np.uint64)[some] if encoding.draws else None
    n_levels = N_LEVELS[:n_columns][some] if encoding.takes == "levels" else None
    chosen = columns[:, some]
    with np.errstate(all="ignore"):
        statistics = encoding.statistics(chosen.shape[1])
        for start in range(0, len(chosen), SAMPLE_SIZE):
            block = np.asfortranarray(chosen[start : start + SAMPLE_SIZE])
            block.flags.writeable = False
            for statistic in statistics:
                statistic.add(block, None if weights is None else weights[start : start + SAMPLE_SIZE])
        return encoding.learn(statistics, chosen.shape[1], n_levels=n_levels, seeds=seeds)


def encoded_by(
    encoding: Encoding, columns: NDArray[Any], learned: Learned, filled: float = 0.0, order: Literal["C", "F"] = "C"
) -> NDArray[np.float64]:
    """Encode columns into an array that is `filled` before."""
    n_encoded = int(encoding.widths(learned, columns.shape[1]).sum())
    out = np.full((len(columns), n_encoded), filled, order=order)
    with np.errstate(all="ignore"):
        encoding.encode(columns, learned, out)
    return out


def check_declarations(encoding: Encoding) -> None:
    """Check that `takes`, `gives`, `learns` and `ragged` have values of the contract."""
    expect(encoding.takes in DTYPES, f"takes is {encoding.takes!r}, one of {', '.join(DTYPES)} is expected")
    expect(encoding.gives in ("numbers", "levels"), f"gives is {encoding.gives!r}, 'numbers' or 'levels' is expected")
    wrong = {name: dtype for name, dtype in encoding.learns.items() if dtype not in ("float64", "int64") or not name.isidentifier()}
    expect(not wrong, f"learns has {wrong}; names of Python with 'float64' or 'int64' are expected")
    expect(set(encoding.ragged) <= set(encoding.learns), f"ragged is {encoding.ragged}, some of {sorted(encoding.learns)} is expected")
    expect(encoding.takes != "levels" or "n_levels" in encoding.learns, "it takes levels: it must learn 'n_levels', those of each column")


def check_learning(encoding: Encoding) -> None:
    """Check that fitting gives the arrays of `learns`, finite and the same every time: for many rows, one row, no columns, and blocks of
    rows."""
    for n_rows in (SAMPLE_SIZE + N_ROWS, N_ROWS, 2, 1):
        columns = columns_of(encoding, n_rows)
        for some in (slice(None), slice(0, 0)):
            learned, n_columns = _learned(encoding, columns, some), columns[:, some].shape[1]
            what = f"learned of {n_rows} rows and {n_columns} columns"
            try:
                encoding.check(learned, n_columns)
            except FileFormatError as error:
                raise AssertionError(f"{what}: its own check refuses it: {error}") from error
            widths = encoding.widths(learned, n_columns)
            expect(
                isinstance(widths, np.ndarray) and widths.dtype == np.int64 and widths.shape == (n_columns,) and bool((widths >= 0).all()),
                f"{what}: widths is {widths!r}, int64 of shape ({n_columns},), none negative, is expected",
            )
            again = _learned(encoding, columns, some)
            for name, array in learned.items():
                expect_same_bits(again[name], array, f"{what} a second time, {name}")
            if encoding.gives == "levels":
                n_levels = encoding.n_levels(learned)
                expect(n_levels.shape == (widths.sum(),), f"{what}: n_levels has shape {n_levels.shape}, one number a column is expected")


def _learned(encoding: Encoding, columns: NDArray[Any], some: slice = slice(None)) -> Learned:
    try:
        return learned_by(encoding, columns, some=some)
    except ValueError as error:
        raise AssertionError(f"learn raises {error}; it must take any columns, and not write to them") from error


def check_encoding(encoding: Encoding) -> None:
    """Check that every number of `out` is written, and is finite or NaN."""
    columns = columns_of(encoding)
    learned = _learned(encoding, columns)
    try:
        encoded = encoded_by(encoding, columns, learned)
        again = encoded_by(encoding, columns, learned, filled=-3.5, order="F")
    except ValueError as error:
        raise AssertionError(f"encode raises {error}; it must fill `out`, and not write to the columns") from error
    expect_same_bits(again, encoded, "encode into an array that held something else, in Fortran order")
    expect(not np.isinf(encoded).any(), "encode gives infinite numbers")
    is_missing = _missing(columns)
    origin = np.repeat(np.arange(columns.shape[1]), encoding.widths(learned, columns.shape[1]))
    expect(not np.isnan(encoded[~is_missing[:, origin]]).any(), "encode gives NaN where nothing is missing")
    expect_same_bits(encoded_by(encoding, columns[:0], learned), encoded[:0], "encode of no rows")


def _missing(columns: NDArray[Any]) -> NDArray[np.bool_]:
    return columns < 0 if columns.dtype.kind == "i" else np.isnat(columns) if columns.dtype.kind == "M" else np.isnan(columns)


def check_columns(encoding: Encoding) -> None:
    """Check that fitting and encoding several columns gives the concatenated results of each column."""
    columns = columns_of(encoding)
    whole = _learned(encoding, columns)
    each = [_learned(encoding, columns, slice(k, k + 1)) for k in range(columns.shape[1])]
    for name, array in whole.items():
        expect_same_bits(np.concatenate([one[name] for one in each]), array, f"{name} of each column, concatenated")
    side_by_side = [encoded_by(encoding, columns[:, k : k + 1], one) for k, one in enumerate(each)]
    expect_same_bits(np.concatenate(side_by_side, axis=1), encoded_by(encoding, columns, whole), "each column encoded alone")


def check_rows(encoding: Encoding) -> None:
    """Check that the encoding of a row does not depend on other rows, their order or the memory layout."""
    columns, others = columns_of(encoding), columns_of(encoding, 37, seed=1)
    learned = _learned(encoding, columns)
    encoded = encoded_by(encoding, others, learned)
    for some in (slice(0, 1), slice(5, 20), slice(None, None, -1)):
        block = np.ascontiguousarray(others[some])
        block.flags.writeable = False
        expect_same_bits(encoded_by(encoding, block, learned), encoded[some], "some rows encoded without the others")


def check_weights(encoding: Encoding) -> None:
    """Check that doubling all weights changes nothing."""
    columns, weights = columns_of(encoding), np.random.default_rng(3).choice([0.25, 1.0, 2.0], N_ROWS)
    one, other = learned_by(encoding, columns, weights), learned_by(encoding, columns, 2 * weights)
    expect_close(
        encoded_by(encoding, columns, other), encoded_by(encoding, columns, one), 1e-9, "encoded after learning with all weights twice"
    )


def check_inverse(encoding: Encoding) -> None:
    """Check that `inverse` restores columns that are not constant, and exists only if `invertible`."""
    has_one = type(encoding).inverse is not Encoding.inverse
    expect(encoding.invertible == has_one, f"invertible is {encoding.invertible}, but inverse is {'' if has_one else 'not '}written")
    if not has_one:
        return
    columns = columns_of(encoding)
    learned = _learned(encoding, columns)
    with np.errstate(all="ignore"):
        back = encoding.inverse(encoded_by(encoding, columns, learned), learned)
    expect(back.shape == columns.shape, f"inverse has shape {back.shape}, {columns.shape} is expected")
    ordinary = columns[:, :2].astype(np.float64)
    expect_close(back[:, :2], ordinary, 1e-6 * (1 + np.abs(ordinary)), "inverse of the encoded columns")


def check_names(encoding: Encoding) -> None:
    """Check that each encoded column has a distinct name."""
    columns = columns_of(encoding)
    learned = _learned(encoding, columns)
    called, n_encoded = [f"c{k}" for k in range(columns.shape[1])], int(encoding.widths(learned, columns.shape[1]).sum())
    for levels in (None, [[f"l{k}" for k in range(count)] for count in N_LEVELS]) if encoding.takes == "levels" else (None,):
        names = encoding.names(called, learned, levels)
        expect(len(names) == n_encoded, f"names gives {len(names)} names for {n_encoded} encoded columns")
        expect(len(set(names)) == len(names), f"names gives one name twice: {names}")


def check_refusals(encoding: Encoding) -> None:
    """Check that `check` raises FileFormatError for arrays that are missing, unknown, of another dtype or length, or not finite."""
    columns = columns_of(encoding)
    learned, n_columns = _learned(encoding, columns), columns.shape[1]
    faults: dict[str, Callable[[Learned], Learned]] = {"an unknown array": lambda right: right | {"no_such": np.zeros(n_columns)}}
    for name in encoding.learns:
        faults[f"no {name}"] = lambda right, name=name: {key: value for key, value in right.items() if key != name}  # type: ignore[misc]
        faults[f"{name} as float32"] = lambda right, name=name: right | {name: right[name].astype(np.float32)}  # type: ignore[misc]
        faults[f"{name} without dimensions"] = lambda right, name=name: right | {name: right[name].sum()}  # type: ignore[misc]
        if len(learned[name]):
            faults[f"{name} without its last entry"] = lambda right, name=name: right | {name: right[name][:-1]}  # type: ignore[misc]
        if learned[name].size and learned[name].dtype.kind == "f":
            faults[f"{name} of NaN"] = lambda right, name=name: right | {name: np.full_like(right[name], np.nan)}  # type: ignore[misc]
    for what, fault in faults.items():
        try:
            encoding.check(fault(learned), n_columns)
        except FileFormatError:
            continue
        raise AssertionError(f"check must raise FileFormatError for what has {what}")


def check_file(encoding: Encoding) -> None:
    """Check that a chain that was saved as JSON and arrays and loaded encodes to the same bits."""
    columns = columns_of(encoding)
    n_levels = N_LEVELS if encoding.takes == "levels" else None
    chain = EncodingChain.learn([registry.config_of("encodings", encoding)], columns, n_levels=n_levels)
    again = EncodingChain.read(json.loads(json.dumps(chain.description())), chain.arrays(), columns.shape[1])
    expect_same_bits(again.encode(columns), chain.encode(columns), "encoded by what came back from a file")


def check_formula(encoding: Encoding) -> None:
    """Check that the formula agrees with `encode`."""
    columns = columns_of(encoding)
    learned = _learned(encoding, columns)
    by_formula = encoding_by_formula(encoding, columns, learned)
    encoded = encoded_by(encoding, columns, learned)
    expect_close(by_formula, encoded, 1e-9 * (1 + np.abs(np.nan_to_num(encoded))), "the formula, beside encode")


def check_inverse_formula(encoding: Encoding) -> None:
    """Check that the inverse formula agrees with `inverse`."""
    columns = columns_of(encoding)
    learned = _learned(encoding, columns)
    encoded = encoded_by(encoding, columns, learned)
    with np.errstate(all="ignore"):
        expected = encoding.inverse(encoded, learned)
    by_formula = inverse_by_formula(encoding, encoded, learned)
    expect_close(by_formula, expected, 1e-9 * (1 + np.abs(np.nan_to_num(expected))), "inverse_formula, beside inverse")
