"""Ensembles in one network: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("repeat_members", "nncore_members.ends:RepeatMembers", "a sample once for each member of an ensemble"),
        Component("members_dense", "nncore_members.dense:MembersDense", "one weight for all members, scaled by each in its own way"),
        Component("mean_members", "nncore_members.ends:MeanMembers", "the mean over the members"),
    ]


@hookimpl
def nncore_initializers(api: tuple[int, int]) -> list[Component]:
    return [Component("random_signs", "nncore_members.signs:RandomSigns", "1 or -1 with equal probability")]


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [Component("members", "nncore_members.loss:Members", "the mean of the members' own losses")]
