"""Output domains: the range of the outputs of an activation, and the range that a loss needs.

The range of a layer or an activation is an interval, as in mathematics (rounding may reach an open end): ``"(0, 1)"``, ``"[0, inf)"``.
There are two other words: `DISTRIBUTION` for positive numbers of which each row, or each group of columns, sums to 1, and `INPUT` for
unchanged inputs. None is unknown. A loss needs one of the words of `NEEDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nncore.contract.configurable import bounds
from nncore.errors import PluginError

#: Any real number.
UNBOUNDED = "(-inf, inf)"
#: Rows, or groups of columns, of positive numbers that sum to 1.
DISTRIBUTION = "distribution"
#: For an activation: the domain of its input.
INPUT = "input"


@dataclass(frozen=True)
class Need:
    """The outputs that a loss needs.

    Attributes
    ----------
    words : str
        Description for messages.
    activation : str or None
        Activation that turns any numbers into such outputs; None if no activation is needed.
    is_met_by : callable
        ``is_met_by(domain)`` says whether outputs of that domain are suitable.
    """

    words: str
    activation: str | None
    is_met_by: Callable[[str], bool]


def _ends(domain: str) -> tuple[float, float]:
    return bounds("(0, 1)" if domain == DISTRIBUTION else domain)


#: Words for `Loss.output_domain`, and what they ask for.
NEEDS: dict[str, Need] = {
    "real": Need("any numbers", None, lambda domain: True),
    "logits": Need("logits (real numbers without bounds)", None, lambda domain: _ends(domain) == (-float("inf"), float("inf"))),
    "signed": Need("numbers of both signs", None, lambda domain: _ends(domain)[0] < 0 < _ends(domain)[1]),
    "positive": Need("numbers above 0", "softplus", lambda domain: _ends(domain)[0] > 0 or (_ends(domain)[0] == 0 and domain[0] != "[")),
    "probabilities": Need("probabilities, each in [0, 1]", "sigmoid", lambda domain: _ends(domain)[0] >= 0 and _ends(domain)[1] <= 1),
    DISTRIBUTION: Need("rows of probabilities that sum to 1", "softmax", lambda domain: domain == DISTRIBUTION),
}


#: Only the words.
OUTPUT_DOMAINS = tuple(NEEDS)


def need_of(word: str, owner: object) -> Need:
    """The requirement of a loss, `owner`, by its word.

    Raises
    ------
    PluginError
        If there is no such word.
    """
    if word not in NEEDS:
        raise PluginError(f"{owner!r}: output_domain is {word!r}; it must be one of {', '.join(map(repr, NEEDS))}")
    return NEEDS[word]


def is_domain(domain: object) -> bool:
    """Whether it says what a component gives: an interval, one of the words, or None."""
    if domain is None:
        return True
    if not isinstance(domain, str):
        return False
    if domain in (DISTRIBUTION, INPUT):
        return True
    try:
        low, high = bounds(domain)
    except ValueError:
        return False
    return low < high and domain[0] in "([" and domain[-1] in ")]"


def checked_domain(domain: str | None, owner: object) -> str | None:
    """The declared domain of a component, if it is valid.

    Raises
    ------
    PluginError
        If it is neither an interval nor one of the words.
    """
    if not is_domain(domain):
        wanted = f"an interval like '[0, inf)', {DISTRIBUTION!r} or {INPUT!r}"
        raise PluginError(f"{owner!r}: output_domain is {domain!r}; it must be {wanted}")
    return domain


def domain_of_sum(domains: Sequence[str | None]) -> str | None:
    """The domain of sums of numbers, one from each domain."""
    if UNBOUNDED in domains:
        return UNBOUNDED
    intervals = ["(0, 1)" if domain == DISTRIBUTION else domain for domain in domains]
    known = [interval for interval in intervals if interval is not None]
    if len(known) < len(domains):
        return None
    low, high = (sum(ends) for ends in zip(*map(bounds, known), strict=True))
    left = "[" if all(interval[0] == "[" for interval in known) else "("
    right = "]" if all(interval[-1] == "]" for interval in known) else ")"
    return f"{left}{low:g}, {high:g}{right}"
