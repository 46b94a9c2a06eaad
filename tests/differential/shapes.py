"""Programs of the shapes that should run in parallel, mixed with hazards that forbid it."""

from __future__ import annotations

from typing import Protocol


class Chooser(Protocol):
    """What a shape needs of the program writer."""

    def pick(self, *options: str) -> str: ...

    def number(self, low: int, high: int) -> int: ...

    def chance(self, percent: int) -> bool: ...


# Statements that a callee may contain beside its work; each makes it more or less independent.
HAZARDS = (
    "let own = x + 1;",
    "t = t + 1;",
    "xs.push(x);",
    'print("in callee", x);',
    'm["seen"] = x;',
    "if (x == 3) { return 1 / 0; }",
    'if (x == 2) { throw "two"; }',
    "for each z in [1, 2] { s = s + z; }",
    "let i = x;",
    "let v = x * 2;",
    "y = 5;",
    "scale = scale + 1;",
    "append(xs, scale);",
    'if (x > 4) { return "text"; }',
    "if (x == 5) { return null; }",
    "if (x == 4) { return 0.5; }",
)
LOOP_EXTRAS = (
    "",
    "scale = scale + 1;",
    "xs.push(i);",
    "if (i == 3) { break; }",
    "if (i == 1) { continue; }",
    'print("i", i);',
    "let w = i * 2;",
    "if (i == 2) { action f(x) { return x + 100; } }",
    "t = t - 1;",
    "r = i;",
    "if (i == 4) { scale = 0; }",
    "fn = g;",
)


def shape_program(chooser: Chooser) -> str:
    """One program: two actions that work, then a few loops or straight lines that call them."""
    lines = ["let t = 0;", "let s = 0;", "let xs = [1, 2];", "let m = {};", "let scale = 2;", "let r = 0;"]
    lines = [line for line in lines if not chooser.chance(8)]
    for name in ("f", "g"):
        lines += worker(chooser, name)
    lines += ["let fn = f;"]
    if chooser.chance(40):
        lines += ["action main() {", *body(chooser), "return t;", "}", "print(main());"]
    else:
        lines += body(chooser)
    lines += ["print(t, s, xs, m, scale, r);", 'if (true) { print("end"); }']
    return "\n".join(lines) + "\n"


def worker(chooser: Chooser, name: str) -> list[str]:
    """An action of one or two parameters with a loop, and perhaps a hazard before or after it."""
    parameters = chooser.pick("x", "x", "x, y")
    count = chooser.pick("k", "k", "i", "t")
    total = chooser.pick("acc", "acc", "s", "out")
    work = chooser.pick("x * 3", "x + " + count, f"{count} % 3", "x * scale", "x / 2", '"c"')
    loop = [
        f"let {total} = {chooser.pick('0', '0', '0.0')};",
        f"let {count} = 0;",
        f"while ({count} < {chooser.number(0, 9)}) {{",
        f"{total} = {total} + {work};",
        f"{count} = {count} + 1;",
        "}",
    ]
    if chooser.chance(25):
        loop = [f"let {total} = x * x;"]
    hazards = [chooser.pick(*HAZARDS) for _ in range(2) if chooser.chance(35)]
    where = chooser.number(0, 1)
    inside = [*hazards, *loop] if where == 0 else [*loop, *hazards]
    inner = chooser.pick(total, total, f"{total} + x", "[x, x]", "x", "xs", f'{{"v": {total}}}')
    if name == "g" and chooser.chance(30):
        inner = f"f({total})"
    return [f"action {name}({parameters}) {{", *inside, f"return {inner};", "}"]


def body(chooser: Chooser) -> list[str]:
    """One to three pieces, each a shape of its own."""
    lines: list[str] = []
    for _ in range(chooser.number(1, 3)):
        lines += piece(chooser)
    return lines


def called(chooser: Chooser, argument: str) -> str:
    """A call of one of the workers, or through a variable, or of the language's own parallel map."""
    name = chooser.pick("f", "f", "g", "fn", "nope")
    return f"{name}({argument})" if not chooser.chance(10) else f"{name}({argument}, {argument})"


def piece(chooser: Chooser) -> list[str]:
    """One of the shapes S1 to S9."""
    shape = chooser.pick("lines", "collect", "total", "fill", "print", "nested", "choose", "best", "try")
    if shape == "lines":
        lines = [
            f"let {name} = {called(chooser, argument)};"
            for name, argument in (("p1", "1"), ("p2", "2"), ("p3", chooser.pick("3", "p1", "xs", "len(xs)")))
        ]
        return [*lines, "print(p1, p2, p3);"]
    statements = {
        "collect": chooser.pick(
            f"out.push({called(chooser, 'i')});",
            f"out = push(out, {called(chooser, 'i')});",
            f"append(out, {called(chooser, 'i')});",
            f"let r = {called(chooser, 'i')}; out.push(r);",
        ),
        "total": f"t = t {chooser.pick('+', '+', '-', '*')} {called(chooser, 'i')};",
        "fill": f"m[{chooser.pick('i', 'i % 2', 'str(i)')}] = {called(chooser, 'i')};",
        "print": f"print(i, {called(chooser, 'i')});",
        "nested": "let d = 0; while (d < 4) { t = t + i * d % 5; d = d + 1; }",
        "choose": f"let v = {called(chooser, 'i')}; if (v > 5) {{ t = t + 1; out.push(i); }}",
        "best": f"let v = {called(chooser, 'i')}; if (v > t) {{ t = v; r = i; }}",
        "try": f"try {{ out.push({called(chooser, 'i')}); }} catch (e) {{ out.push(e); }}",
    }
    inside = [statements[shape], chooser.pick(*LOOP_EXTRAS), chooser.pick(*LOOP_EXTRAS)]
    if chooser.chance(20):
        inside.reverse()
    return ["let out = [];", *loop_around(chooser, [line for line in inside if line]), "print(out, i, t);"]


def loop_around(chooser: Chooser, inside: list[str]) -> list[str]:
    """The loop itself: over a list, a range, a map's keys, or counted by hand."""
    top = chooser.number(1, 8)
    form = chooser.pick("range", "each", "while", "pairs")
    if form == "range":
        return [f"for i in range({top}) {{", *inside, "}"]
    if form == "each":
        values = chooser.pick("[1, 2, 3, 4]", "xs", '[1, "b", 2.5, null]', f"range({top})")
        return [f"for each i in {values} {{", *inside, "}"]
    if form == "pairs":
        return ['let pairs = {"1": 1, "2": 2, "x": 3};', "for each i, v in pairs {", *inside, "}"]
    return ["let i = 0;", f"while (i < {top}) {{", *inside, "i = i + 1;", "}"]
