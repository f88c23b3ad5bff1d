"""What nncore asks of every component: NumPy against C, canaries, NaN where nothing may be read, differences, parts, saved networks."""

from __future__ import annotations

from nncore.testing import InitializerConformance, LayerConformance, LossConformance


class TestMembersDense(LayerConformance):
    name = "nncore-members/members_dense"
    arguments = (
        {"n_outputs": 5},
        {"n_outputs": 6, "scale_inputs": False},
        {"n_outputs": 3, "scale_outputs": False, "use_bias": False},
        {"n_outputs": 4, "scale_inputs": False, "scale_outputs": False},
    )
    input_shapes = ((3, 4), (1, 7), (5, 1), (2, 30))


class TestRepeatMembers(LayerConformance):
    name = "nncore-members/repeat_members"
    arguments = ({"n_members": 3}, {"n_members": 1})
    input_shapes = ((4,), (1,), (2, 3))


class TestMeanMembers(LayerConformance):
    name = "nncore-members/mean_members"
    input_shapes = ((3, 4), (1, 2), (5, 2, 3))


class TestRandomSigns(InitializerConformance):
    name = "nncore-members/random_signs"


class TestMembers(LossConformance):
    name = "nncore-members/members"
    arguments = ({"loss": "softmax_cross_entropy", "n_members": 2}, {"loss": "half_mse", "n_members": 2})
    columns = (6, 12, 18)  # for two members, and for three
