"""The description of a network in a file: a JSON object with exactly the known fields, each of its type."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from network.files import load_bytes, network_in, tampered, trained_size, with_field

from nncore.errors import FileFormatError, PluginWarning, UnknownComponentError
from nncore.network import document


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from(sorted(document.FIELDS)),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("name"), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_json_in_any_field(tmp_path: Path, whole: bytes, field: str, value: Any):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PluginWarning)  # a name such as "0/0" belongs to a plugin that is not installed
            network = load_bytes(with_field(whole, field, value), tmp_path)
    except (FileFormatError, UnknownComponentError):
        return
    assert network.n_parameters == trained_size()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("layers", {}),
        ("layers", []),
        ("layers", ["dense"]),
        ("layers", "dense"),
        ("input_shape", 3),
        ("input_shape", []),
        ("input_shape", [0]),
        ("input_shape", [-3]),
        ("input_shape", [3.0]),
        ("input_shape", [True]),
        ("input_shape", ["3"]),
        ("input_shape", [2**63]),
        ("dtype", "object"),
        ("dtype", "float16"),
        ("dtype", ["float32"]),
        ("precision", "int8"),
        ("precision", None),
        ("encoding", []),
        ("encoding", "columns"),
        ("loss", "mse"),
        ("link", 3),
        ("components", []),
        ("components", {"layer": {}}),
        ("components", {"layers": []}),
        ("components", {"layers": {"dense": {"plugin": "nncore-ml"}}}),
        ("components", {"layers": {"dense": {"plugin": "nncore-ml", "version": 1}}}),
        ("components", {"layers": {"dense": {"registered": "yesterday"}}}),
        # Messages about a missing plugin end in a command to copy, which must not come from the file.
        ("components", {"layers": {"x": {"plugin": "--index-url=http://example.org", "version": "1"}}}),
        ("components", {"layers": {"x": {"plugin": "x; rm -rf ~", "version": "1"}}}),
        ("components", {"layers": {"x": {"plugin": "x", "version": "1 --pre"}}}),
        ("components", {"layers": {"x": {"plugin": "../x", "version": "1"}}}),
        ("components", {"layers": {"x": {"plugin": "\x1b[2Jx", "version": "1"}}}),
        ("components", {"layers": {"nncore-snake/snake": {"plugin": "snake-nncore", "version": "1"}}}),
        ("optimizer", []),
        ("schedule", None),
        ("schedule", {"lr": "cosine"}),
        ("schedule_state", []),
        ("schedule_state", {"lr": 3}),
        ("schedule_state", {"lr": {"wait": "3"}}),
        ("schedule_state", {"lr": {"wait": True}}),
        ("schedule_state", {"lr": {"wait": None}}),
        ("schedule_state", {"lr": {"wait": float("nan")}}),
        ("schedule_state", {"lr": {"wait": float("inf")}}),
        ("schedule_state", {"lr": {"wait": 10**400}}),
        ("weight_decay", -1.0),
        ("weight_decay", float("nan")),
        ("weight_decay", float("inf")),
        ("weight_decay", True),
        ("weight_decay", "0"),
        ("n_steps", -1),
        ("n_steps", 2**63),
        ("n_steps", 1.5),
        ("n_steps", True),
        ("n_epochs", -1),
        ("n_epochs", None),
        ("seed", -1),
        ("seed", 2**64),
        ("metadata", []),
        ("metadata", None),
    ],
)
def test_fields_of_the_wrong_kind(tmp_path: Path, whole: bytes, field: str, value: Any):
    with pytest.raises(FileFormatError, match=f"damaged.nncore cannot be loaded: the network's '{field}' must be"):
        load_bytes(with_field(whole, field, value), tmp_path)


def test_schedules_and_their_states_belong_together(tmp_path: Path, whole: bytes):
    with pytest.raises(FileFormatError, match=r"has schedules of \[\], but states of schedules of \['lr'\]"):
        load_bytes(with_field(whole, "schedule_state", {"lr": {}}), tmp_path)


@pytest.mark.parametrize("field", sorted(document.FIELDS))
def test_fields_that_are_missing(tmp_path: Path, whole: bytes, field: str):
    file = tampered(whole, lambda header: network_in(header).pop(field))
    with pytest.raises(FileFormatError, match=f"has no '{field}'"):
        load_bytes(file, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1" * 5000, "[" * 100_000, "{}"])
def test_a_description_that_is_not_a_json_object(tmp_path: Path, whole: bytes, text: str):
    file = tampered(whole, lambda header: header["__metadata__"].__setitem__("description", text))
    with pytest.raises(FileFormatError, match=r"the description (is not|must have)"):
        load_bytes(file, tmp_path)
