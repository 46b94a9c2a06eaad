"""Arguments to try, and what a call with them does: value, aliases, changed arguments, errors, output."""

from __future__ import annotations

import contextlib
import copy
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from zexus.evaluator import Evaluator
from zexus.object import Bytes, DateTime, EvaluationError, Integer, List, String
from zexus.vm.vm import VM, VMMode

from zexus_parallel_plugin.engine import fastcalls
from zexus_parallel_plugin.engine.fastcalls.plain import NESTING


def machine() -> Any:
    """A VM of the host with the builtins that its command line gives it."""
    vm = VM(mode=VMMode.AUTO, use_jit=True, gas_limit=1_000_000)
    vm.builtins.update(Evaluator(use_vm=False).builtins)
    return vm


def direct_builtins(vm: Any) -> dict[str, Any]:
    """The direct forms of all builtins that have one, by name."""
    forms = fastcalls.Forms(vm)
    return {name: forms.builtin(name) for name in fastcalls.BUILTINS if name in forms}


def direct_methods(vm: Any) -> dict[str, Any]:
    """The direct forms of all methods that have one, by name."""
    forms = fastcalls.Forms(vm)
    return {name: forms.method(name) for name in fastcalls.METHODS}


def outcome(call: Callable[..., Any], arguments: list[Any]) -> tuple[Any, ...]:
    """Everything that a program could notice of a call. The arguments are copied first, aliases and all."""
    arguments = copy.deepcopy(arguments)
    seen: dict[int, str] = {}
    # Containers of the arguments are known by their place, so that a result that is one of them shows.
    described = [describe(argument, seen, f"argument {index}") for index, argument in enumerate(arguments)]
    out, err = io.StringIO(), io.StringIO()
    error: Any = None
    result: Any = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            result = call(*arguments)
        except Exception as raised:
            error = (type(raised).__name__, _no_addresses(str(raised)))
    after: dict[int, str] = {}
    changed = [describe(argument, after, f"argument {index}") for index, argument in enumerate(arguments)]
    answer = describe(result, seen, "result")
    texts = tuple(_no_addresses(text.getvalue()) for text in (out, err))
    return answer, error, changed != described, changed, *texts


def describe(value: Any, seen: dict[int, str], place: str) -> Any:
    """Exact types and values; a container that has been met before is named by where."""
    kind = type(value).__name__
    if isinstance(value, (list, dict)):
        if id(value) in seen:
            return ("again", seen[id(value)])
        seen[id(value)] = place
    if type(value) is list:
        return (kind, [describe(item, seen, f"{place}[{index}]") for index, item in enumerate(value)])
    if type(value) is dict:
        pairs = enumerate(value.items())
        return (
            kind,
            [(describe(k, seen, ""), describe(v, seen, f"{place}[{index}]")) for index, (k, v) in pairs],
        )
    if isinstance(value, EvaluationError):
        return (kind, _no_addresses(str(value.message)))
    if isinstance(value, int):
        return (kind, hex(value))
    if isinstance(value, str):
        return (kind, _no_addresses(value))
    if isinstance(value, (float, complex, bytes, tuple, type(None))):
        return (kind, repr(value))
    return (kind, id(value) in seen)


def _no_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", " at 0x", text)


BIG = 2**70
LONG = 10**5000
"""More digits than Python prints."""

words = st.sampled_from(
    ["", "a", "b", "fee", "abc", "aXbX", "a,b,,c", " a b ", "12", " -7 ", "1e5", "0x1f", "1_000", "nan",
     "inf", "ß", "ÄÖ", "\u0661", "x\x00y\r\nz\r", "\ud800", "True", "[", "a+", "user@example.com"]
) | st.text(max_size=4)  # fmt: skip
small = st.integers(-6, 9)
numbers = (
    small
    | st.sampled_from([BIG, -BIG, 2**53 + 1, 10**400])
    | st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.5, 1e308, float("nan"), float("inf"), -float("inf")])
)
scalars = st.none() | st.booleans() | numbers | words
keys = words | small | st.sampled_from([True, None, 1.0, 1, "1", "True", "None"])


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return (
        st.lists(inner, max_size=4)
        | st.dictionaries(words, inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3)
        # The same container twice.
        | inner.map(lambda value: [value, 1, value])
    )


plain = scalars | st.recursive(scalars, _containers, max_leaves=10)
lists = st.one_of(
    st.lists(small, max_size=6),
    st.lists(numbers, max_size=6),
    st.lists(words, max_size=6),
    st.lists(scalars, max_size=6),
    st.lists(plain, max_size=3),
    st.lists(st.dictionaries(st.sampled_from(["fee", "b"]), scalars, max_size=2), max_size=5),
)
maps = st.dictionaries(words, plain, max_size=4) | st.dictionaries(keys, plain, max_size=4)


def _deep(levels: int) -> Any:
    value: Any = [1]
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


strange = st.sampled_from(
    [Integer(3), String("ab"), List([Integer(1)]), Bytes(b"ab"), DateTime(5.0), EvaluationError("e"), (1, 2),
     b"ab", {(1, 2): 3}, [Integer(4)], {"k": String("v")}, {LONG: 1},
     _deep(NESTING - 2), _deep(NESTING), _deep(NESTING + 2)]
)  # fmt: skip
values = st.one_of(plain, lists, maps, words, small, strange)

arguments = st.one_of(
    st.lists(values, max_size=4),
    st.lists(words, min_size=1, max_size=3),
    st.tuples(numbers | words | st.booleans()).map(list),
    st.tuples(lists).map(list),
    st.tuples(maps).map(list),
    st.tuples(lists, small).map(list),
    st.tuples(lists, small, small).map(list),
    st.tuples(lists, st.sampled_from(["fee", "b"]) | st.booleans()).map(list),
    st.tuples(lists, st.sampled_from(["fee", "b"]) | st.booleans(), st.booleans()).map(list),
    st.tuples(lists, lists).map(list),
    lists.map(lambda value: [value, value]),
    st.tuples(words, small, small).map(list),
    st.tuples(small, small, small).map(list),
    st.tuples(scalars, words).map(list),
)

targets = st.one_of(lists, maps, words, plain, strange)

method_arguments = st.one_of(
    st.just([]),
    st.tuples(values).map(list),
    st.tuples(words).map(list),
    st.tuples(small).map(list),
    st.tuples(words, words).map(list),
    st.tuples(small, small).map(list),
    st.tuples(small | words, values).map(list),
    st.lists(values, min_size=2, max_size=4),
)

EDGES: list[Any] = [
    None, True, False, 0, 1, -1, 3, BIG, 10**400, LONG, 0.0, -0.0, 2.5, -2.5, float("nan"), float("inf"),
    "", "a", "abc", "a1", "12", "ff", "ÄÖ", ",", "a,b", [], [1, 2], [2, True, None, 0.5], ["b", "a"],
    ["b", 1],
    [[1], [1]], [{"a": 2}, {"a": 1}], [{"a": 2}, {"a": "x"}], {}, {"a": 1}, {"a": [1], 1: 2, "1": 3},
    {"k": {"a": 1}}, {3: 1}, {LONG: 1}, [{LONG: 1}], Integer(3), [Integer(4)], [1, Integer(1)],
    {"a": Integer(4)}, String("ab"), (1,), [(1, 2)], {(1, 2): 1}, {Integer(3): 1}, [{String("k"): 1}],
    EvaluationError("e"), _deep(NESTING - 1), _deep(NESTING), _deep(NESTING + 1),
]  # fmt: skip
"""Values at which direct forms and the host part ways, if they do."""

SECOND: list[Any] = [None, True, 0, 1, -2, 9, 2.5, "", "a", ",", "b", [], [1], {}, {"a": 1}, Integer(1), (1,)]
THIRD: list[Any] = [None, False, True, 0, -9, 2, "x", [3]]


def grid(firsts: list[Any] = EDGES) -> Iterator[list[Any]]:
    """Calls with none to four arguments."""
    yield []
    for first in firsts:
        yield [first]
        yield from ([first, second] for second in SECOND)
        yield from ([first, second, third] for second in (True, 1, "a") for third in THIRD)
        yield [first, 1, 2, 3]
