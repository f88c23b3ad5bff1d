"""Conformance checks of the built-in layers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from conformance import built_in

from nncore.testing import LayerConformance

ARGUMENTS = {
    "batch_norm": [{}, {"momentum": 1.0}],
    "dropout": [{"rate": 0.4}],
    "members_dense": [
        {"n_outputs": 3},
        {"n_outputs": 2, "scale_inputs": False},
        {"n_outputs": 3, "scale_outputs": False, "use_bias": False},
        {"n_outputs": 2, "scale_outputs": False, "share_bias": True},
        {"n_outputs": 2, "scale_inputs": False, "scale_outputs": False, "share_bias": True},
    ],
    "member_heads": [{"n_outputs": 3}, {"n_outputs": 1, "use_bias": False}],
    "mean_members": [{}, {"link": "softmax"}, {"link": "sigmoid"}, {"link": "exp"}],
    "embedding": [{"n_categories": [4], "n_outputs": [2], "columns": [0]}],  # codes for all of 1023 columns are slow in NumPy
}
globals().update(built_in(LayerConformance, ARGUMENTS))


class TestCumulativeBatchNorm(LayerConformance):
    """The gradient in the notes takes the statistics as constants."""

    name = "batch_norm"
    arguments = [{"mode": "cumulative"}]
    exact_gradient = False


class TestFlattenOfPictures(LayerConformance):
    name = "flatten"
    input_shapes = ((3, 2, 2), (1, 1), (5, 1, 7))


class TestMeanOfSeveralClassifications(LayerConformance):
    name = "mean_members"
    arguments: ClassVar = [{"link": {"name": "softmax_heads", "n_classes": [3, 1, 2]}}]
    input_shapes = ((3, 6), (1, 6))


class TestMeanOfPictures(LayerConformance):
    name = "mean_members"
    input_shapes = ((3, 2, 2),)


class TestEmbeddingOfCodes(LayerConformance):
    """Codes of 5, 3 and 11 categories in columns 0, 2 and 3; also -1, what is too large, what is missing."""

    name = "embedding"
    arguments: ClassVar = [
        {"n_categories": [3, 5, 11], "columns": [2, 0, 3]},
        {"n_categories": 2, "n_outputs": [17, 1, 9], "columns": [0, 2, 3]},
        {"n_categories": [300, 3, 300], "n_outputs": 1, "columns": [2, 0, 3]},  # with 300 categories, rows without gradients are skipped
    ]
    input_shapes = ((5,), (4,), (20,))

    def inputs(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        x = rng.normal(size=shape)
        for column, n_categories in ((0, 5), (2, 3), (3, 11)):
            x[:, column] = rng.integers(-1, n_categories + 1, shape[0])
        x[::7, 2] = np.nan
        return x


class TestFillMissingOfMissing(LayerConformance):
    name = "fill_missing"
    arguments: ClassVar = [
        {},
        {"indicator": False},
        {"columns": [3, 1]},
        {"columns": [0, 2, 3, 1], "indicator": False, "values": [1, 2, 3, 4]},
    ]
    input_shapes = ((4,),)

    def inputs(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """All of column 1 and some of column 3 are missing; columns 0 and 2 are complete, since some of `arguments` do not fill them."""
        x = rng.normal(size=shape)
        x[:, 1] = np.nan
        x[rng.random(shape[0]) < 0.3, 3] = np.nan
        return x
