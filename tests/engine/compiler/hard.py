"""Programs that go wrong easily: shared variables, exits in awkward places, errors, odd values."""

from __future__ import annotations

PROGRAMS: dict[str, str] = {
    "own frame tracking": """
let x = 0;
action set() { x = x + 10; y = y + 1; }
action f(n) { let y = 0; let t = []; let i = 0; while (i < n) { x = i; set(); t.push(x); t.push(y);
    let z = i; t.push(x); i = i + 1; } return t; }
print(f(3)); print(x);
""",
    "exits in a try in a loop": """
action g(n) { if (n == 2) { throw "two"; } return n; }
action f(xs) { let t = 0; for each x in xs { try { t = t + g(x); let q = xs[x]; t = t + q; }
    catch (e) { t = t + 100; } } return t; }
print(f([0, 1, 2, 3])); print(f([5, 2, "a"]));
""",
    "a break as the end of a try": """
action f(n) { let i = 0; while (i < n) { i = i + 1; try { break; } catch (e) { print(e); } } return i; }
print(f(3));
""",
    "slow index": """
action f(m, ks) { let t = 0; for each k in ks { let v = m[k]; if (v == null) { t = t + 1; } else {
    t = t + v; } } return t; }
let i = 0;
while (i < 6) { print(f({"a": 1}, ["a", "b", "c", 0, 1])); print(f([1, 2], [0, 1, 5, "x", 2.5]));
    i = i + 1; }
""",
    "slow len": """
action f(v) { return len(v); }
for each v in [1, null, "ab", [1], {"a": 1}, 2.5, true, null, 3, 4] { print(f(v)); }
""",
    "slow add": """
action f(a, b) { let t = a + b; return t * 2; }
for each v in [1, null, "ab", [1], {"a": 1}, 2.5, true, null, "x", "y"] { print(f(v, 1));
    print(f(1, v)); }
""",
    "slow in a loop": """
let t = 0; let s = "";
for each v in [1, null, "ab", [1], {"a": 1}, 2.5, true, null, "x", "y"] { t = v + 1; s = s + t;
    let q = v[0]; let w = -1 * len(v); s = s + q + w; }
print(s);
""",
    "residue loop": """
action g(a) { return 10 / a; }
action f(n) { let r = 0; while (n >= 0) { r = r + n * (g(n) + g(n - 1)); n = n - 1; } return r; }
try { print(f(3)); } catch (e) { print(e); }
let xs = [3, 1, 0]; let s = [];
try { for each x in xs { s.push(1 + g(x)); } } catch (e) { print(e); }
print(s, __idx_1);
""",
    "root loop residue": """
action g(a) { return 10 / a; }
let n = 3;
while (n >= 0) { print(n, g(n)); n = n - 1; }
""",
    "gas in try": """
action g(n) { let t = 0; let i = 0; while (i < n) { t = t + i; i = i + 1; } return t; }
action f(n) { let r = 0; try { r = g(n); } catch (e) { r = e; } return r; }
print(f(5)); let k = 0; while (k < 3) { try { print(f(k)); } catch (e) { print(e); } k = k + 1; }
""",
    "evaluation error value": """
action f(a) { let t = []; let i = 0; while (i < 3) { let r = a + i; t.push(r == 1); if (r) {
    t.push("t"); } if (!r) { t.push("n"); } let q = a && true; t.push(q); let w = a == null;
    t.push(w != 3); if (a == 1) { t.push("eq"); } t.push(a != a); i = i + 1; } return t; }
let e = sort(1, 2, 3, 4);
print(f(e)); print(f(1)); print(f(map([1], 2)));
""",
    "function param shadow": """
action g() { return 1; }
action user(g, n) { let t = 0; while (n > 0) { t = t + g(); n = n - 1; } return t; }
action h() { return 2; }
print(user(h, 3)); print(user(g, 2)); print(user(7, 2));
""",
    "nested fns": """
action mk(n) { action add(a) { return a + n; } action mul(a) { return a * n + add(a); } let t = 0;
    let i = 0; while (i < n) { t = t + mul(i) + add(i); i = i + 1; } return t; }
print(mk(3)); print(mk(2)); print(add); print(mul(2));
""",
    "new root var between": """
action f() { t = 5; t = t + 1; return t; }
action g() { let t = 1; let r = f(); return [t, r]; }
print(f()); print(g()); let t = 100; print(f()); print(t); print(g()); print(t);
""",
    "create root in loop": """
action f(n) { let acc = n; acc = acc + 1; return acc; }
let i = 0;
while (i < 6) { if (i == 3) { let acc = 50; } print(f(i)); i = i + 1; }
print(acc);
""",
    "var becomes function": """
action f() { return 1; }
let i = 0;
while (i < 5) { print(f()); if (i == 2) { f = 9; } i = i + 1; }
""",
    "recursion with root": """
let count = 0;
action walk(n) { count = count + 1; if (n > 0) { walk(n - 1); walk(n - 2); } return count; }
print(walk(5)); print(count);
""",
    "recursion local shared": """
action walk(n) { let best = n; if (n > 0) { let r = walk(n - 1); best = best + r; } return best; }
print(walk(4));
""",
    "loop var shared with callee": """
action inner() { let t = 0; for each y in [1, 2] { t = t + y; } return t; }
action outer(xs) { let s = []; for each x in xs { s.push(inner() + x); } return s; }
print(outer([10, 20, 30]));
for each q in [1, 2, 3] { print(q, inner()); }
""",
    "string escapes": """
action f(a) { return "it's \\"q\\" \\\\ \\n {x} %s " + a + ' y ' + "(" + ")"; }
print(f(1)); print(f(")"));
let s = "((("; let i = 0; while (i < 3) { s = (s + ")"); i = i + 1; } print(s);
""",
    "big ints": """
action f(n) { let t = 1; let i = 1; while (i < n) { t = t * i; i = i + 1; } return t; }
print(f(30)); print(f(200) % 1000007); let q = f(171) / f(170); print(q); print(f(400) / 3);
""",
    "float overflow": """
action f(a) { let t = a; let i = 0; while (i < 6) { t = t * t; i = i + 1; } return t; }
print(f(1000000.5)); try { print(f(1e300)); } catch (e) { print(e); }
action g(a, b) { return a < b && b / a > 1 || a ** 2 > b; }
try { print(g(0, 5)); } catch (e) { print(e); } print(g(1.5, 2));
""",
    "logic errors": """
action g(a, b) { if (a > 0 && 10 / b > 1) { return "y"; } return "n"; }
try { print(g(0, 5)); print(g(0, 0)); } catch (e) { print(e); }
try { while (true) { print(g(1, 5)); print(g(1, 0)); } } catch (e) { print(e); }
""",
    "for each mutate": """
action f(xs) { let c = 0; for each x in xs { if (c < 5) { xs.push(x + 1); } c = c + 1; } return xs; }
print(f([1, 2])); let m = {"a": 1}; for each k, v in m { if (v < 3) { m[k + "x"] = v + 1; } } print(m);
let ys = [1, 2, 3]; for each y in ys { ys.pop(); print(y); } print(ys);
""",
    "return in loops": """
action f(xs, y) { for each x in xs { let i = 0; while (i < 3) { if (x + i == y) { return [x, i]; }
    i = i + 1; } } return null; }
print(f([1, 5, 9], 6)); print(f([1], 9)); print(f([], 1));
""",
    "return in try in loops": """
action f(xs, y) { for each x in xs { try { if (x == y) { return x; } let q = 1 / (x - 2); }
    catch (e) { let caught = e; } } return caught; }
print(f([1, 5, 9], 5)); print(f([2], 9)); print(f([1], 1));
""",
    "break in try": """
action f(xs) { let t = 0; for each x in xs { try { if (x == 3) { break; } t = t + x; } catch (e) {
    t = t + 100; } } let z = 1 / (t - 3); return t; }
print(f([1, 2, 3, 4])); print(f([5]));
""",
    "require in loops": """
action f(n) { let i = 0; while (i < 5) { require(i < n, "i is " + i); i = i + 1; } return i; }
try { print(f(9)); print(f(3)); } catch (e) { print(e); }
let k = 0; try { while (k < 5) { require(k != 3, [k]); k = k + 1; } } catch (e) { print(e, k); }
""",
    "methods of odd": """
action f(v) { let t = []; let i = 0; while (i < 2) { t.push(v.length()); t.push(v.size());
    t.push(v.contains("a")); t.push(v.get("a")); t.push(v.has("a")); i = i + 1; } return t; }
for each v in [null, "abc", ["a"], {"a": 1}] { try { print(f(v)); } catch (e) { print(e); } }
try { print(f(5)); } catch (e) { print(e); }
""",
    "await": """
action work(x) { return x * 2; }
action f(n) { let t = 0; let i = 0; while (i < n) { let y = await work(i); async work(i); t = t + y;
    i = i + 1; } return t; }
print(f(3)); let i = 0; while (i < 2) { async work(i); i = i + 1; }
""",
    "residue of async in loop": """
action work(x) { return x / (x - 2); }
let i = 0;
try { while (i < 5) { async work(i); i = i + 1; } } catch (e) { print(e); }
print(i);
""",
    "map literal": """
action f(a) { return {"a": a, "b": [a, {"c": a}], "d": a + 1}; }
print(f(1)); print(f("x")); let ms = []; for i in range(3) { ms.push({"i": i, "sq": i * i}); }
    print(ms);
""",
    "nested calls order": """
let log = [];
action t(n) { log.push(n); return n; }
action f() { return t(1) + t(2) * t(3) - [t(4), t(5)][t(0)] + {"a": t(6)}["a"]; }
print(f()); print(log); log = []; let i = 0; while (i < 2) {
    let q = t(i) + t(i + 1) * (t(9) < t(8) ? t(7) : t(6)); print(q); i = i + 1; } print(log);
""",
    "args changed by callee": """
let x = 1;
action bump() { x = x + 1; return x; }
action f(a, b, c) { return [a, b, c]; }
action g() { return f(x, bump(), x); }
print(g()); print(f(x, bump(), x)); print(x + bump() + x); let i = 0; while (i < 2) {
    print(x + bump() * x, x); i = i + 1; }
action h() { let y = x + bump() + x; x = 100; let z = x + bump() + x; return [y, z, x]; }
print(h(), x);
""",
    "own var changed by callee": """
action bump() { v = v + 1; return v; }
action h() { let v = 1; let y = v + bump() + v; let t = [v, bump(), v]; v = 100;
    let z = v + bump() * v; while (v < 110) { bump(); t.push(v); v = v + bump(); }
    return [y, z, t, v]; }
print(h());
""",
    "own var two levels": """
action deep() { v = v * 2; w = v; return w; }
action mid() { let w = 5; let r = deep(); return [r, w, v]; }
action h() { let v = 1; let t = []; let i = 0; while (i < 3) { t.push(mid()); t.push(v); i = i + 1; }
    return t; }
print(h()); let v = 7; let w = 8; print(mid(), v, w); print(h(), v, w);
""",
    "callee deletes nothing": """
action f(n) { if (n > 2) { late = n; } return late; }
print(f(1)); print(f(3)); print(f(1)); let late = 4; print(f(1), f(5), late);
""",
    "conditional assign loop": """
action f(n) { let i = 0; let t = []; while (i < n) { if (i == 2) { z = i; } t.push(z); if (z == 2) {
    y = z + 1; } t.push(y); i = i + 1; } return [t, z, y]; }
print(f(4)); let z = "root"; print(f(4), z);
""",
    "loop cond with call": """
let n = 0;
action more() { n = n + 1; return n < 5; }
while (more()) { print(n); } let t = 0; action f() { while (more() || n < 9) { t = t + n; } return t;
    } print(f(), n, t);
""",
    "error text objects": """
action f(x) { throw x; }
for each v in [1, null, [1, "a"], {"a": 1}, 2.5, true, "t"] { try { f(v); } catch (e) { print(e); }
    try { if (v != 77) { throw v; } } catch (e) { print(e); } }
""",
    "uncaught in nested loop units": """
let i = 0; let xs = [];
while (i < 3) { let j = 0; while (j < 3) { xs.push(6 / (2 - i * j)); j = j + 1; } i = i + 1; }
""",
    "mod float": """
action f(a, b) { return [a % b, a / b]; } for each a in [7, 7.5, 0 - 7, true, null] {
    for each b in [2, 2.5, 0 - 3, 0, true] { try { print(f(a, b)); } catch (e) { print(e); } } }
""",
    "compare mixed": """
action f(a, b) { let t = []; if (a < b) { t.push(1); } if (a == b) { t.push(2); } if (a >= b) {
    t.push(3); } t.push(a != b); return t; } for each a in [1, 1.0, "1", null, [1], true, {"a": 1}] {
    for each b in [1, "1", null, [1], true, {"a": 1}] { print(f(a, b)); } }
""",
    "for each odd": """
action f(v) { let t = []; for each x in v { t.push(x); } for each a, b in v { t.push(a); t.push(b); }
    return t; }
let vs = [null, 5, "ab", [], {"k": null}, [[1, 2], [3]], {}]; vs.push(2.5);
for each v in vs { print(f(v)); }
""",
    "entity": """
entity Point {
    x: integer = 1
    y: integer = 2
}
action f(n) { let t = 0; let i = 0; while (i < n) { let p = Point(i, 2); t = t + p.x; i = i + 1; }
    return t; }
print(f(3)); let ps = []; for i in range(3) { ps.push(Point(i, 4)); } let s = 0; for each p in ps {
    s = s + p.x * p.y; } print(s);
action g(p) { let q = p.x; if (q == 1) { return "one"; } let z = p == p; if (z) { return q + p; }
    return p; } for each p in ps { let r = g(p); }
""",
    "contract": """
contract Counter { state count = 0; action inc(n) { count = count + n; return count; } }
let c = Counter(); let i = 0; while (i < 3) { print(c.inc(i)); i = i + 1; }
""",
    "f creates in callers loop": """
action f(n) { let acc = n; acc = acc + 1; return acc; }
action g(k) { let i = 0; let t = []; while (i < k) { if (i == 2) { let acc = 50; } t.push(f(i));
    i = i + 1; } return [t, acc]; }
print(g(4)); print(g(1)); let acc = 9; print(g(3), acc);
""",
    "nested action binds during loop": """
action g(n) { if (n == 2) { action h(a) { return a * 100; } } return h(n); }
action h(a) { return a; }
let i = 0; while (i < 4) { print(g(i)); i = i + 1; } print(h(3));
""",
    "callee binds function of root": """
action setup() { h = two; }
action one(a) { return a + 1; }
action two(a) { return a + 2; }
let h = one;
action run(n) { let t = []; let i = 0; while (i < n) { if (i == 2) { setup(); } t.push(h(i));
    i = i + 1; } return t; }
print(run(4)); let i = 0; h = one; while (i < 4) { if (i == 1) { setup(); } print(h(i)); i = i + 1; }
""",
    "redefine action in loop": """
action f() { return 1; }
let i = 0;
while (i < 4) { print(f()); if (i == 1) { action f() { return 2; } } i = i + 1; }
print(f());
""",
    "try handler var is shared": """
action g(a) { let r = 0; try { r = 1 / a; } catch (e) { r = e; } return r; }
action f(xs) { let t = []; for each x in xs { try { t.push(g(x)); if (x == 0) { throw "z"; } }
    catch (e) { t.push(e); t.push(g(0)); t.push(e); } } return t; }
print(f([1, 0, 2, 0]));
""",
    "catch var root": """
let e = "root";
action g(a) { let r = 0; try { r = 1 / a; } catch (e) { r = e; } return r; }
print(g(1), e); print(g(0), e); let i = 0; while (i < 3) { let q = g(i); print(q, e); e = "again";
    i = i + 1; }
""",
    "try with nested loops and errors": """
action f(n) { let t = []; try { let i = 0; while (i < 5) { let j = 0; while (j < 2) {
    t.push(6 / (n - i)); j = j + 1; } i = i + 1; } } catch (e) { t.push(e); t.push(i); t.push(j); }
    return t; }
print(f(9)); print(f(2)); print(f(0));
""",
    "operands under a try": """
action g(a) { return 5 / a; }
action f(a) { return [1, 2, g(a), 3]; }
action h(a) { let r = 7; try { r = [r, f(a), r]; } catch (e) { r = [e, r]; } return r; }
print(h(1)); print(h(0)); print(h(5)); let k = 2; while (k >= 0) { print(h(k)); k = k - 1; }
""",
    "two exits in an iteration": """
action f(xs) { let t = 0; for each x in xs { let a = x + 1; let b = x * 2; let c = x[0];
    if (a != null && b != c) { t = t + len(xs); } } return t; }
print(f([1, "a", null])); print(f([[1], 2, {"a": 1}, "zz", 2.5]));
print(f([[1], 2, {"a": 1}, "zz", 5, null, null]));
""",
    "exits with dirty root": """
let total = 0; let seen = [];
action add(x) { total = total + x; seen.push(total); if (total == "12") { total = 0; } return x[0]; }
for each x in [1, 2, null, [5], 3, "ab", 7] { let r = add(x); print(r, total); }
print(seen);
""",
    "exits with own frame": """
action get() { return v; }
action f(x) { let v = x; let a = get() + 1; v = v + "z"; let b = v[0] + get(); v = x[0];
    return [a, b, v, get()]; }
for each x in [1, "ab", null, [5], [[1]], "q", "w"] { print(f(x)); }
""",
    "division by zero under gas": """
action f(a) { let t = 1; t = t + 1; t = t / a; t = t + 1; return t; }
let i = 0; let n = 0; while (i < 4) { try { n = n + f(i - 1); } catch (e) { n = n + 1000; } i = i + 1;
    } print(n);
""",
    "string index loop": """
action rev(s) { let r = ""; let i = len(s) - 1; while (i >= 0) { r = r + s[i]; i = i - 1; } return r; }
action count(s) { let m = {}; for each c in s { m[c] = (m[c] ?? 0) + 1; } return m; }
print(rev("hello"), count("hello"), rev(""));
""",
    "dedupe methods": """
action f(xs) { let s = []; for each x in xs { if (!s.contains(x)) { s.push(x); } } s.sort();
    s.reverse(); return s.join("-") + s.first() + s.last() + s.indexOf(2); }
print(f([3, 1, 2, 3])); print(f(["b", "a"]));
""",
    "memo": """
let memo = {};
action fib(n) { if (n < 2) { return n; } let k = str(n); if (memo.has(k)) { return memo[k]; }
    let r = fib(n - 1) + fib(n - 2); memo[k] = r; return r; }
print(fib(5), memo.size());
""",
    "memo in own frame": """
action fib(n) { if (n < 2) { return n; } let k = str(n); if (memo.has(k)) { return memo[k]; }
    let r = fib(n - 1) + fib(n - 2); memo[k] = r; return r; }
action run(n) { let memo = {}; let a = fib(n); return [a, memo.size()]; }
print(run(4)); let memo = {"3": 100}; print(fib(5)); print(run(4), memo);
""",
    "assign to param shared": """
action inc() { n = n + 1; return n; }
action f(n) { let a = inc(); n = n * 2; let b = inc(); return [a, b, n]; }
print(f(1)); print(f(5)); let n = 50; print(f(1), n, inc());
""",
    "args fewer": """
action f(a, b) { if (b == null) { b = 3; } return a + b; }
print(f(1)); print(f(1, 2)); print(f(1)); print(b); let b = 8; print(f(1)); print(f(1), b); let i = 0;
    while (i < 3) { b = i; print(f(i), f(i, 1), b); i = i + 1; }
""",
    "args by value var": """
action ap(fn, a, b) { return fn(a, b); }
action add(x, y) { if (y == null) { return "none"; } return x + y; }
print(ap(add, 1, 2)); print(ap(add, 1)); let fs = {"add": add}; print(ap(fs["add"], 3, 4));
    print(ap(5, 1, 2), ap(null, 1, 2), ap("len", 1, 2));
""",
    "call top": """
action add(x) { return x + 1; }
let fs = [add, add]; let i = 0; while (i < 2) { print(fs[i](3)); print((fs[i])()); i = i + 1; }
action g(fs) { let t = []; for each f in fs { t.push((f)()); t.push(f(7)); } return t; }
    print(g([add, 3, null]));
""",
    "print returns": """
action f(n) { print(n); print("n=" + n, n * 2); let q = print("x"); return q; }
let i = 0; while (i < 3) { print(f(i)); i = i + 1; }
""",
    "big loops nested breaks": """
action f(n) { let t = 0; for i in range(n) { for j in range(n) { if (j == 2) { continue; }
    if (j == 4) { break; } for k in range(j) { if (k == 1) { break; } t = t + i * j + k; }
    if (t > 30) { return t; } } if (i == 5) { break; } t = t + 1; } return t; }
print(f(3), f(6), f(9));
""",
    "elif with returns": """
action f(n) { while (true) { if (n > 10) { n = n - 7; } elif (n > 5) { n = n - 1; continue; }
    elif (n == 5) { return "five"; } else { n = n + 1; if (n == 3) { break; } } } return n; }
for i in range(14) { print(f(i)); }
""",
    "while true break": """
let i = 0; while (true) { i = i + 1; if (i > 5) { break; } if (i % 2 == 0) { continue; } print(i); }
    print(i);
action f() { let i = 0; while (true) { i = i + 1; if (i > 3) { return i; } } } print(f());
""",
    "default and ternary in loops": """
action f(xs) { let t = []; for each x in xs { let v = x ?? 0;
    t.push(v > 2 ? "hi" : (v == 0 ? null : v)); t.push((x ?? 1) + (v ?? 2)); } return t; }
print(f([null, 1, 2, 3, "b"]));
""",
    "unused value of rule": """
action f(a) { a / 2; a[0]; a + 1; -a; !a; a == 1; len(a); return 1; }
for each v in [1, 0, "a", [1], null, 2.5] { try { print(f(v)); } catch (e) { print(e); } }
""",
    "error in condition": """
action f(a) { let t = 0; while (10 / a > 1) { a = a - 1; t = t + 1; } return t; }
try { print(f(3)); } catch (e) { print(e); } print(f(20));
let a = 3; try { while (10 / a > 1) { a = a - 1; } } catch (e) { print(e, a); }
""",
    "list aliasing in loop": """
let row = [0, 0]; let g = []; for i in range(3) { g.push(row); } g[0][1] = 5; print(g); let h = g;
    for each r in h { r.push(1); } print(g, row);
action f(m) { for each r in m { r[0] = r[0] + 1; } return m; } print(f(g));
""",
    "index assign errors": """
action f(xs, i) { xs[i] = 1; return xs; }
for each i in [0, 1, 5, 0 - 1, "a", null, 1.5] { try { print(f([7, 8], i)); } catch (e) { print(e); } }
for each x in [null, 5, "abc"] { try { print(f(x, 0)); } catch (e) { print(e); } }
    print(f({"a": 2}, [1].length()));
""",
    "unhashable": """
action f(k) { let m = {}; m[k] = 1; return m; }
try { print(f("a")); print(f([1])); } catch (e) { print(e); }
action g(m, k) { return [m[k], m.get(k), m.has(k)]; } try { print(g({"a": 1}, "a"));
    print(g({"a": 1}, 0)); print(g({"a": 1}, [1])); } catch (e) { print(e); }
""",
    "a loop is entered again with an error value": """
action f(a) {
    for each z in [1] { try { if (a != 77) { break; } } catch (e) { let u = 1; } }
    let i = 0; let q = 0;
    while (i < 3) { q = a == 1; i = i + 1; }
    return q;
}
let e = map([1], 2);
print(f(1)); print(f(e)); print(f(2)); print(f(e));
""",
    "formats": """
action f(a, b) { return a % b; }
for each b in [1, null, "x", [1], 2.5] { print(f("<%s>", b)); }
print(f("<%s>", map([1], 2))); print(f(map([1], 2), 0));
""",
    "a loop is left with a function bound anew": """
action one() { return 1; }
action two() { return 2; }
let g = one; print(g());
let i = 0;
while (i < 4) { if (i > 1) { g = two; let z = null - i; print(g(), z); } i = i + 1; }
""",
    "a loop is entered behind a handler": """
let x = 1;
action set() { x = 99; }
action f(n) {
    let t = []; let i = 0;
    while (i < n) {
        t.push(x);
        i = i + 1;
        try { let q = 1 / (i - 2); } catch (e) { x = 5; set(); }
    }
    return [t, x];
}
print(f(5)); print(x);
""",
    "a loop of an action is left with a function bound anew": """
action one() { return 1; }
action two() { return 2; }
let g = one; let n = 0;
action more() { n = n + 1; return n < 6; }
action f(b) {
    for each z in [1] { try { if (z != 77) { break; } } catch (e) { let u = 1; } }
    let a = [g()];
    while (more()) { g = n == 3 ? two : one; b - 1; a.push(g()); }
    return a;
}
print(f(null));
""",
    "powers of odd values": """
action f(a) { return [(a ** 2) == 3, ((a ** 2) == 3) == true, (2 ** a) + 1, (a ** a) || false]; }
for each a in [1, 2.5, 0 - 1, null, true, map([1], 2)] { print(f(a)); }
""",
    "a constant without a literal": """
action f(n) { return 10 ** 5000; }
let i = 0;
while (i < 2) { print(f(i) > i); i = i + 1; }
""",
}
