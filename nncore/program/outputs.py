"""Which numbers leave a network, and whether they are such as its loss takes."""

from __future__ import annotations

from dataclasses import dataclass

from nncore import registry
from nncore.contract import DISTRIBUTION, INPUT, UNBOUNDED, Activation, Layer, Loss, checked_domain, domain_of_sum, need_of
from nncore.errors import NNCoreError, ParameterError
from nncore.program.planning import Blueprint
from nncore.program.specification import NETWORK_INPUT


@dataclass(frozen=True)
class Output:
    """Some columns of what leaves a network.

    Attributes
    ----------
    domain : str or None
        Which numbers they are, see `Activation.output_domain`; None is not known.
    origin : str
        What makes them, in words.
    activation : Activation or None
        The one that they come from.
    """

    domain: str | None
    origin: str
    activation: Activation | None = None


def outputs_of(blueprint: Blueprint) -> tuple[Output, ...]:
    """What leaves the network, from side to side: of several branches that end in a concatenation, each one's end."""
    values: dict[int, tuple[Output, ...]] = {NETWORK_INPUT: (Output(None, "the input"),)}
    for stage in blueprint.stages:
        plan, given = stage.plan, values[stage.sources[0]]
        if plan.branches:
            given = tuple(output for source in stage.sources for output in values[source])
            if plan.merge == "sum":
                given = (Output(domain_of_sum([output.domain for output in given]), f"the sum in {stage.name}"),)
        elif not (plan.is_view or plan.training_only):
            given = (Output(checked_domain(plan.output_domain, stage.layer), f"{stage.name} without an activation"),)
        if stage.activation is not None:
            domain = checked_domain(stage.activation.output_domain_for(stage.n_outputs), stage.activation)
            if domain != INPUT:
                given = (Output(domain, f"{_name('activations', stage.activation)!r} in {stage.name}", stage.activation),)
        values[stage.index] = given
    return values[blueprint.stages[-1].index]


def check_outputs(loss: Loss, blueprint: Blueprint) -> None:
    """Raise `ParameterError` if the network is known to end in other numbers than the loss takes.

    What says nothing of its numbers is trusted: a component of somebody else's may know better.
    """
    n_outputs = blueprint.n_outputs
    need = need_of(loss.output_domain_for(n_outputs), loss)
    outputs = outputs_of(blueprint)
    wrong = next((output for output in outputs if output.domain is not None and not need.is_met_by(output.domain)), None)
    if wrong is None:
        return
    known = [output.domain for output in outputs if output.domain is not None]
    name = _name("losses", loss)
    remedies = []
    if need.activation is not None:
        remedies.append(f"end the network with activation={need.activation!r}")
        ending, used = [UNBOUNDED], "without an activation "
    else:
        applied = f" (the loss applies {loss.link!r} itself; so does predict_proba)" if isinstance(loss.link, str) else ""
        remedies.append(f"end the network without an activation{applied}")
        ending, used = known, ""
    if others := _losses_for(loss, ending, n_outputs):
        remedies.append(f"{used}use loss={' or '.join(map(repr, others))}")
    gives = {DISTRIBUTION: "rows of probabilities", UNBOUNDED: "any numbers"}.get(str(wrong.domain), f"numbers in {wrong.domain}")
    raise ParameterError(
        f"{name} takes {need.words}, but the network ends with {wrong.origin}, which gives {gives}: {', or '.join(remedies)}"
    )


def _losses_for(loss: Loss, domains: list[str], n_outputs: int) -> list[str]:
    """Losses of the registry with the targets of `loss` that are made for outputs of these domains."""
    found = []
    for name in registry.names("losses"):
        try:
            other: Loss = registry.resolve("losses", name)
            word = other.output_domain_for(n_outputs)
            is_made_for = word != "real" and all(map(need_of(word, other).is_met_by, domains))
        except (NNCoreError, ImportError):  # it needs arguments, or is not at hand
            continue
        if is_made_for and other.targets == loss.targets and type(other) is not type(loss):
            found.append(name)
    return found


def _name(kind: str, component: Activation | Loss | Layer) -> str:
    """A component as users write it."""
    try:
        return registry.qualified_name(kind, type(component)).rpartition("/")[2]
    except LookupError:  # a class of the user's own
        return repr(component)
