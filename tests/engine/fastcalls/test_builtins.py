"""Every direct form of a builtin answers what the host's VM answers, on whatever it is given."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zexus_parallel_plugin.engine import fastcalls
from zexus_parallel_plugin.engine.fastcalls import guard

from .calls import EDGES, arguments, describe, direct_builtins, grid, machine, outcome, small

VM = machine()
FORMS = direct_builtins(VM)
DIGESTS = {"hash", "keccak256"}
"""Of containers these take the address."""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def hosts(name: str) -> Any:
    return lambda *args: VM._invoke_callable_sync(VM.builtins[name], list(args))


def test_every_builtin_of_the_table_is_verified_on_this_host() -> None:
    assert set(FORMS) == set(fastcalls.BUILTINS) == set(guard.HOME)


@pytest.mark.parametrize("name", sorted(fastcalls.BUILTINS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_direct_form_does_what_the_host_does(name: str, data: st.DataObject) -> None:
    check(name, data.draw(st.lists(small, max_size=4) if name == "range" else arguments))


@pytest.mark.parametrize("name", sorted(fastcalls.BUILTINS))
def test_it_does_so_at_the_edges(name: str) -> None:
    for given_arguments in grid([1, -3, True, "a", None, 2.5] if name == "range" else EDGES):
        check(name, given_arguments)


def check(name: str, given_arguments: list[Any]) -> None:
    expected = outcome(hosts(name), given_arguments)
    actual = outcome(FORMS[name], given_arguments)
    if name in DIGESTS and not all(isinstance(a, (str, int, float, type(None))) for a in given_arguments):
        assert actual[0][0] == expected[0][0]
        actual, expected = actual[1:], expected[1:]
    assert actual == expected


TYPICAL: dict[str, list[list[Any]]] = {
    "abs": [[-5], [-0.0], [2**70]],
    "bytes_from_hex": [],
    "constant_time_compare": [["a", "a"], ["a", "b"]],
    "entries": [[{"a": 1, "b": [1, {"c": 2}]}], [{1: 2, "1": 3}], [{}]],
    "extend": [[[1, [2]], [[3]]]],
    "first": [[[1, 2]], [[]], [[[1], 2]]],
    "float": [[3], ["2.5"], [True], [1.5]],
    "from_hex": [["ff"], ["0x10"]],
    "hash": [["abc"], [5], [True], ["abc", "sha512"]],
    "int": [["12"], [3.9], [True], [7]],
    "is_alpha": [["abc"], ["a1"], [""]],
    "is_alphanumeric": [["a1"], ["-"]],
    "is_email": [],
    "is_numeric": [["12"], ["x"], [5], [1.5]],
    "is_phone": [],
    "is_url": [],
    "keccak256": [],
    "keys": [[{"a": 1}], [{1: 2, False: 3, None: 4}], [{"a": [{"b": 1}]}]],
    "lowercase": [["ÄB"]],
    "matches_pattern": [["abc", "a+b"], ["abc", "a+b"], ["xabc", "a+b"]],
    "password_strength": [],
    "range": [[1, 9, 2], [5, 0, -1]],
    "require": [[True], [1, "m"], ["x"], [None], [0.0]],
    "rest": [[[1, 2, 3]], [[]], [[1, [2]]]],
    "sanitize_input": [["a\r\nb\x00"]],
    "size": [[[1, 2]], [{"a": 1}], ["abc"], [[[1], {"a": [2]}]]],
    "slice": [[[1, 2, 3], 1], [[1, 2, 3], -2, 3], [[1, [2], 3], 0, -1], [[1, 2, 3], 0, -9]],
    "sort": [
        [[3, 1, 2]], [["b", "a"]], [[2, 1.5, 3], True], [[True, 1, None, 0]], [[1, 2], False, True],
        [[{"fee": 2}, {"fee": 1}, {"x": 0}], "fee"], [[{"fee": 2}, {"fee": 1}], "fee", True],
    ],
    "split": [["a,b", ","], ["abc", "x"]],
    "sqrt": [[2], [2.25], [-4]],
    "to_hex": [[255], [-1]],
    "type": [[1], [1.5], ["a"], [True], [None], [[1, [2]]], [{"a": {"b": 1}}]],
    "typeof": [[1], [1.5], ["a"], [True], [None], [[1, [2]]], [{"a": {"b": 1}}]],
    "uppercase": [["straße"]],
    "validate_length": [["abc", 1, 3], ["abc", 4, 5]],
    "values": [[{"a": [1], "b": 2}]],
    "verify": [[True], [5, "m"], [None], ["x"]],
    "verify_password": [],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TYPICAL))
def test_typical_calls_do_not_need_the_host(name: str) -> None:
    seen: list[Any] = []

    class Watched(fastcalls.General):
        def __call__(self, args: list[Any]) -> Any:
            seen.append(args)
            return super().__call__(args)

    form = fastcalls.BUILTINS[name](Watched(VM, VM.builtins[name]))
    for case, args in enumerate(TYPICAL[name]):
        assert outcome(form, args) == outcome(hosts(name), args)
        if name != "matches_pattern" or case:
            assert seen == []
        seen.clear()


def test_typical_calls_are_listed_for_all() -> None:
    assert set(TYPICAL) == set(fastcalls.BUILTINS)


def test_containers_come_back_as_copies() -> None:
    inner = [1]
    shared = [inner, inner]
    result = FORMS["rest"]([0, *shared])
    assert result == shared
    assert result[0] is not inner
    assert result[0] is not result[1]
    assert FORMS["values"]({"k": inner})[0] is not inner


@pytest.mark.parametrize("name", ["size", "first", "rest", "sort", "type", "values", "keys"])
def test_a_container_inside_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    value: Any = {} if name in {"values", "keys"} else []
    if isinstance(value, dict):
        value["k"] = value
    else:
        value.append(value)
    assert FORMS[name](value) is None
    assert "recursion" in capsys.readouterr().err


def test_a_change_is_noticed() -> None:
    # The comparison above passes when nothing is wrong; these differ in one respect each.
    base = [[3, [1]]]
    expected = outcome(list, base)
    assert outcome(list, base) == expected
    assert outcome(lambda xs: xs, base) != expected
    assert outcome(lambda xs: [3, [1]], base) != expected
    assert outcome(lambda xs: [3.0, xs[1]], base) != expected
    assert outcome(lambda xs: [True, xs[1]], [[1, [1]]]) != outcome(list, [[1, [1]]])
    assert outcome(lambda xs: [xs.pop(0), *xs], base) != expected
    assert outcome(lambda xs: print("x") or list(xs), base) != expected
    assert outcome(lambda xs: print("x", file=sys.stderr) or list(xs), base) != expected
    assert outcome(lambda xs: 1 / 0, base) != expected
    assert describe(0.0, {}, "") != describe(-0.0, {}, "")
