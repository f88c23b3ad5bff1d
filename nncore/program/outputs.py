"""The range of a network's outputs, and whether it suits the loss."""

from __future__ import annotations

from dataclasses import dataclass

from nncore import registry
from nncore.contract import DISTRIBUTION, INPUT, UNBOUNDED, Activation, Layer, Loss, alike, checked_domain, domain_of_sum, need_of
from nncore.errors import NNCoreError, ParameterError
from nncore.program.planning import Blueprint
from nncore.program.specification import NETWORK_INPUT


@dataclass(frozen=True)
class Output:
    """Some columns of a network's outputs.

    Attributes
    ----------
    domain : str or None
        Their range, see `Activation.output_domain`; None is unknown.
    origin : str
        Where they come from, for messages.
    activation : Activation or None
        The activation that they come from.
    """

    domain: str | None
    origin: str
    activation: Activation | None = None


def outputs_of(blueprint: Blueprint) -> tuple[Output, ...]:
    """The outputs of the network from left to right. For concatenated branches, the end of each."""
    values: dict[int, tuple[Output, ...]] = {NETWORK_INPUT: (Output(None, "the input"),)}
    for stage in blueprint.stages:
        plan, given = stage.plan, values[stage.sources[0]]
        if plan.branches:
            given = tuple(output for source in stage.sources for output in values[source])
            if plan.merge == "sum":
                given = (Output(domain_of_sum([output.domain for output in given]), f"the sum in {stage.name}"),)
        elif stage is blueprint.stages[-1] and blueprint.n_members:
            pass  # the loss receives the members' outputs
        elif not (plan.is_view or plan.training_only or plan.output_domain == INPUT):
            given = (Output(checked_domain(plan.output_domain, stage.layer), f"{stage.name} without an activation"),)
        if stage.activation is not None:
            domain = checked_domain(stage.activation.output_domain_for(stage.activation_columns), stage.activation)
            if domain != INPUT:
                given = (Output(domain, f"{_name('activations', stage.activation)!r} in {stage.name}", stage.activation),)
        values[stage.index] = given
    return values[blueprint.stages[-1].index]


def check_outputs(loss: Loss, blueprint: Blueprint) -> None:
    """Raise `ParameterError` if the range of the network's outputs is known and does not suit the loss.

    Outputs of unknown range are accepted.
    """
    n_outputs = blueprint.n_outputs
    _check_mean(loss, blueprint)
    need = need_of(loss.output_domain_for(n_outputs), loss)
    outputs = outputs_of(blueprint)
    wrong = next((output for output in outputs if output.domain is not None and not need.is_met_by(output.domain)), None)
    if wrong is None:
        return
    name = _name("losses", loss)
    ending = None if wrong.activation is None else _name("activations", wrong.activation)
    if need.activation is None:
        applied = f" (the loss applies {loss.link!r} itself; so does predict_proba)" if isinstance(loss.link, str) else ""
        remedies = [f"end the network without an activation{applied}"]
        remedies += [f"use loss={other!r}" for other in _twins(loss, n_outputs, activation=ending)]
    else:
        remedies = [f"end the network with activation={need.activation!r}"]
        remedies += [f"without an activation use loss={other!r}" for other in _twins(loss, n_outputs, link=need.activation)]
    gives = {DISTRIBUTION: "rows of probabilities", UNBOUNDED: "any numbers"}.get(str(wrong.domain), f"numbers in {wrong.domain}")
    raise ParameterError(
        f"{name} takes {need.words}, but the network ends with {wrong.origin}, which gives {gives}: {', or '.join(remedies)}"
    )


def _check_mean(loss: Loss, blueprint: Blueprint) -> None:
    """Check that the mean over the members of an ensemble is taken after the link of the loss."""
    last = blueprint.stages[-1]
    if blueprint.n_members == 0 or last.plan.link == "identity":
        return
    averaged, wanted = (None if link is None else registry.resolve("activations", link) for link in (last.plan.link, loss.link))
    if averaged == wanted or (averaged is not None and wanted is not None and alike(averaged, wanted)):
        return
    name, of = type(last.layer).__name__, "outputs" if averaged is None else f"what {last.plan.link!r} makes of outputs"
    link = "no link" if wanted is None else f"the link {loss.link!r}"
    remedy = f"nn.{name}()" if wanted is None else f"nn.{name}(link={loss.link!r})"
    raise ParameterError(
        f"{_name('losses', loss)} has {link}, but {last.name} takes the mean of {of}: write {remedy}, or nn.{name}(link='identity') for "
        "the mean of the outputs themselves"
    )


def _twins(loss: Loss, n_outputs: int, *, activation: str | None = None, link: str | None = None) -> list[str]:
    """Registered losses for the same targets as `loss` that expect this last activation, or have this link."""
    if activation is None and link is None:
        return []
    found = []
    for name in registry.names("losses"):
        try:
            other: Loss = registry.resolve("losses", name)
            needed = need_of(other.output_domain_for(n_outputs), other).activation
        except (NNCoreError, ImportError):  # it needs arguments, or its plugin is missing
            continue
        is_twin = needed == activation if link is None else other.link == link
        if is_twin and other.targets == loss.targets and type(other) is not type(loss):
            found.append(name)
    return found


def _name(kind: str, component: Activation | Loss | Layer) -> str:
    """Name of a component as users write it."""
    try:
        return registry.qualified_name(kind, type(component)).rpartition("/")[2]
    except LookupError:  # a class of the user's own
        return repr(component)
