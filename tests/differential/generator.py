"""Hypothesis strategies for Zexus programs, biased towards what the host does in its own way.

Names come from small pools that all actions and the top level share, so that they collide; types are mixed on
purpose but not often, so that programs run long enough to matter. Nothing bounds the loops except the gas
limit that belongs to every sample. What could grow without bound in size (products, concatenation of two
variables) is only assigned in a reduced form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from .shapes import shape_program

Draw = Callable[..., object]

NUMBERS = ("a", "b", "c", "n", "i", "t")
TEXTS = ("s", "u")
LISTS = ("xs", "ys")
MAPS = ("m", "q")
FUNCTIONS = ("f", "g", "h", "w")
LOOP_VARIABLES = ("i", "x", "a", "k")
ELEMENTS = ("1", "2", "0", "-1", "3.5", '"z"', "null", "true")
ARITHMETIC = ("+", "-", "*", "/", "%", "+", "-", "**")
COMPARISONS = ("<", ">", "==", "!=", "<=", ">=")
TEXT_METHODS = (
    "upper()",
    "trim()",
    "length()",
    'split("a")',
    'replace("a", "b")',
    "slice(0, 2)",
    "charAt(1)",
)
LIST_METHODS = (
    "length()",
    "first()",
    "last()",
    "reverse()",
    "sort()",
    'join("-")',
    "slice(1, 3)",
    "contains(2)",
    "indexOf(2)",
    "pop()",
    "flatten()",
    "copy()",
)
MAP_METHODS = ("keys()", "values()", "size()", 'has("k")', 'get("k")', 'delete("k")', "entries()", "nope()")

MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """A program and the gas limit that it runs under."""

    source: str
    gas_limit: int


class Writer:
    """Draws one program. Every choice lists the simplest first, towards which Hypothesis shrinks."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.functions: list[tuple[str, int]] = []
        self.in_loop = False
        self.in_action = False
        self.in_condition = False

    # --- choices

    def pick(self, *options: str) -> str:
        return str(self._draw(st.sampled_from(options)))

    def number(self, low: int, high: int) -> int:
        value = self._draw(st.integers(low, high))
        assert isinstance(value, int)
        return value

    def names(self, most: int, *options: str) -> list[str]:
        """Up to ``most`` different ones, in any order."""
        value = self._draw(st.lists(st.sampled_from(options), max_size=most, unique=True))
        assert isinstance(value, list)
        return value

    def chance(self, percent: int) -> bool:
        return self.number(0, 99) >= 100 - percent

    # --- expressions

    def any(self, depth: int = 0) -> str:
        kind = self.pick("number", "number", "number", "text", "bool", "list", "map", "atom")
        return self.expression(kind, depth)

    def expression(self, kind: str, depth: int = 0) -> str:
        """An expression that should be of a kind; now and then it is of another one."""
        if self.chance(4):
            kind = self.pick("number", "text", "bool", "list", "map", "atom")
        if depth >= MAX_DEPTH:
            return self.leaf(kind)
        make = {
            "number": self.numeric,
            "text": self.text,
            "bool": self.condition,
            "list": self.list_value,
            "map": self.map_value,
        }.get(kind)
        return make(depth + 1) if make else self.atom()

    def leaf(self, kind: str) -> str:
        pools = {"number": NUMBERS, "text": TEXTS, "list": LISTS, "map": MAPS}
        if kind in pools and self.chance(70):
            return self.pick(*pools[kind])
        return {"number": str(self.number(0, 9)), "text": '"ab"', "bool": "true"}.get(kind, "2")

    def atom(self) -> str:
        return self.pick(
            "null", "true", "false", '""', "0", "1.5", "-3", *FUNCTIONS, "__idx_1", "undefined_name"
        )

    def numeric(self, depth: int) -> str:
        forms = ["leaf", "leaf", "binary", "binary", "call", "element", "len", "field", "minus"]
        if not self.in_condition:  # the host's parser loses a condition that has a choice inside
            forms += ["choice"]
        form = self.pick(*forms)
        if form == "binary":
            return f"({self.expression('number', depth)} {self.operation(depth)})"
        if form == "call":
            return self.call(depth)
        if form == "element":
            return f"{self.pick(*LISTS)}[{self.index(depth)}]"
        if form == "len":
            return f"len({self.expression(self.pick('list', 'text', 'map'), depth)})"
        if form == "field":
            return f"{self.pick(*MAPS)}{self.pick('.k', '[0]', '[a]')}" if self.chance(50) else 'm["k"]'
        if form == "choice":
            parts = [self.expression(kind, depth) for kind in ("bool", "number", "number")]
            return f"({parts[0]} ? {parts[1]} : {parts[2]})"
        if form == "minus":
            return f"(-{self.expression('number', depth) if self.chance(5) else self.number(1, 9)})"
        return self.leaf("number")

    def operator(self) -> str:
        return self.pick(*ARITHMETIC)

    def operation(self, depth: int) -> str:
        """An operator with its right side; a divisor is rarely zero."""
        operator = self.operator()
        if operator not in {"/", "%"} or self.chance(10):
            return f"{operator} {self.operand(depth)}"
        return f"{operator} {self.number(1, 7)}"

    def operand(self, depth: int) -> str:
        if self.chance(40):
            return self.expression("number", depth)
        return str(self.number(0, 7))

    def test(self) -> str:
        """The condition of a statement."""
        before, self.in_condition = self.in_condition, True
        text = self.expression("bool", 1)
        self.in_condition = before
        return text

    def index(self, depth: int) -> str:
        if self.chance(60):
            return self.expression("number", depth)
        return self.pick("0", "1", "-1", "9", '"k"')

    def text(self, depth: int) -> str:
        form = self.pick("leaf", "plus", "method", "str", "slice", "nullish")
        if form == "plus":
            return f"({self.expression('text', depth)} + {self.any(depth)})"
        if form == "method":
            return f"{self.pick(*TEXTS)}.{self.pick(*TEXT_METHODS)}"
        if form == "str":
            return f"str({self.any(depth)})"
        if form == "slice":
            return f"{self.pick(*TEXTS)}[{self.pick('0', 'a', '')}:{self.pick('2', 'b', '')}]"
        if form == "nullish":
            return f"({self.any(depth)} ?? {self.leaf('text')})"
        return self.leaf("text")

    def condition(self, depth: int) -> str:
        form = self.pick("compare", "compare", "logic", "not", "plain")
        if form == "compare":
            left, right = self.expression("number", depth), self.expression("number", depth)
            return f"({left} {self.pick(*COMPARISONS)} {right})"
        if form == "logic":
            left, right = self.expression("bool", depth), self.expression("bool", depth)
            return f"({left} {self.pick('&&', '||')} {right})"
        if form == "not":
            return f"(!{self.expression('bool', depth)})"
        return self.any(depth)

    def list_value(self, depth: int) -> str:
        form = self.pick("leaf", "leaf", "literal", "push", "slice", "range", "method", "plus")
        if form == "literal":
            return "[" + ", ".join(self.any(depth + 1) for _ in range(self.number(1, 3))) + "]"
        if form == "push":
            return f"push({self.leaf('list')}, {self.any(depth)})"
        if form == "slice":
            return f"{self.pick(*LISTS)}[{self.pick('0', 'a', '')}:{self.pick('2', 'b', '')}]"
        if form == "range":
            return f"range({self.number(0, 5)})"
        if form == "method":
            return f"{self.pick(*LISTS)}.{self.pick(*LIST_METHODS)}"
        if form == "plus":
            return f"({self.leaf('list')} + [{self.any(depth)}])"
        return self.leaf("list")

    def map_value(self, depth: int) -> str:
        # a map literal inside a condition is lost on the host's parser, too
        form = self.pick("leaf", "method" if self.in_condition else "literal", "method")
        if form == "literal":
            return f'{{"k": {self.any(depth)}, "z": {self.expression("number", depth)}}}'
        if form == "method":
            return f"{self.pick(*MAPS)}.{self.pick(*MAP_METHODS)}"
        return self.leaf("map")

    def call(self, depth: int) -> str:
        """A call with the right number of arguments, or one too few or too many, or of no function at all."""
        name, arity = self.pick(*FUNCTIONS), 1
        if self.functions and self.chance(85):
            name, arity = self.functions[self.number(0, len(self.functions) - 1)]
        if self.chance(12):
            arity = max(0, arity + self.number(-1, 1))
        return f"{name}({', '.join(self.any(depth + 1) for _ in range(arity))})"

    # --- statements

    def block(self, depth: int, most: int) -> list[str]:
        return [line for _ in range(self.number(1, most)) for line in self.statement(depth)]

    def statement(self, depth: int) -> list[str]:
        forms = ["assign", "assign", "let", "print", "store", "mutate", "compound", "call"]
        if depth < MAX_DEPTH:
            forms += [
                "if",
                "each",
                "count",
                "while",
                "pairs",
                "try",
                "each",
                "count",
                "while",
                "try",
                "while",
            ]
        if depth < 2:
            forms += ["define"]
        if self.in_loop:
            forms += ["leave"]
        if self.in_action:
            forms += ["return"]
        if self.chance(2):
            forms = ["throw"]
        form = self.pick(*forms)
        make: Callable[[int], list[str]] = getattr(self, "stmt_" + form)
        return make(depth)

    def stmt_assign(self, depth: int) -> list[str]:
        return [f"{self.assigned()};"]

    def stmt_let(self, depth: int) -> list[str]:
        return [f"let {self.assigned()};"]

    def assigned(self) -> str:
        kind = self.pick("number", "number", "text", "list", "map")
        if self.chance(6):
            return f"{self.pick(*FUNCTIONS)} = {self.pick(*FUNCTIONS, '5')}"
        if kind == "number":
            return f"{self.pick(*NUMBERS)} = {self.small(self.expression('number'))}"
        if kind == "text":
            name = self.pick(*TEXTS)
            return f"{name} = {name} + {self.leaf('number')}" if self.chance(50) else f'{name} = "ab"'
        if kind == "list":
            name = self.pick(*LISTS)
            literal = f"[{', '.join(self.pick(*ELEMENTS) for _ in range(self.number(1, 3)))}]"
            return f"{name} = {self.pick(literal, literal, 'ys', 'xs', 'range(4)', 'xs.slice(0, 3)', 'm')}"
        inside = self.pick("1", "xs", '"v"', "a", "null")
        return f"{self.pick(*MAPS)} = " + self.pick(f'{{"k": {inside}}}', "m", "q")

    def small(self, text: str) -> str:
        """Keep what is assigned from growing: the remainder of a product or a power."""
        return f"({text}) % 97" if "*" in text else text

    def stmt_print(self, depth: int) -> list[str]:
        return [f"print({', '.join(self.any(1) for _ in range(self.number(1, 2)))});"]

    def stmt_store(self, depth: int) -> list[str]:
        if self.chance(50):
            target, key = self.pick(*MAPS), self.pick("0", "a", '"k"', "-1", "i", "s")
        else:
            target, key = self.pick(*LISTS), self.pick("0", "0", "-1", "1") if self.chance(90) else "a"
        return [f"{target}[{key}] = {self.small(self.any(2))};"]

    def stmt_mutate(self, depth: int) -> list[str]:
        target = self.pick(*LISTS)
        change = self.pick(
            f"{target}.push({self.leaf('number')})",
            f"append({target}, {self.leaf('number')})",
            f"{target}.pop()",
            'm.delete("k")',
            f"{target}.push({self.pick(*LISTS, *MAPS)})",
        )
        return [f"{change};"]

    def stmt_compound(self, depth: int) -> list[str]:
        operator = self.pick("+", "-", "/", "%")
        right = self.operand(2) if operator in "+-" else str(self.number(1, 7))
        return [f"{self.pick(*NUMBERS)} {operator}= {right};"]

    def stmt_call(self, depth: int) -> list[str]:
        return [f"{self.call(1)};"]

    def stmt_throw(self, depth: int) -> list[str]:
        if self.chance(60):
            return [f'require({self.test()}, "required");']
        return [f'if ({self.test()}) {{ throw "t" + {self.leaf("number")}; }}']

    def stmt_return(self, depth: int) -> list[str]:
        if self.chance(50):
            return [f"if ({self.test()}) {{ return {self.any(1)}; }}"]
        return [f"return {self.any(1)};"]

    def stmt_leave(self, depth: int) -> list[str]:
        return [f"if ({self.test()}) {{ {self.pick('break', 'continue')}; }}"]

    def stmt_if(self, depth: int) -> list[str]:
        lines = [f"if ({self.test()}) {{", *self.block(depth + 1, 3)]
        if self.chance(25):
            lines += [f"}} elif ({self.test()}) {{", *self.block(depth + 1, 2)]
        if self.chance(40):
            lines += ["} else {", *self.block(depth + 1, 2)]
        return [*lines, "}"]

    def loop(self, depth: int, most: int = 3) -> list[str]:
        before, self.in_loop = self.in_loop, True
        lines = self.block(depth + 1, most)
        self.in_loop = before
        return lines

    def stmt_each(self, depth: int) -> list[str]:
        source = self.pick("[1, 2, 3]", "xs", "ys", "m", "s", "range(4)", "xs.slice(0, 2)")
        return [f"for each {self.pick(*LOOP_VARIABLES)} in {source} {{", *self.loop(depth), "}"]

    def stmt_count(self, depth: int) -> list[str]:
        return [
            f"for {self.pick(*LOOP_VARIABLES)} in range({self.number(2, 8)}) {{",
            *self.loop(depth),
            "}",
        ]

    def stmt_pairs(self, depth: int) -> list[str]:
        source = self.pick("m", "q", "xs", "s")
        return [f"for each {self.pick('k', 'i', 'a')}, v in {source} {{", *self.loop(depth, 2), "}"]

    def stmt_while(self, depth: int) -> list[str]:
        name = self.pick("j", "k", "n", "i")
        return [
            f"let {name} = 0;",
            f"while ({name} < {self.number(2, 9)}) {{",
            f"{name} = {name} + 1;",
            *self.loop(depth),
            "}",
        ]

    def stmt_try(self, depth: int) -> list[str]:
        risk = self.pick("a = 1 / 0;", 'throw "x";', "xs[9] = 1;", 'require(false, "r");', f"{self.call(1)};")
        body = self.block(depth + 1, 2)
        if self.chance(70):
            body.insert(self.number(0, len(body)), risk)
        caught = self.block(depth + 1, 2) if self.chance(50) else ['print("caught", e);']
        return ["try {", *body, "} catch (e) {", *caught, "}"]

    def stmt_define(self, depth: int) -> list[str]:
        return self.action(depth + 1, self.pick(*FUNCTIONS))

    # --- actions and whole programs

    def action(self, depth: int, name: str) -> list[str]:
        names = self.names(3, *NUMBERS, *TEXTS, *LISTS)
        before = self.in_action, self.in_loop
        self.in_action, self.in_loop = True, False
        body = self.block(depth, 4 if depth == 1 else 2)
        body.append(f"return {self.any(1)};")
        if self.chance(15):
            body[0:0] = [f"if ({names[0] if names else 'n'} < 1) {{ return {self.leaf('number')}; }}"]
            less = [f"{names[0]} - 1", *names[1:]] if names else []
            body.insert(1, f"let r = {name}({', '.join(less)});")
        self.in_action, self.in_loop = before
        if depth == 1:
            self.functions.append((name, len(names)))
        return [f"action {name}({', '.join(names)}) {{", *body, "}"]

    def program(self) -> str:
        lines = [
            "let a = 3;",
            "let b = 5;",
            "let n = 4;",
            'let s = "abc";',
            'let u = "de";',
            "let xs = [1, 2, 3];",
            "let ys = [4, 5];",
            'let m = {"k": 4};',
            'let q = {"x": [1], "y": 2};',
        ]
        lines = [line for line in lines if not self.chance(7)]
        if self.chance(10):
            lines.insert(0, "continue;")  # the host's way to go on after errors
        for name in FUNCTIONS[: self.number(1, 4) - 1]:
            lines += self.action(1, name)
        if self.chance(30):
            lines += ["action main() {"]
            self.in_action = True
            lines += [*self.block(1, 6), "return a;", "}"]
            self.in_action = False
            lines += ["print(main());"]
        for _ in range(self.number(2, 8)):
            lines += self.statement(0)
        for name, arity in self.functions:
            call = f"{name}({', '.join(self.any(2) for _ in range(arity))})"
            lines += [self.pick(f"print({call});", f"a = {call};", f"for i in range(4) {{ t = {call}; }}")]
        lines += ["print(a, b, s, xs, m);", 'if (true) { print("end"); }']
        return "\n".join(lines) + "\n"


def gas_limits() -> st.SearchStrategy[int]:
    """Mostly enough for a program that ends, often too little."""
    return st.one_of(st.just(12_000), st.just(12_000), st.integers(20, 3_000))


@st.composite
def general(draw: Draw) -> Sample:
    """Programs of any statements."""
    source = Writer(draw).program()
    limit = draw(gas_limits())
    assert isinstance(limit, int)
    return Sample(source, limit)


def straight_program(writer: Writer) -> str:
    """Short actions with constants, where the host's optimisers do most: folding, dead code, try."""
    writer.in_action = True
    lines: list[str] = []
    for name in FUNCTIONS[: writer.number(1, 3)]:
        body: list[str] = []
        for _ in range(writer.number(1, 5)):
            operations = "".join(
                f" {writer.operator()} {writer.number(0, 9)}" for _ in range(writer.number(1, 3))
            )
            expression = f"{writer.number(1, 9)}{operations}"
            body.append(
                writer.pick(
                    f"let a = {expression};",
                    f"print({expression});",
                    f"return {expression};",
                    f"{expression};",
                    f"a = a + {expression};",
                    f"try {{ let b = {expression}; throw b; }} catch (e) {{ print(e); }}",
                    f"try {{ return {expression}; }} catch (e) {{ return e; }}",
                    f"if ({expression}) {{ a = 1; }}",
                    "throw a;",
                )
            )
        lines += [f"action {name}(a) {{", *body, "return a;", "}"]
        lines += [f'try {{ print({name}({writer.number(0, 5)})); }} catch (e) {{ print("outer", e); }}']
    lines += [f"print({writer.number(1, 9)} {writer.operator()} {writer.number(1, 9)});"]
    if writer.chance(50):
        lines += ["if (true) { print(8 / 4); }"]
    return "\n".join(lines) + "\nlet z = 1;\n"


@st.composite
def straight_lines(draw: Draw) -> Sample:
    """Programs of `straight_program`."""
    source = straight_program(Writer(draw))
    limit = draw(gas_limits())
    assert isinstance(limit, int)
    return Sample(source, limit)


@st.composite
def shapes(draw: Draw) -> Sample:
    """Loops and calls that may run in parallel, with what may forbid it."""
    source = shape_program(Writer(draw))
    limit = draw(gas_limits())
    assert isinstance(limit, int)
    return Sample(source, limit)


def samples() -> st.SearchStrategy[Sample]:
    """All kinds of programs."""
    return st.one_of(general(), general(), shapes(), shapes(), straight_lines())
