"""Every direct form of a method answers what the host's dispatcher answers, on any target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.engine import fastcalls
from zexus_parallel_plugin.engine.fastcalls.methods_list import LISTS
from zexus_parallel_plugin.engine.fastcalls.methods_map import MAPS
from zexus_parallel_plugin.engine.fastcalls.methods_shared import SHARED
from zexus_parallel_plugin.engine.fastcalls.methods_text import TEXTS
from zexus_parallel_plugin.host import vm as host

from .calls import direct_methods, grid, machine, method_arguments, outcome, targets

VM = machine()
FORMS = direct_methods(VM)


def hosts(name: str) -> Any:
    return lambda target, *args: None if target is None else host.call_method(VM, target, name, list(args))


def test_all_methods_of_the_hosts_tables_are_covered() -> None:
    assert {*host.LIST_METHODS, *host.DICT_METHODS, *host.STR_METHODS, "set", "get"} <= set(FORMS)


def test_the_tables_do_not_overlap() -> None:
    assert len(FORMS) == sum(map(len, (LISTS, MAPS, SHARED, TEXTS)))


PYTHONS = {name for name in FORMS if not {name} & {*host.LIST_METHODS, *host.DICT_METHODS, *host.STR_METHODS}}


@pytest.mark.parametrize("name", sorted(set(FORMS) - PYTHONS | {"set", "get"}))
@settings(max_examples=30, deadline=None)
@given(target=targets, args=method_arguments)
def test_a_direct_form_does_what_the_host_does(name: str, target: Any, args: list[Any]) -> None:
    check(name, [target, *args])


@pytest.mark.parametrize("name", sorted(set(FORMS) - PYTHONS | {"set", "get"}))
def test_it_does_so_at_the_edges(name: str) -> None:
    for call in grid():
        if call:
            check(name, call)


def check(name: str, call: list[Any]) -> None:
    assert outcome(FORMS[name], call) == outcome(hosts(name), call)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(PYTHONS)), target=targets, args=method_arguments)
def test_so_do_methods_that_are_pythons_own(name: str, target: Any, args: list[Any]) -> None:
    check(name, [target, *args])


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(FORMS)), target=targets, data=st.data())
def test_an_argument_that_is_in_the_target(name: str, target: Any, data: st.DataObject) -> None:
    inside = [*target] if type(target) in {list, dict} else []
    inside += target.values() if type(target) is dict else []
    args = data.draw(st.lists(st.sampled_from([*inside, target]), min_size=1, max_size=2))
    if name in {"extend", "push", "append", "insert", "set"} and any(arg is target for arg in args):
        args = args[:1]
    check(name, [target, *args])


def test_a_method_of_nothing_is_nothing() -> None:
    assert all(form(None, 1, 2) is None for form in FORMS.values())


def test_lists_stay_the_same_object() -> None:
    xs = [1]
    assert FORMS["push"](xs, 2) is xs
    assert FORMS["map"](xs, None) is xs
    mixed = [1, "a"]
    assert FORMS["sort"](mixed) is mixed
    assert FORMS["slice"](xs, 0) is not xs


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("push", [[1], 2]), ("pop", [[1]]), ("length", [{"a": 1}]), ("join", [[1, "a"], "-"]),
        ("keys", [{1: 2}]),
        ("upper", ["a"]), ("split", ["a b"]), ("slice", ["abc", 1]), ("contains", [[1], 1]),
        ("get", [{"a": 1}, "a"]), ("set", [[1], 0, 2]), ("charAt", ["abc", 1]), ("index_of", [[1], 2]),
        ("remove", [{"a": 1}, "a"]),
        ("title", ["a b"]), ("insert", [[1], 0, 5]), ("flatten", [[1, [2]]]), ("has", [{"a": 1}, "b"]),
    ],
)  # fmt: skip
def test_typical_calls_do_not_need_the_host(name: str, call: list[Any]) -> None:
    def general(target: Any, args: list[Any]) -> Any:
        raise AssertionError(args)

    assert outcome(fastcalls.METHODS[name](general), call) == outcome(hosts(name), call)
