"""Class labels in all forms that users pass."""

from __future__ import annotations

import numpy as np
import pytest
from hostile import hostile_values

from nncore.data import as_labels
from nncore.errors import DataError, NNCoreError, ShapeError


@pytest.mark.parametrize("name", hostile_values())
def test_labels_can_be_sorted_or_are_refused(name):
    """Labels can be sorted or are refused: alone, several of one kind, and together with a number."""
    for labels in (hostile_values()[name], [hostile_values()[name]] * 2, [hostile_values()[name], 1]):
        try:
            found = as_labels(labels)
        except NNCoreError:
            continue
        if isinstance(found, (list, np.ndarray)) and np.ndim(found) == 1:
            np.unique(np.asarray(found))


def test_what_is_ragged_is_no_label():
    with pytest.raises(ShapeError, match="MultiLabelBinarizer"):
        as_labels([[1], [2, 3]])
    with pytest.raises(ShapeError, match="MultiLabelBinarizer"):
        as_labels([(1,), (2, 3)])


def test_labels_that_no_order_has_are_refused():
    with pytest.raises(DataError, match="cannot be sorted, of type slice"):
        as_labels([slice(1), slice(2)])


@pytest.mark.parametrize("text", ["abc", b"abc", hostile_values()["hostile_word"]], ids=["str", "bytes", "subclass"])
def test_one_text_is_no_list_of_labels(text):
    with pytest.raises(DataError, match="a label for each sample, got one text"):
        as_labels(text)
