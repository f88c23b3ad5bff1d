"""The components of this plugin. nncore imports this module at the first lookup of a component by name, so keep its imports light."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("cox", "nncore_survival.cox:Cox", "negative log partial likelihood of proportional hazards; Cox 1972"),
        Component("logistic_hazard", "nncore_survival.logistic_hazard:LogisticHazard", "hazard of each interval of time, from logits"),
    ]


@hookimpl
def nncore_metrics(api: tuple[int, int]) -> list[Component]:
    return [Component("concordance", "nncore_survival.concordance:Concordance", "pairs in the right order; Harrell et al. 1982")]
