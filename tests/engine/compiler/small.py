"""Small programs, by what of the language they use. All end without an error of the program."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "arithmetic": """
action f(a, b) { return (a + b) * 2 - a / b + a % b; }
print(f(7, 2));
print(f(6, 3));
""",
    "division": """
action f(a, b) { return a / b; }
let i = 1;
while (i < 4) { print(f(6, i)); print(f(7.5, i)); i = i + 1; }
""",
    "modulo by zero": """
action f(a, b) { return a % b; }
print(f(5, 0)); print(f(5, 3)); print(f(5.5, 2));
""",
    "power": """
action f(a, b) { return a ** b; }
print(f(2, 10)); print(f(2.5, 2)); print(f(2, 0 - 1)); print(f(3, 70));
""",
    "text": """
action f(a, b) { return "x" + a + b + "y"; }
print(f(1, "b")); print(f(null, true)); print(f([1], 2.5));
""",
    "comparison": """
action f(a, b) { return [a < b, a <= b, a > b, a >= b, a == b, a != b]; }
print(f(1, 2)); print(f("b", "a")); print(f(null, 1)); print(f(1, "a"));
""",
    "logic": """
action f(a, b) { return [a && b, a || b, !a]; }
print(f(true, false)); print(f(0, 3)); print(f("", [1]));
""",
    "if": """
action f(a) { if (a < 1) { return "low"; } elif (a < 2) { return "mid"; } else { a = a + 1; }
    return a; }
print(f(0)); print(f(1)); print(f(5));
""",
    "if without braces' values": """
action f(a) { let r = 0; if (a > 1) { r = a; } if (a > 2) { r = r + 10; } else { r = r - 1; }
    return r; }
print(f(1)); print(f(2)); print(f(3));
""",
    "ternary": """
action f(a) { return a > 1 ? "big" : a; }
print(f(2)); print(f(1));
""",
    "default value": """
action f(a) { return a ?? 7; }
print(f(null)); print(f(0));
""",
    "while": """
action f(n) { let t = 0; let i = 0; while (i < n) { t = t + i * i; i = i + 1; } return t; }
print(f(0)); print(f(4));
""",
    "while with break and continue": """
action f(n) {
    let t = 0; let i = 0;
    while (i < n) { i = i + 1; if (i == 2) { continue; } if (i == 5) { break; } t = t + i; }
    return t;
}
print(f(3)); print(f(9));
""",
    "nested loops": """
action f(n) {
    let t = 0; let i = 0;
    while (i < n) {
        let j = 0;
        while (j < n) { if (j == i) { j = j + 1; continue; } if (j > 3) { break; } t = t + i * j;
            j = j + 1; }
        i = i + 1;
    }
    return t;
}
print(f(3)); print(f(5));
""",
    "for each": """
action f(xs) { let t = 0; for each x in xs { if (x == 3) { continue; } t = t + x; } return t; }
print(f([1, 2, 3, 4])); print(f([])); print(f({"a": 1}));
""",
    "for each with break": """
action f(xs) { let t = ""; for each x in xs { if (x == "c") { break; } t = t + x; } return t; }
print(f("abcd")); print(f(["a"]));
""",
    "for each over pairs": """
action f(xs) { let t = ""; for each k, v in xs { t = t + k + "=" + v + ";"; } return t; }
print(f({"a": 1, "b": 2})); print(f([5, 6]));
""",
    "for in range": """
action f(n) { let t = 0; for i in range(n) { t = t + i; } return t; }
print(f(4)); print(f(0)); print(f(2.9));
""",
    "lists": """
action f(n) { let xs = []; let i = 0; while (i < n) { xs.push(i); i = i + 1; } xs[0] = 9; return xs; }
let r = f(3); print(r); print(r.length()); print(r[1]); print(r[7]); print(len(r));
""",
    "list of lists": """
action f(n) { let m = []; for i in range(n) { let row = []; for j in range(n) { row.push(i * j); }
    m.push(row); } return m; }
print(f(3));
""",
    "maps": """
action f(ws) { let m = {}; for each w in ws { if (m.has(w)) { m[w] = m[w] + 1; } else { m[w] = 1; } }
    return m; }
print(f(["a", "b", "a"])); print(f([]).keys());
""",
    "slices": """
action f(a, i, j) { return a[i:j]; }
print(f("hello", 1, 3)); print(f([1, 2, 3], 0, 2)); print(f(5, 0, 1));
""",
    "strings": """
action f(s) { let t = ""; let i = 0; while (i < len(s)) { t = s[i] + t; i = i + 1; } return t.upper(); }
print(f("abc"));
""",
    "natives": """
action f(a) { return [len(a), str(a), string(2.5), range(2), push([1], 2), append([1], 2)]; }
print(f("xy")); print(f([1]));
""",
    "builtins": """
action f(a) { return [abs(a), max(a, 2), sqrt(16), round(2.6)]; }
print(f(0 - 3)); print(f(3));
""",
    "calls": """
action g(a) { return a * 2; }
action f(n) { let t = 0; for i in range(n) { t = t + g(i) + g(t); } return t; }
print(f(3));
""",
    "recursion": """
action fib(n) { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); }
print(fib(5));
""",
    "mutual recursion": """
action even(n) { if (n == 0) { return true; } return odd(n - 1); }
action odd(n) { if (n == 0) { return false; } return even(n - 1); }
print(even(4)); print(odd(4));
""",
    "functions in variables": """
action twice(fn, x) { return fn(fn(x)); }
action inc(a) { return a + 1; }
print(twice(inc, 3));
let g = inc; print(g(1));
""",
    "nested action": """
action outer(n) { action inner(a) { return a + n; } let t = 0; for i in range(n) { t = t + inner(i); }
    return t; }
print(outer(3));
""",
    "a missing argument": """
let b = 77;
action two(a, b) { return a + b; }
print(two(1)); print(two(1, 2)); print(two(1, 2, 3));
""",
    "a variable of the caller": """
action bump() { count = count + 1; return count; }
action user() { let count = 10; bump(); bump(); return count; }
let r = user();
print(r);
""",
    "a root variable": """
let total = 0;
action add(n) { total = total + n; return total; }
let i = 0;
while (i < 4) { add(i); i = i + 1; }
print(total);
""",
    "read before it exists": """
action f(n) { let t = 0; let i = 0; while (i < n) { if (i > 0) { t = t + late; } late = i; i = i + 1;
    } return t; }
print(f(4));
""",
    "read again and again before it exists": """
action f(n) { n = n + 1; let b = m; if (n > 99) { let m = 1; } return [n, b]; }
let i = 0;
while (i < 20) { print(f(i)); i = i + 1; }
""",
    "try without an error": """
action f(a) { let r = 0; try { r = 10 / a; } catch (e) { r = 1; } return r; }
print(f(2)); print(f(5));
""",
    "try with an error": """
action f(a) { let r = 0; try { r = 10 / a; } catch (e) { r = e; } return r; }
print(f(0)); print(f(2));
""",
    "try in a loop": """
action f(n) { let t = ""; let i = 0; while (i < n) { try { t = t + 6 / i; } catch (e) { t = t + "!"; }
    i = i + 1; } return t; }
print(f(3));
""",
    "an error in a callee": """
action g(a) { return 10 / a; }
action f(a) { let r = 1; try { r = g(a) + g(1); } catch (e) { r = e; } return r; }
print(f(0)); print(f(5));
""",
    "throw": """
action g(a) { if (a > 1) { throw "big"; } return a; }
action f(a) { try { return g(a); } catch (e) { return "caught " + e; } }
print(f(1)); print(f(2));
""",
    "require": """
action f(a) { require(a > 1, "small"); return a; }
let r = 0;
try { r = f(2); r = f(1); } catch (e) { print(e); }
print(r);
""",
    "print": """
action f(n) { for i in range(n) { print(i, "of", n); print("x" + i); print(i * 1.5); } return 0; }
f(2);
""",
    "root loop": """
let xs = []; let i = 0;
while (i < 4) { xs.push(i * i); let last = i; i = i + 1; }
print(xs); print(last);
""",
    "root for each": """
let t = 0;
for each x in [1, 2, 3] { t = t + x; print(t); }
for each k, v in {"a": 1} { print(k, v); }
""",
    "aliases": """
action f(xs) { let ys = xs; ys.push(1); xs = [0]; xs.push(2); return ys; }
let a = []; let b = f(a); b.push(3); print(a); print(b);
""",
    "evaluation errors": """
action f(s) { let r = regex_match(s, "["); let t = [r == 1, r]; if (r) { return 1; } return t; }
let q = f("a"); print(str(q).length() > 0);
""",
    "match": """
action f(a) { return match a { 1 => "one", 2 => "two", 3 => "three" }; }
print(f(1)); print(f(3));
""",
    "a result that nobody uses": """
action f(a) { a + 1; a; f; return a; }
let i = 0;
while (i < 3) { f(i); i = i + 1; }
""",
    "negation": """
action f(a) { return [0 - a, -a, !a]; }
print(f(3)); print(f(2.5)); print(f(true));
""",
    "a loop behind a loop": """
action f(n) { let a = 0; for i in range(n) { a = a + i; } for i in range(n) { a = a * 2; }
    while (a > 5) { a = a - 3; } return a; }
print(f(3));
""",
    "a number that becomes text": """
action f(n) { let y = 7; let all = ""; let i = 0;
    while (i < n) { all = all + y % 5 + ","; if (i == 2) { y = "n%d"; } i = i + 1; } return all; }
print(f(5)); print(f(2));
""",
    "kinds that go around": """
action f(n) { let a = 1; let b = 2; let c = 3; let i = 0; let all = [];
    while (i < n) { a = b; b = c; c = a + i; if (i == 3) { c = "t"; } all.push("" + a + (a == 2));
        i = i + 1; } return all; }
print(f(9));
""",
    "a list that becomes a map": """
action f(n) { let xs = [7, 7]; let i = 0; let sizes = [];
    while (i < n) { if (i == 2) { xs = {}; } xs[i % 2] = i; sizes.push(xs.length()); xs.push(i); i = i + 1; }
    return [xs, sizes]; }
print(f(2)); print(f(4));
""",
    "methods of a map": """
action f(n) { let m = {"a": 1}; let seen = []; let i = 0;
    while (i < n) { m["k" + i] = i; if (m.has("k1")) { seen.push(m.get("k1")); }
        i = i + m.size() / m.size(); } return [m, seen, m.count(), m.get("none")]; }
print(f(3));
""",
    "a flag from a comparison": """
action f(a, b) { let odd = a == b; let n = 0; let done = false;
    while (!done) { if (odd) { n = n + 2; } odd = false; n = n + 1; done = n > 2; } return [n, odd, done]; }
print(f(1, 1)); print(f([1], 2));
""",
    "a callee changes the kind": """
let t = 1;
action f() { t = "x"; return 1; }
let i = 0;
while (i < 4) { print("" + t % 3); if (i == 1) { f(); } i = i + 1; }
""",
    "a loop entered with other kinds": """
let x = 1; let log = [];
for each y in [2, "s%d", 3, [4], 5] { x = y; let i = 0; while (i < 3) { log.push(x % 2); i = i + 1; } }
print(log);
""",
    "ways that owe different gas": """
action f(n) { let a = 0; let i = 0;
    while (i < n) { i = i + 1; if (i % 2 == 0) { let j = 0;
            while (j < i) { j = j + 1; if (j == 4) { break; } } a = a + j; continue; }
        if (i > 6) { a = a * 2; break; } if (i == 3) { a = a + len("abc"); } }
    return a; }
action g(n) { if (n > 2) { return g(n - 1) + 1; } elif (n > 1) { f(n); } else { n = f(n) + 4; } return n; }
print(f(9)); print(g(5)); print(g(1)); print(g(2));
""",
    "calls on both sides": """
action h(n) { return n + 1; }
action f(n) { let a = 0; let i = 0;
    while (i < n) { if (i % 3 == 0) { a = h(a); } else { a = h(a) * 2; } i = i + 1; }
    if (a > 3) { h(a); } while (a > 9) { a = a - 7; } return a; }
print(f(6));
""",
}
