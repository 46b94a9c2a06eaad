"""Texts of expressions: optimistic, but never wrong."""

from __future__ import annotations

import contextlib
import io
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zexus.object import DateTime, EvaluationError, Integer, String

from tests.differential.describe import Describer
from tests.engine.programs import machine
from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.engine.compiler import expressions as ex
from zexus_parallel_plugin.engine.compiler import kinds, support
from zexus_parallel_plugin.engine.compiler.rules import RULES
from zexus_parallel_plugin.engine.execution import Execution

NAMES = support.names(Execution(machine()))
BINARY = sorted(operators.BINARY)
SOUND = {
    kinds.BOOL: (bool,), kinds.NUMBER: (int, float, bool, complex), kinds.TEXT: (str,), kinds.LIST: (list,),
    kinds.MAP: (dict,),
}  # fmt: skip
"""Types of the values that a kind promises."""

plain: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -3,
    7,
    2.5,
    -0.0,
    float("inf"),
    2**70,
    "",
    "a",
    "7",
    "%s",
    [],
    [1, 2],
    {},
    {"a": 1},
]
strange: list[Any] = [EvaluationError("e"), DateTime(5.0), Integer(2), Integer(0), String("a")]


def writer(slow: frozenset[int] = frozenset(), constants: dict[str, Any] | None = None) -> ex.Writer:
    numbers = itertools.count()
    table: dict[str, Any] = {} if constants is None else constants

    def constant(value: Any) -> str:
        name = f"K{len(table)}"
        table[name] = value
        return name

    return ex.Writer(lambda: f"t{next(numbers)}", constant, slow.__contains__)


class Raised(Exception):  # noqa: N818 - a verdict
    """The text gave up."""


def evaluate(text: str, **variables: Any) -> Any:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return eval(text, {**NAMES, **variables})
    except Exception as error:
        raise Raised from error


def known(value: Any) -> list[str]:
    """What the compiler may know of a value."""
    found = [kinds.ANY]
    if type(value) in support.PLAIN:
        found.append(kinds.PLAIN)
    return found + [kind for kind, types in SOUND.items() if type(value) in types]


def same(left: Any, right: Any) -> bool:
    return Describer().value([left]) == Describer().value([right])


def operand(value: Any, name: str, kind: str, literal: bool) -> ex.Expression:
    return ex.Constant(value) if literal else ex.Local(name, kind)


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("op", BINARY, ids=lambda op: RULES[op])
def test_binary_texts_give_the_rules_result_or_raise(op: int, slow: bool) -> None:
    rule = operators.BINARY[op]
    for a, b in itertools.product([*plain, *strange], repeat=2):
        try:
            expected = rule(a, b)
        except Exception:
            expected = Raised
        literals = [False, True] if type(b) in support.PLAIN and not slow else [False]
        for ka, kb, literal in itertools.product(known(a), known(b), literals):
            constants: dict[str, Any] = {}
            expression = ex.Binary(op, operand(a, "a", ka, False), operand(b, "b", kb, literal), 0, slow)
            text = expression.text(writer(constants=constants))
            try:
                found = evaluate(text, a=a, b=b, **constants)
            except Raised:
                assert expected is Raised or not slow
                continue
            assert expected is not Raised, (text, a, b)
            assert same(found, expected), (text, a, b)
            check_kind(expression.kind, found)


def check_kind(kind: str, value: Any) -> None:
    """What is known of a value is true: but for ``any`` and ``condition``, it is no error and no wrapper."""
    if kind in SOUND:
        assert type(value) in SOUND[kind], value
    elif kind == kinds.PLAIN:
        assert type(value) in {*support.PLAIN, complex}, value
    elif kind == kinds.CONDITION:
        assert type(value) in {bool, EvaluationError}, value


@pytest.mark.parametrize("op", BINARY, ids=lambda op: RULES[op])
def test_slow_texts_are_the_rule(op: int) -> None:
    left, right = ex.Local("a"), ex.Local("b")
    assert ex.Binary(op, left, right, 7, slow=True).text(writer()) == f"{RULES[op]}(a, b)"


@pytest.mark.parametrize("op", [isa.ADD, isa.SUB, isa.MUL, isa.LT, isa.DIV, isa.MOD])
def test_on_numbers_no_text_raises_but_division_by_zero(op: int) -> None:
    for a, b in itertools.product([1, 2.5, True, -3, 2**70], repeat=2):
        text = ex.Binary(op, ex.Local("a"), ex.Local("b"), 0).text(writer())
        assert same(evaluate(text, a=a, b=b), operators.BINARY[op](a, b))


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -3, 2.5, float("inf"), float("nan"),
     "it's", 'a"\\\n', [1], {"a": 1}, 10**5000, (1,)],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_constants_keep_their_value(value: Any) -> None:
    constants: dict[str, Any] = {}
    expression = ex.Constant(value)
    found = eval(expression.text(writer(constants=constants)), constants)
    assert found is value or (found == value and type(found) is type(value))
    assert expression.atomic
    assert expression.transparent == (type(value) in support.PLAIN)


conditions = st.deferred(lambda: leaves | branches)
leaves = st.sampled_from(
    [
        ex.Local("a"),
        ex.Local("b"),
        ex.Local("n", kinds.NUMBER),
        ex.Local("s", kinds.TEXT),
        ex.Constant(0),
        ex.Constant("x"),
    ]
)
branches = st.one_of(
    st.builds(ex.Binary, st.sampled_from(BINARY), conditions, conditions, st.just(0), st.booleans()),
    st.builds(ex.Not, conditions),
)


def reference(expression: ex.Expression, values: dict[str, Any]) -> Any:
    if isinstance(expression, ex.Binary):
        left, right = reference(expression.left, values), reference(expression.right, values)
        return operators.BINARY[expression.op](left, right)
    if isinstance(expression, ex.Not):
        return not reference(expression.operand, values)
    return expression.value if isinstance(expression, ex.Constant) else values[expression.name]  # type: ignore[attr-defined]


any_value = st.sampled_from([*plain, *strange])


@settings(max_examples=150, deadline=None)
@given(conditions, any_value, any_value, st.sampled_from([0, 1, -2.5, True]), st.sampled_from(["", "a"]))
def test_nested_texts_and_conditions(expression: ex.Expression, a: Any, b: Any, n: Any, s: str) -> None:
    values = {"a": a, "b": b, "n": n, "s": s}
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            expected = reference(expression, values)
    except Exception:
        expected = Raised
    for condition in (False, True):
        constants: dict[str, Any] = {}
        w = writer(constants=constants)
        text = expression.condition(w) if condition else expression.text(w)
        try:
            found = evaluate(text, **values, **constants)
        except Raised:
            continue
        assert expected is not Raised, text
        if condition:
            assert bool(found) == operators.truth(expected), text
        else:
            assert same(found, expected), text


@pytest.mark.parametrize("value", [*plain, *strange], ids=lambda value: type(value).__name__)
def test_other_texts_give_the_rules_result_or_raise(value: Any) -> None:
    for kind in known(value):
        a = ex.Local("a", kind)
        checks: list[tuple[ex.Expression, Any]] = [
            (ex.Not(a), lambda: not value),
            (ex.Negative(a), lambda: operators.negate(value)),
            (ex.Length(a, 1), lambda: operators.length(value)),
            (ex.Length(a, 5), lambda: operators.length(value)),
            (ex.AsString(a), lambda: NAMES["SHOW"](value) if value is not None else "null"),
            (ex.Pushed(a, ex.Constant(3)), lambda: [*value, 3] if type(value) is list else Raised),
            (ex.ListOf((a, ex.Constant(1))), lambda: [value, 1]),
        ]
        for key in [0, 1, 5, -1, "a", "b", None, 2.5, True]:
            checks += [
                (ex.Item(a, ex.Constant(key), 1), lambda key=key: operators.index(value, key)),
                (ex.Item(a, ex.Constant(key), 5), lambda key=key: operators.index(value, key)),
            ]
            if type(key) is int and key >= 0:
                checks.append(
                    (ex.Element(a, ex.Constant(key)), lambda key=key: operators.iteration(value, key, 1)[0])
                )
        for expression, rule in checks:
            text = expression.text(writer(frozenset({5})))
            try:
                found = evaluate(text, a=value)
            except Raised:
                assert not text.startswith(("LENGTH", "INDEX"))
                continue
            assert same(found, rule()), (text, value)


def test_maps_keep_the_order_of_keys_and_values() -> None:
    text = ex.MapOf((ex.Constant("a"), ex.Local("a"), ex.Constant("b"), ex.Constant(2))).text(writer())
    assert evaluate(text, a=1) == {"a": 1, "b": 2}


def test_a_lookup_reads_the_dictionary_each_time() -> None:
    assert ex.Lookup("E", "x", present=True).text(writer()) == "E['x']"
    assert ex.Lookup("E", "it's", present=False).text(writer()) == 'E.get("it\'s")'
    assert not ex.Lookup("E", "x", present=True).atomic


def test_an_expression_knows_what_it_mentions() -> None:
    deep = ex.Not(ex.Item(ex.Unsure("a"), ex.Helper("CUT", (ex.Local("b"), ex.Constant("c"))), 0))
    assert [deep.mentions(name) for name in "abc"] == [True, True, False]


def test_what_may_fail_is_not_skipped() -> None:
    a, b, c = ex.Local("a"), ex.Local("b"), ex.Local("c")

    def skipped(right: ex.Expression, left: ex.Expression = c) -> bool:
        return " and " in ex.Binary(isa.AND, ex.Not(left), ex.Not(right), 9).text(writer())

    assert skipped(ex.Binary(isa.LT, a, b, 0))
    assert skipped(ex.Binary(isa.ADD, a, ex.Constant(1), 0))
    for op in (isa.ADD, isa.SUB, isa.MUL, isa.DIV, isa.MOD, isa.POW):
        risky = ex.Binary(op, a, b, 0)
        assert not skipped(ex.Binary(isa.LT, risky, b, 1))
        assert skipped(ex.Binary(isa.LT, risky, b, 1), ex.Item(c, ex.Binary(op, a, b, 5), 6)), (
            "it has been met"
        )
        assert not skipped(risky, ex.Binary(op, b, a, 5))
        assert not skipped(risky, ex.Binary(isa.OR, a, risky, 5)), "it may not have been met"
    for expression in (ex.Negative(a), ex.MapOf((a, b)), ex.Helper("CUT", (a,))):
        assert not skipped(ex.ListOf((expression,)))


def test_expressions_with_the_same_value() -> None:
    one, true = ex.Constant(1), ex.Constant(True)
    assert ex.same(ex.Binary(isa.ADD, ex.Local("a"), one, 1), ex.Binary(isa.ADD, ex.Local("a"), one, 2))
    assert not ex.same(one, true)
    assert not ex.same(one, ex.Constant(1.0))
    assert not ex.same(ex.Local("a"), ex.Unsure("a"))
    assert not ex.same(ex.Binary(isa.ADD, one, one, 1), ex.Binary(isa.SUB, one, one, 1))
    assert not ex.same(ex.Helper("CUT", (one,)), ex.Helper("CUT", (one,))), "not looked into"
