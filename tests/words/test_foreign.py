"""The list of other libraries' names: the equivalents in it exist."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest
from each import each
from publics import public_callables

import nncore as nn
from nncore import registry
from nncore.words import ARGUMENTS, KINDS, MEMBERS, NAMES, REMEDIES

SIGNATURES = [inspect.signature(public.call) for public in public_callables()]
SIGNATURES += [inspect.signature(registry.get(kind, name)) for kind in registry.KINDS for name in registry.names(kind)]
KNOWN = {name for signature in SIGNATURES for name in signature.parameters}


@each("word", ARGUMENTS)
def test_what_an_argument_is_called_here_is_an_argument(word: str) -> None:
    assert set(ARGUMENTS[word]) <= KNOWN
    assert word not in ARGUMENTS[word]


@each("word", ARGUMENTS)
def test_a_word_helps_somewhere(word: str) -> None:
    """Each word is useful: some function has the equivalent argument but not the word itself, or there is a remedy."""
    helps = any(word not in s.parameters and set(ARGUMENTS[word]) & set(s.parameters) for s in SIGNATURES)
    assert helps or word in REMEDIES


@each("word", REMEDIES)
def test_a_remedy_names_arguments_that_exist(word: str) -> None:
    assert set(re.findall(r"\b(\w+)=", REMEDIES[word])) <= KNOWN


@each("name", NAMES)
def test_a_public_name_of_others_leads_to_one_of_ours(name: str) -> None:
    assert not hasattr(nn, name)
    found: object = nn
    for part in NAMES[name].split("."):
        found = getattr(found, part)
    with pytest.raises(AttributeError, match=rf"it is called nncore\.{re.escape(NAMES[name])} here"):
        getattr(nn, name)


@each("member", MEMBERS)
def test_a_method_of_others_leads_to_one_of_ours(member: str) -> None:
    net = nn.Sequential(nn.Dense(1))
    assert not hasattr(net, member)
    remedy = MEMBERS[member]
    for name in re.findall(r"\b(\w+)\(", remedy):
        assert hasattr(net, name) or hasattr(nn, name) or name in ("argmax", "index")
    assert set(re.findall(r"\b(\w+)=", remedy)) <= KNOWN | {"axis"}
    with pytest.raises(AttributeError, match=re.escape(remedy)):
        getattr(net, member)


@pytest.mark.parametrize("module", KINDS)
def test_a_module_of_others_leads_to_a_kind(module: str) -> None:
    assert KINDS[module] in registry.KINDS
    if importlib.util.find_spec(f"nncore.{module}") is None:
        with pytest.raises(AttributeError, match=rf"nncore\.names\('{KINDS[module]}'\)"):
            getattr(nn, module)
