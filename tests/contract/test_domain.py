"""Names and intervals for the values that activations produce and losses accept."""

from __future__ import annotations

import pytest

from nncore import registry
from nncore.contract import DISTRIBUTION, INPUT, OUTPUT_DOMAINS, UNBOUNDED, checked_domain, domain_of_sum, need_of
from nncore.errors import PluginError


@pytest.mark.parametrize("word", OUTPUT_DOMAINS)
def test_the_activation_of_a_need_meets_it(word: str) -> None:
    need = need_of(word, "a loss")
    domain = UNBOUNDED if need.activation is None else registry.get("activations", need.activation).output_domain
    assert need.is_met_by(domain)


@pytest.mark.parametrize(
    ("domain", "met"),
    [
        ("(-inf, inf)", {"real", "logits", "signed"}),
        ("(-1, inf)", {"real", "signed"}),
        ("[-1, 1]", {"real", "signed"}),
        ("[0, inf)", {"real"}),
        ("(0, inf)", {"real", "positive"}),
        ("[1, 2]", {"real", "positive"}),
        ("(0, 1)", {"real", "positive", "probabilities"}),
        ("[0, 1]", {"real", "probabilities"}),
        ("(-2, 0)", {"real"}),
        (DISTRIBUTION, {"real", "positive", "probabilities", "distribution"}),
    ],
)
def test_needs(domain: str, met: set[str]) -> None:
    assert {word for word in OUTPUT_DOMAINS if need_of(word, "a loss").is_met_by(domain)} == met


@pytest.mark.parametrize(
    ("domains", "sum_"),
    [
        (["(0, 1)", "(0, 1)"], "(0, 2)"),
        (["[0, inf)", "[-1, 1]"], "[-1, inf)"),
        (["[0, inf)", "(-1, 1)"], "(-1, inf)"),
        ([DISTRIBUTION, DISTRIBUTION], "(0, 2)"),
        ([DISTRIBUTION, None], None),
        ([None, UNBOUNDED], UNBOUNDED),
    ],
)
def test_sums(domains: list[str | None], sum_: str | None) -> None:
    assert domain_of_sum(domains) == sum_


@pytest.mark.parametrize("domain", ["real", "0, 1", "(1, 0)", "(0, one)", "", 3])
def test_an_unreadable_domain_is_the_component_s_fault(domain: object) -> None:
    with pytest.raises(PluginError, match=r"an activation.*must be an interval like"):
        checked_domain(domain, "an activation")  # type: ignore[arg-type]
    with pytest.raises(PluginError, match=r"a loss.*must be one of 'real', 'logits'"):
        need_of(str(domain) + "?", "a loss")


@pytest.mark.parametrize("domain", [None, DISTRIBUTION, INPUT, "[0, inf)"])
def test_readable_domains(domain: str | None) -> None:
    assert checked_domain(domain, "an activation") == domain
