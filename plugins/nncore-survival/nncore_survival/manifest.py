"""What this plugin offers. nncore reads it when somebody first asks for a component by name."""

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
