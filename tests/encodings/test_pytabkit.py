"""Columns encoded by pytabkit and rtdl_num_embeddings, recorded by make_pytabkit.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.data import EncodingChain

DATA = json.loads(Path(__file__).with_name("pytabkit.json").read_text())


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: ", ".join(map(str, case["chain"])))
def test_encoded_columns_are_those_of_the_original_packages(case: dict[str, Any]) -> None:
    columns = np.array(case["columns"])
    chain = EncodingChain.learn(case["chain"], columns, n_levels=case["n_levels"])
    np.testing.assert_allclose(
        chain.encode(np.array(case["others"])), case["encoded"], rtol=1e-6, atol=1e-6
    )  # columns of levels are float32
