"""Pure expressions, recovered from stack code, and their Python text.

The text is *optimistic*: it is Python's own operator wherever that gives the host's result or raises. What
raises is executed again, exactly, by the interpreter. So the text may be wrong about nothing but may give up
on anything.

Every expression has a *kind* (`kinds`). Python's operators only succeed on transparent values (no wrapper of
the host defines any but ``Bytes``, which are transparent), so their results are transparent too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.engine.compiler.kinds import (
    ANY,
    BOOL,
    CONDITION,
    LIST,
    MAP,
    NUMBER,
    PLAIN,
    TEXT,
    kind_of,
    transparent,
)
from zexus_parallel_plugin.engine.compiler.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS: Final = {
    isa.ADD: "+", isa.SUB: "-", isa.MUL: "*", isa.LT: "<", isa.GT: ">", isa.LTE: "<=", isa.GTE: ">=",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Writer:
    """What the text of an expression needs from its surroundings.

    ``temporary`` gives a fresh local name; ``constant`` a name for an object that has no literal; ``slow``
    tells whether the instruction at an index has failed often, so that its rule is called right away.
    """

    temporary: Callable[[], str]
    constant: Callable[[Any], str]
    slow: Callable[[int], bool]


class Expression:
    """A pure expression: evaluating it changes nothing, and it may be evaluated again."""

    __slots__ = ()
    kind: str = ANY

    @property
    def atomic(self) -> bool:
        """Whether the text is a name or literal: evaluating it costs nothing and cannot fail."""
        return False

    def text(self, writer: Writer) -> str:
        """Python source."""
        raise NotImplementedError

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return ()

    def mentions(self, name: str) -> bool:
        """Whether the local variable ``name`` occurs."""
        return any(part.mentions(name) for part in self.parts())

    @property
    def harmless(self) -> bool:
        """Whether it cannot raise an error that the program would see, its parts apart."""
        return True

    @property
    def transparent(self) -> bool:
        """Whether the host's unwrapping leaves the value alone."""
        return transparent(self.kind)

    def condition(self, writer: Writer) -> str:
        """Text that is true in Python exactly when the host takes the value for true."""
        if self.kind != ANY:
            return self.text(writer)
        first, again = bound(self, writer)
        return f"({first} is True or ({again} is not False and TRUTH({again})))"


@dataclass(frozen=True, slots=True)
class Constant(Expression):
    """A constant of the code object."""

    value: Any

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Kind of the value."""
        return kind_of(self.value)

    @property
    def atomic(self) -> bool:
        """Whether the text is a name or a literal."""
        return True

    def text(self, writer: Writer) -> str:
        """A literal where there is one; the digits of huge numbers are not worth writing, and Python limits
        them.
        """
        value = self.value
        kind = type(value)
        literal = value is None or kind is bool or kind is str
        literal = literal or (kind is int and value.bit_length() <= 64)
        literal = literal or (kind is float and math.isfinite(value))
        return repr(value) if literal else writer.constant(value)


@dataclass(frozen=True, slots=True)
class Local(Expression):
    """A Python local of the generated function: a variable of the program or a temporary."""

    name: str
    kind: str = ANY
    of_program: bool = False

    @property
    def atomic(self) -> bool:
        """Whether the text is a name or a literal."""
        return True

    def text(self, writer: Writer) -> str:
        """Python source."""
        return self.name

    def mentions(self, name: str) -> bool:
        """Whether a local variable occurs."""
        return name == self.name


@dataclass(frozen=True, slots=True)
class Unsure(Expression):
    """A private variable that may not have been assigned yet: Python then raises, and the interpreter reads
    null.
    """

    name: str

    def text(self, writer: Writer) -> str:
        """Python source."""
        return self.name

    def mentions(self, name: str) -> bool:
        """Whether a local variable occurs."""
        return name == self.name


@dataclass(frozen=True, slots=True)
class Lookup(Expression):
    """A variable of a dictionary that is read at each use: ``scope['name']``, or None when it is missing."""

    scope: str
    name: str
    present: bool
    kind: str = ANY

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"{self.scope}[{self.name!r}]" if self.present else f"{self.scope}.get({self.name!r})"


def bound(expression: Expression, writer: Writer) -> tuple[str, str]:
    """Texts for the first use and for all later uses of an expression in one line."""
    text = expression.text(writer)
    if expression.atomic:
        return text, text
    name = writer.temporary()
    return f"({name} := {text})", name


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """A binary operator, by its instruction; ``slow``: by the host's rule."""

    op: int
    left: Expression
    right: Expression
    pc: int
    slow: bool = False

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Kind of the value; the host's rule, unlike Python's operator, may yield an error or a date."""
        op = self.op
        if self.slow and op not in {isa.AND, isa.OR, isa.EQ, isa.NEQ}:
            return ANY
        if op in {isa.EQ, isa.NEQ}:
            return BOOL if self.left.transparent and self.right.transparent else CONDITION
        if op in {isa.AND, isa.OR} or op in isa.ORDERS:
            return BOOL
        if op == isa.ADD and TEXT in {self.left.kind, self.right.kind}:
            return TEXT
        if op == isa.ADD and self.left.kind == self.right.kind == LIST:
            return LIST
        numeric = self.left.kind in {NUMBER, BOOL} and self.right.kind in {NUMBER, BOOL}
        if op == isa.POW and not numeric:
            return ANY  # always by a function, which follows the host's rule to the end
        return NUMBER if numeric or op in {isa.DIV, isa.SUB, isa.MOD} else PLAIN

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.left, self.right

    @property
    def harmless(self) -> bool:
        """Whether the operator itself cannot raise an error that the program would see."""
        if self.op in {isa.DIV, isa.POW, isa.MOD, isa.MUL}:
            return False
        # A huge integer and a float can overflow.
        return self.op not in {isa.ADD, isa.SUB} or _is_whole(self.left) or _is_whole(self.right)

    def text(self, writer: Writer) -> str:
        """Python source."""
        op, left, right = self.op, self.left, self.right
        if self.slow:
            return f"{RULES[op]}({left.text(writer)}, {right.text(writer)})"
        if op == isa.ADD and TEXT in {left.kind, right.kind} and not _appends(left, right):
            return f"({_as_text(left, writer)} + {_as_text(right, writer)})"
        if op in _OPERATORS:
            return f"({left.text(writer)} {_OPERATORS[op]} {right.text(writer)})"
        if op == isa.MOD:
            return self._modulo(writer)
        if op == isa.DIV:
            return self._quotient(writer)
        if op in {isa.EQ, isa.NEQ}:
            return self._equality(writer)
        if op in {isa.AND, isa.OR}:
            return self._both(writer)
        return f"{RULES[op]}({left.text(writer)}, {right.text(writer)})"

    def _modulo(self, writer: Writer) -> str:
        """Python's ``%`` formats text without raising, so the left operand must be known to be a number."""
        left, right = self.left, self.right
        if isinstance(right, Constant) and type(right.value) in {int, float} and right.value != 0:
            divisor = right.text(writer)
            if left.kind in {NUMBER, BOOL}:
                return f"({left.text(writer)} % {divisor})"
            first, a = bound(left, writer)
            return f"({a} % {divisor} if type({first}) in NUMBERS else MODULO({a}, {divisor}))"
        first, a = bound(left, writer)
        second, b = bound(right, writer)
        return f"({a} % {b} if (type({first}) in NUMBERS) & ({second} != 0) else MODULO({a}, {b}))"

    def _quotient(self, writer: Writer) -> str:
        left, right = self.left, self.right
        if isinstance(right, Constant) and type(right.value) is float and right.value != 0:
            return f"({left.text(writer)} / {right.text(writer)})"
        first, a = bound(left, writer)
        if isinstance(right, Constant) and type(right.value) is int and right.value != 0:
            b = right.text(writer)
            return f"(({a} // {b} if {a} % {b} == 0 else {a} / {b}) if type({first}) is int else {a} / {b})"
        second, b = bound(right, writer)
        whole = f"(type({first}) is int) & (type({second}) is int)"
        return f"(({a} // {b} if {a} % {b} == 0 else {a} / {b}) if {whole} else {a} / {b})"

    def _equality(self, writer: Writer) -> str:
        sign = "==" if self.op == isa.EQ else "!="
        left, right = self.left, self.right
        if left.transparent and right.transparent:
            return f"({left.text(writer)} {sign} {right.text(writer)})"
        # The guard is evaluated first: what it names, the comparison uses again.
        rule = RULES[self.op]
        if right.transparent:
            first, a = bound(left, writer)
            b = right.text(writer)
            return f"(({a} {sign} {b}) if {_check(first, right)} else {rule}({a}, {b}))"
        if left.transparent:
            second, b = bound(right, writer)
            a = left.text(writer)
            return f"(({a} {sign} {b}) if {_check(second, left)} else {rule}({a}, {b}))"
        first, a = bound(left, writer)
        second, b = bound(right, writer)
        check = f"(type({first}) in P) & (type({second}) in P)"
        return f"(({a} {sign} {b}) if {check} else {rule}({a}, {b}))"

    @property
    def _short(self) -> bool:
        """Whether the right operand may remain unevaluated when the left one decides."""
        return _skippable_behind(self.right, _evaluated(self.left))

    def _both(self, writer: Writer) -> str:
        left, right = self.left, self.right
        if left.kind == BOOL and right.kind == BOOL:
            word = "and" if self.op == isa.AND else "or"
            if self._short:
                return f"({left.text(writer)} {word} {right.text(writer)})"
            return f"({left.text(writer)} {'&' if word == 'and' else '|'} {right.text(writer)})"
        return f"{RULES[self.op]}({left.text(writer)}, {right.text(writer)})"

    def condition(self, writer: Writer) -> str:
        """Text that is true in Python exactly when the host takes the value for true."""
        if self.op in {isa.AND, isa.OR} and not self.slow and self._short:
            word = "and" if self.op == isa.AND else "or"
            return f"({self.left.condition(writer)} {word} {self.right.condition(writer)})"
        return Expression.condition(self, writer)


def same(left: Expression, right: Expression) -> bool:
    """Whether two expressions surely have the same value, with nothing executed in between."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Local) and isinstance(right, Local):
        return left.name == right.name
    if isinstance(left, Constant) and isinstance(right, Constant):
        return type(left.value) is type(right.value) and bool(left.value == right.value)
    if isinstance(left, Binary) and isinstance(right, Binary):
        if left.op != right.op:
            return False
    elif not isinstance(left, Item):
        return False
    return all(map(same, left.parts(), right.parts()))


def _evaluated(expression: Expression) -> list[Expression]:
    """Expressions that have been evaluated when ``expression`` has."""
    parts = expression.parts()
    if isinstance(expression, Binary) and expression.op in {isa.AND, isa.OR}:
        parts = parts[:1]  # the right one may remain unevaluated
    return [expression, *(inner for part in parts for inner in _evaluated(part))]


def _skippable_behind(expression: Expression, evaluated: list[Expression]) -> bool:
    """Whether an expression may remain unevaluated when others have been evaluated without an error."""
    if any(same(expression, other) for other in evaluated):
        return True
    return expression.harmless and all(_skippable_behind(part, evaluated) for part in expression.parts())


def _is_whole(part: Expression) -> bool:
    return isinstance(part, Constant) and type(part.value) is int


def _check(first: str, other: Expression) -> str:
    """Guard under which ``==`` with a transparent ``other`` is Python's."""
    if isinstance(other, Constant) and type(other.value) in {int, str}:
        return f"type({first}) is {type(other.value).__name__}"
    return f"type({first}) in P"


def _appends(left: Expression, right: Expression) -> bool:
    """Whether something is added to a variable that holds text: then that is more often text than not."""
    return isinstance(left, Local) and left.of_program and left.kind == TEXT and right.kind == ANY


def _as_text(part: Expression, writer: Writer) -> str:
    if part.kind == TEXT:
        return part.text(writer)
    if part.kind in {NUMBER, BOOL}:
        return f"str({part.text(writer)})"
    first, again = bound(part, writer)
    return f"({again} if type({first}) is str else AS_TEXT({again}))"


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """``!x``; the host does not unwrap here."""

    operand: Expression
    kind: str = BOOL

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return (self.operand,)

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"(not {self.operand.text(writer)})"


@dataclass(frozen=True, slots=True)
class Negative(Expression):
    """``-x``."""

    operand: Expression
    kind: str = NUMBER

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return (self.operand,)

    @property
    def harmless(self) -> bool:
        """Whether it cannot raise an error that the program would see, its parts apart."""
        return False

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"(-{self.operand.text(writer)})"


@dataclass(frozen=True, slots=True)
class Item(Expression):
    """``target[key]``."""

    target: Expression
    key: Expression
    pc: int

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.target, self.key

    def text(self, writer: Writer) -> str:
        """Python source."""
        target, key = self.target.text(writer), self.key.text(writer)
        return f"INDEX({target}, {key})" if writer.slow(self.pc) else f"{target}[{key}]"


@dataclass(frozen=True, slots=True)
class Length(Expression):
    """Number of elements."""

    target: Expression
    pc: int
    kind: str = NUMBER

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return (self.target,)

    def text(self, writer: Writer) -> str:
        """Python source."""
        name = "LENGTH" if writer.slow(self.pc) else "len"
        return f"{name}({self.target.text(writer)})"


@dataclass(frozen=True, slots=True)
class Element(Expression):
    """What ``for each`` takes at a position."""

    target: Expression
    position: Expression

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.target, self.position

    def text(self, writer: Writer) -> str:
        """Python source."""
        target, position = self.target.text(writer), self.position.text(writer)
        if self.target.kind == LIST:
            return f"{target}[{position}]"
        return f"({target}[{position}] if type({target}) is list else ELEMENT({target}, {position}))"


@dataclass(frozen=True, slots=True)
class AsString(Expression):
    """``str(x)``."""

    operand: Expression
    kind: str = TEXT

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return (self.operand,)

    def text(self, writer: Writer) -> str:
        """Python source."""
        if self.operand.kind == TEXT:
            return self.operand.text(writer)
        first, again = bound(self.operand, writer)
        return f"(str({again}) if type({first}) is int else SHOW({again}))"


@dataclass(frozen=True, slots=True)
class Pushed(Expression):
    """``push(list, item)``: a new list."""

    target: Expression
    item: Expression
    kind: str = LIST

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.target, self.item

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"({self.target.text(writer)} + [{self.item.text(writer)}])"


@dataclass(frozen=True, slots=True)
class ListOf(Expression):
    """A list display."""

    items: tuple[Expression, ...]
    kind: str = LIST

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.items

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"[{', '.join(item.text(writer) for item in self.items)}]"


@dataclass(frozen=True, slots=True)
class MapOf(Expression):
    """A map display: keys and values in turn."""

    items: tuple[Expression, ...]
    kind: str = MAP

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.items

    @property
    def harmless(self) -> bool:
        """Whether it cannot raise an error that the program would see, its parts apart."""
        return False

    def text(self, writer: Writer) -> str:
        """Python source."""
        texts = [item.text(writer) for item in self.items]
        pairs = [f"{key}: {value}" for key, value in zip(texts[::2], texts[1::2], strict=False)]
        return f"{{{', '.join(pairs)}}}"


@dataclass(frozen=True, slots=True)
class Helper(Expression):
    """A pure function of the run-time support on some operands."""

    function: str
    operands: tuple[Expression, ...]
    kind: str = ANY

    def parts(self) -> tuple[Expression, ...]:
        """Direct subexpressions."""
        return self.operands

    @property
    def harmless(self) -> bool:
        """Whether it cannot raise an error that the program would see, its parts apart."""
        return False

    def text(self, writer: Writer) -> str:
        """Python source."""
        return f"{self.function}({', '.join(part.text(writer) for part in self.operands)})"
