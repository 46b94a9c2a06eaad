"""Random programs that are made of loops, with every hazard that keeps iterations from being independent."""

from __future__ import annotations

from random import Random

ACTIONS = """
action square(n) { return n * n; }
action spread(n) { let k = 0; let got = 0; while (k < n % 4) { got = got + k * n; k = k + 1; } return got; }
action grow(list) { list.push(7); return len(list); }
action clobber(n) { t = n; return n + 1; }
action peek(n) { return n + u; }
action tell(n) { print("told " + string(n)); return n; }
action row_of(n) { let row = []; row.push(n); row.push(n + 1); return row; }
action fails(n) { return 12 / (n % 5); }
action whole() { return rows; }
"""

START = """
let a = 3; let b = 100; let s = "s"; let f = 0.5; let u = 5; let t = 1;
let xs = [5, 3, 8, 1, 9, 2, 7, 4, 6, 0, 11, 10];
let rows = [[1], [2, 3], [4], [5, 6], [7]];
let recs = [{"v": 3, "k": "c"}, {"v": 9, "k": "a"}, {"v": 1, "k": "b"}, {"v": 9, "k": "d"}];
let out = []; let other = []; let same = xs; let m = {}; let arr = [0, 0, 0, 0, 0];
let best = 2; let at = -1; let low = 50; let low_at = -1;
"""

END = """
print(a); print(b); print(s); print(f); print(t); print(best); print(at); print(low); print(low_at);
print(out); print(other); print(xs); print(rows); print(arr); print(m.size());
"""


class Maker:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.loops = 0

    def program(self) -> str:
        """The text of a program: loops at the top level or in an action."""
        body = "\n".join(self.loop() for _ in range(self.random.randint(1, 5)))
        touch = self.random.choice(
            ["", "if (len(out) > 0) { out[0] = 77; }", "other.push(rows[0]); rows[0].push(1);"]
        )
        place = self.random.choice(["top", "top", "action", "mixed"])
        if place == "top":
            return f"{ACTIONS}{START}{body}\n{touch}{END}"
        if place == "mixed":
            return f"{ACTIONS}{START}action main() {{\n{body}\n}}\nmain();\n{touch}{END}"
        return f"{ACTIONS}action main() {{\n{START}{body}\n{touch}{END}\nreturn a;\n}}\nprint(main());"

    def loop(self) -> str:
        """A loop over a list, a range, or by a counter."""
        self.loops += 1
        i = f"i{self.loops}"
        kind = self.random.randrange(10)
        count = self.random.choice([2, 4, 7, 10, 12, 13])
        body = " ".join(self.statement(i, 0) for _ in range(self.random.randint(1, 4)))
        if kind == 0:
            return f"for each {i} in xs {{ {body} }}"
        if kind == 1:
            return f'for each r in recs {{ let {i} = r["v"]; {self.record()} {body} }}'
        if kind in {2, 3}:
            return f"for {i} in range({count}) {{ {body} }}"
        step = self.random.choice([1, 1, 1, 2])
        if kind == 4:
            return f"let {i} = {count}; while ({i} > 0) {{ {body} {i} = {i} - {step}; }}"
        if kind == 5:
            return f"let {i} = 0; while ({i} <= {count} and {i} * {i} < 90) {{ {body} {i} = {i} + {step}; }}"
        if kind == 6:
            return f"let {i} = 0; while ({i} < len(xs)) {{ {i} = {i} + {step}; {body} }}"
        if kind >= 8:  # on its own, apart from what the body does: others can run beside it
            c = f"c{self.loops}"
            extra = body if self.random.random() < 0.5 else ""
            return (
                f"let {c} = {self.loops}; let {i} = 0; while ({i} < {count}) "
                f"{{ {c} = ({c} * 31 + {i}) % 1009; {extra} {i} = {i} + 1; }} print({c});"
            )
        return f"let {i} = 0; while ({i} < {count}) {{ {body} {i} = {i} + {step}; }}"

    def record(self) -> str:
        """Something that is done with an element that is a map."""
        uses = ["out.push(r);", 'if (r["v"] > 3) { other.push(r); }', 'm[r["k"]] = r;', 'r["v"] = 0;', ""]
        return self.random.choice([*uses, "let keep = r;"])

    def statement(self, i: str, depth: int) -> str:
        """A statement; ``i`` is the loop variable."""
        e = self.expression(i)
        pick = self.random.randrange(34 if depth < 2 else 22)
        plain = [
            f"a = a + {e};", f"a = a - {e};", f"a = {e} + a;", f"b = b * ({e} % 3 + 1);",
            f"s = s + string({e});", f"s = string({e}) + s;", f"f = f + {e} / 7;", "f = f + 0.1;",
            f"out.push({e});", f"out = push(out, {e});", f"append(out, {e});", f"m[string({e})] = {e};",
            f"arr[{e} % 5] = {e};", f"let t = {e};", "t = t + 1;", f"print({e});", f"a = a + {e} + {i};",
            f"other.push([{e}, {i}]);", f"let u = {e}; a = a + peek({i});", f"let w = {e}; b = b + w;",
            f"s = s + {e};", "a = a + 1;",
        ]  # fmt: skip
        if pick < len(plain):
            return plain[pick]
        inner = self.statement(i, depth + 1)
        op = self.random.choice([">", "<", ">=", "<="])
        e2 = self.expression(i)
        other = self.statement(i, depth + 1)
        nested = [
            f"if ({e} % 2 == 0) {{ {inner} }}", f"if ({e} > {e2}) {{ {inner} }} else {{ {other} }}",
            f"let v = {e}; if (v {op} best) {{ best = v; at = {i}; }}",
            f"let z = {e}; if (low > z) {{ low = z; }}", f"if ({e} > best) {{ best = {e}; }}",
            f"let j = 0; while (j < 3) {{ {inner} j = j + 1; }}",
            f"for each q in rows[{e} % 5] {{ a = a + q; {inner} }}",
            f"if ({e} == {self.random.randrange(60)}) {{ break; }}", f"if ({i} % 4 == 3) {{ continue; }}",
            f"try {{ a = a + fails({i}); {inner} }} catch (err) {{ s = s + \"!\"; }}",
            f"rows[{e} % 5].push({i});", f"let r5 = rows[{e} % 5]; out.push(r5);",
        ]  # fmt: skip
        return nested[self.random.randrange(len(nested))]

    def expression(self, i: str) -> str:
        """A number, mostly."""
        pick = self.random.randrange(40)
        usual = [
            i, f"{i} * 3", f"({i} + 2)", "4", f"({i} * {i}) % 7", f"xs[{i} % 12]", f"square({i})",
            f"spread({i})",
        ]  # fmt: skip
        if pick < 32:
            return usual[pick % len(usual)]
        odd = [
            "a", "len(out)", "len(xs)", "t", f"clobber({i})", f"tell({i})", f"grow(rows[{i} % 5])",
            f"len(row_of({i}))",
        ]  # fmt: skip
        return odd[pick - 32]
