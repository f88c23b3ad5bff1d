"""Conformance checks of exporters."""

from __future__ import annotations

import unittest
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from nncore.contract import Exporter
from nncore.errors import ExportError, NNCoreError
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_close
from nncore.testing.graphs import Sample, samples


class ExporterConformance(Conformance):
    """Conformance checks of an exporter. Override `run` to run its files; otherwise only the export is checked.

    >>> class TestNumPy(ExporterConformance):
    ...     name = "numpy"

    Attributes
    ----------
    tolerances : mapping of str to float
        Largest error of a number of each dtype, relative to 1 + |number|.
    """

    kind = "exporters"
    tolerances: ClassVar[Mapping[str, float]] = {"float32": 1e-5, "float64": 1e-9}

    def run(self, content: bytes, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Run an exported file: outputs by name for inputs by name.

        Parameters
        ----------
        content : bytes
            Result of `export`.
        inputs : mapping of str to ndarray
            Arrays in the dtype of the graph; text as objects of type str.

        Returns
        -------
        mapping of str to ndarray
        """
        raise unittest.SkipTest("its files are not run: override run in the test class")

    def test_suffixes(self) -> None:
        suffixes = self.component_class().suffixes
        expect(len(suffixes) > 0, "`suffixes` is empty: no file name would ever mean this exporter")

    def test_export(self) -> None:
        self.each(check_export)

    def test_files_predict_in_float32(self) -> None:
        self.each(lambda one: self._check_files(one, "float32"))

    def test_files_predict_in_float64(self) -> None:
        self.each(lambda one: self._check_files(one, "float64"))

    def _check_files(self, one: Exporter, dtype: str) -> None:
        """Check that files give the results of their graphs. An exporter may refuse some graphs with ExportError, but not all."""
        n_refused = n_samples = 0
        for sample in samples(dtype):
            n_samples += 1
            try:
                content = one.export(sample.graph)
            except ExportError:
                n_refused += 1
                continue
            self._check_file(sample, content, dtype)
        expect(n_refused < n_samples / 2, f"it refuses {n_refused} of {n_samples} graphs of {dtype}")

    def _check_file(self, sample: Sample, content: bytes, dtype: str) -> None:
        found = self.run(content, sample.inputs)
        expect(set(found) >= set(sample.outputs), f"{sample.what}: the file has outputs {sorted(found)}, not {sorted(sample.outputs)}")
        for name, expected in sample.outputs.items():
            actual = np.asarray(found[name])
            if expected.dtype.kind == "f":
                tolerance = self.tolerances[dtype] * (1 + np.abs(np.nan_to_num(expected)))
                expect_close(actual, expected, tolerance, f"{sample.what}: {name}")
            else:
                expect(actual.shape == expected.shape, f"{sample.what}: {name} has shape {actual.shape}, {expected.shape} is expected")
                expect(actual.tolist() == expected.tolist(), f"{sample.what}: {name} is {actual.tolist()}, expected {expected.tolist()}")


def check_export(one: Exporter) -> None:
    """Check that the same graph gives the same bytes, and that a graph that cannot be exported raises ExportError."""
    for sample in samples("float32"):
        try:
            content = one.export(sample.graph)
            again = one.export(sample.graph)
        except NNCoreError:
            continue
        except Exception as error:
            raise AssertionError(f"{sample.what}: export must raise ExportError; it raises {type(error).__name__}: {error}") from error
        expect(isinstance(content, bytes), f"{sample.what}: export returns {type(content).__name__}, bytes are expected")
        expect(content == again, f"{sample.what}: a second export gives other bytes")
