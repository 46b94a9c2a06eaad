"""Programs in which running ahead could go wrong. Each is compared with itself executed in place."""

from __future__ import annotations

_WORK = """
action work(n) {
    let k = 0;
    let acc = 7;
    while (k < 40) { acc = (acc * 31 + n) % 1009; k = k + 1; }
    return acc;
}
"""

HAZARDS: dict[str, str] = {
    "straight_line": _WORK
    + "let a = work(1); let b = work(2); let c = work(a + b); print(a); print(b); print(c);",
    "for_range_total": _WORK + "let t = 0; for i in range(12) { t = t + work(i); } print(t);",
    "for_each_push": _WORK
    + "let out = []; for each x in [3, 1, 2] { out = push(out, work(x)); } print(out);",
    "for_each_method_push": _WORK
    + "let out = []; for each x in [3, 1, 2] { out.push(work(x)); } print(out);",
    "for_each_append": _WORK
    + "let out = []; for each x in [3, 1, 2] { out = append(out, work(x)); } print(out);",
    "while_total": _WORK
    + 'let i = 0; let s = ""; while (i < 9) { s = s + work(i) + ","; i = i + 1; } print(s);',
    "printing": _WORK + 'for i in range(8) { print("line " + i + ": " + work(i)); }',
    "map_filling": _WORK + 'let m = {}; for i in range(6) { m["k" + i] = work(i); } print(m);',
    "inside_main": _WORK
    + """
action main() {
    let t = 0;
    for i in range(10) { t = t + work(i); }
    let u = work(t);
    print(t + u);
    return t;
}
print(main());
""",
    "prints_in_callee": """
action loud(n) { print("in " + n); print(n, n + 1); return n * 2; }
for i in range(6) { print("before " + i); print(loud(i)); }
""",
    "callee_writes_global": """
let total = 0;
action add(n) { total = total + n; return total; }
for i in range(6) { print(add(i)); }
print(total);
""",
    "callee_writes_global_sometimes": """
let seen = 0;
action look(n) { if (n == 3) { seen = n; } return n * 10; }
for i in range(6) { print(look(i)); }
print(seen);
""",
    "callee_clobbers_loop_variable": """
action f(n) { let i = n * 2; return i + 1; }
for i in range(5) { print(f(i)); print(i); }
""",
    "callee_clobbers_temporaries": """
action sum(xs) { let s = 0; for each x in xs { s = s + x; } return s; }
for each row in [[1, 2], [3, 4], [5, 6]] { print(sum(row)); }
print("after");
""",
    "for_each_in_callee_of_while": """
action sum(xs) { let s = 0; for each x in xs { s = s + x; } return s; }
let rows = [[1, 2], [3, 4], [5, 6]];
let r = 0;
while (r < 3) { print(sum(rows[r])); r = r + 1; }
""",
    "reads_changing_global": """
let factor = 1;
action scaled(n) { return n * factor; }
for i in range(6) { print(scaled(i)); factor = factor + i; }
""",
    "reads_global_container": """
let table = [1, 2, 3, 4];
action at(i) { return table[i] * 10; }
for i in range(4) { print(at(i)); table[i] = 100 + i; if (i < 3) { table[i + 1] = 7 * i; } }
""",
    "missing_argument": """
let b = 5;
action two(a, b) { return a * 100 + b; }
for i in range(4) { print(two(i)); b = b + 1; }
print(two(1, 2, 3));
""",
    "result_is_argument": """
action same(xs) { return xs; }
let xs = [1];
let ys = same(xs); ys.push(2);
let zs = same(xs); zs.push(3);
print(xs); print(ys); print(zs);
""",
    "result_contains_argument": """
action wrap(xs, n) { return [n, xs]; }
let inner = [0];
let kept = [];
for i in range(4) { kept.push(wrap(inner, i)); inner.push(i); }
print(kept); kept[0][1].push(99); print(kept);
""",
    "argument_mutated_by_callee": """
action grow(xs, n) { xs.push(n); return len(xs); }
let xs = [];
for i in range(5) { print(grow(xs, i)); }
print(xs);
""",
    "argument_mutated_and_restored": """
action peek(xs, ys) { xs.push(1); let n = len(ys); xs.pop(); return n; }
let xs = [5, 6];
print(peek(xs, [1])); print(peek(xs, xs)); print(peek(xs, [1, 2])); print(xs);
""",
    "argument_mutated_between_iterations": """
action total(xs) { let s = 0; let k = 0; while (k < len(xs)) { s = s + xs[k]; k = k + 1; } return s; }
let data = [1, 2, 3];
for i in range(6) { print(total(data)); if (i % 2 == 0) { data.push(i); } else { data[0] = i; } }
""",
    "nested_mutation": """
action deep(m) { return m["a"][0] + len(m["a"]); }
let inner = [1];
let m = {"a": inner};
for i in range(5) { print(deep(m)); inner.push(i); inner[0] = i * 3; }
""",
    "accumulator_aliases_input": """
action count(xs) { return len(xs); }
let xs = [1];
let acc = xs;
for i in range(5) { acc.push(count(xs)); }
print(xs);
""",
    "list_extended_while_iterating": """
action twice(n) { return n * 2; }
let xs = [1, 2, 3];
for each x in xs { let r = twice(x); if (r < 20) { xs.push(r); } print(r); }
print(xs);
""",
    "errors_in_loop_caught": """
action risky(n) { if (n % 3 == 2) { let z = 1 / 0; } return n * 5; }
let i = 0;
while (i < 7) { try { print(risky(i)); } catch (e) { print("caught " + e); } i = i + 1; }
""",
    "error_at_element": """
action risky(n) { if (n == 4) { let z = 1 / 0; } print("ok " + n); return n; }
for i in range(8) { print(risky(i)); }
""",
    "errors_caught_in_callee": """
action safe(n) { try { if (n == 2) { let z = 1 / 0; } return n; } catch (e) { return "bad " + e; } }
for i in range(5) { print(safe(i)); }
""",
    "requirement_in_callee": """
action checked(n) { require(n < 3, "too much"); return n; }
let i = 0;
while (i < 5) { try { print(checked(i)); } catch (e) { print(e); } i = i + 1; }
""",
    "redefined_function": """
action f(n) { return n + 1; }
print(f(1)); print(f(2));
action g() { action f(n) { return n * 100; } return 0; }
print(g()); print(f(3)); print(f(4));
let i = 0;
while (i < 3) { print(f(i)); i = i + 1; }
""",
    "function_in_variable": """
action double(n) { return n * 2; }
action triple(n) { return n * 3; }
let f = double;
for i in range(6) { print(f(i)); if (i == 2) { f = triple; } }
""",
    "function_as_argument": """
action double(n) { return n * 2; }
action triple(n) { return n * 3; }
action apply(fn, x) { return fn(x) + 1; }
for i in range(4) { print(apply(double, i)); print(apply(triple, i)); }
""",
    "function_as_result": """
action make(n) { action inner(x) { return x + 1; } return inner; }
let f = make(1); let g = make(2);
print(f(5)); print(g(6));
""",
    "function_in_container": """
action double(n) { return n * 2; }
action pick(fs, i) { let fn = fs[0]; return fn(i); }
let fs = [double];
for i in range(4) { print(pick(fs, i)); }
""",
    "error_values": """
action one(n) { return n; }
action broken(n) { return filter([1, 2], one); }
for i in range(3) { let r = broken(i); print(i); }
action pass_on(v) { return v; }
let bad = filter([1], one);
print("x"); let q = pass_on(bad); let p = pass_on(bad);
""",
    "entities": """
entity Point { x: integer, y: integer }
let p = Point{x: 1, y: 2};
action sum(q, n) { return q.x + q.y + n; }
for i in range(4) { print(sum(p, i)); }
action make(n) { return Point{x: n, y: n}; }
let r = make(1); let s = make(2); print(s.x);
""",
    "break_continue": _WORK
    + """
for i in range(12) {
    if (i == 3) { continue; }
    let w = work(i);
    if (w % 5 == 0) { print("skip " + i); continue; }
    if (i > 8) { break; }
    print(w);
}
print("end");
""",
    "break_on_result": _WORK
    + """
let found = -1;
for i in range(40) { if (work(i) % 7 == 3) { found = i; break; } }
print(found);
""",
    "return_from_loop": _WORK
    + """
action first_of(most) {
    let i = 0;
    while (i < most) { if (work(i) % 11 == 4) { return i; } i = i + 1; }
    return -1;
}
print(first_of(50)); print(first_of(2));
""",
    "while_on_result": _WORK
    + """
let x = 5; let n = 0;
while (x > 20 && n < 15) { x = work(x); n = n + 1; }
while (n < 6) { x = work(x + n); n = n + 1; }
let s = 0;
while (s < 3000) { s = s + work(n); n = n + 1; }
print(x + n); print(s);
""",
    "nested_loops": _WORK
    + """
let grid = [];
let r = 0;
while (r < 4) {
    let row = [];
    let c = 0;
    while (c < 3) { row.push(work(r * 10 + c)); c = c + 1; }
    grid.push(row);
    r = r + 1;
}
print(grid);
for i in range(3) { for j in range(3) { print(work(i) + work(j)); } }
""",
    "conditional_calls": _WORK
    + """
let n = 0;
for i in range(12) {
    if (work(i) % 2 == 0) { n = n + work(i * 3); } else { if (i % 3 == 0) { n = n - work(n); } }
}
print(n);
""",
    "two_loops": _WORK
    + """
let a = 0; let b = [];
for i in range(5) { a = a + work(i); }
for i in range(5) { b.push(work(i + a)); }
for i in range(5) { print(work(i)); }
print(a); print(b);
""",
    "recursion": """
action fact(n, acc) { if (n <= 1) { return acc; } return fact(n - 1, acc * n); }
action fib(n) { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); }
for i in range(8) { print(fact(i, 1)); print(fib(i)); }
""",
    "deep_recursion": """
action down(n) { if (n == 0) { return 0; } return down(n - 1) + 1; }
print(down(300)); print(down(880)); print(down(905)); print(down(940));
let i = 0;
while (i < 3) { try { print(down(900 + i * 50)); } catch (e) { print("caught"); } i = i + 1; }
""",
    "dynamic_scope_reads_of_caller": """
action inner(n) { return n + hidden; }
action outer(hidden) {
    let a = inner(1); let b = inner(2);
    hidden = hidden + 1;
    let c = inner(3);
    return [a, b, c];
}
print(outer(10)); print(outer(20));
""",
    "stale_cache": """
let x = 0;
action g() { x = 2; return 1; }
action f() { x = 1; g(); return x; }
print(f()); print(x); print(f()); print(x);
""",
    "mutual_calls": _WORK
    + """
action a(n) { return work(n) + b(n); }
action b(n) { return work(n * 2) % 17; }
let t = 0;
for i in range(6) { t = t + a(i) * b(i); }
print(t);
""",
    "negative_zero_and_nan": """
action sign(x) { return 1.0 * x; }
let z = 0.0;
for i in range(4) { print(sign(z)); z = z * -1.0; }
let big = 1e308 * 10.0;
let nan = big - big;
print(sign(nan)); print(sign(nan)); print(sign(big));
""",
    "bool_or_int": """
action show(v) { return "" + v; }
let vs = [1, true, 1.0, 0, false, 0.0, null, "1"];
for each v in vs { print(show(v)); }
""",
    "effects": """
action noisy(n) { let t = now(); return n; }
action lucky(n) { return random(5) * 0 + n; }
for i in range(4) { print(noisy(i)); print(lucky(i)); }
""",
    "unknown_builtin_result_inputs": _WORK
    + """
let words = split("3 1 4 1 5", " ");
for each w in words { print(work(int(w))); }
let n = 0;
while (n < 5) { print(work(abs(n - 3))); n = n + 1; }
""",
    "maps_as_arguments": """
action area(r) { return r["w"] * r["h"]; }
let rects = [{"w": 2, "h": 3}, {"w": 4, "h": 5}, {"w": 6, "h": 7}];
for each r in rects { print(area(r)); r["w"] = 1; }
for each r in rects { print(area(r)); }
for each k, v in {"a": 1, "b": 2} { print(area({"w": v, "h": 10})); }
""",
    "fresh_containers": """
action norm(p) { return p[0] * p[0] + p[1] * p[1]; }
for i in range(6) { print(norm([i, i + 1])); }
""",
    "result_containers": """
action pair(n) { return [n, [n, {"k": n}]]; }
let all = [];
for i in range(5) { all.push(pair(i)); }
all[0][1].push("x");
print(all);
let p = pair(1); let q = pair(1); p.push(9); print(q);
""",
    "leftover_stack": _WORK + "work(1); async work(2); async work(3);",
    "return_value": _WORK + "let a = work(1); let b = work(2); return a * b;",
    "lambda_and_null": """
action nothing(n) { let x = n; }
print(nothing(1)); print(nothing(2)); print(undefined_thing(3));
""",
    "inner_actions": """
action outer(n) { action helper(m) { return m * base; } let base = n; return helper(n) + helper(n + 1); }
for i in range(5) { print(outer(i)); }
""",
    "inner_action_leaks": """
action helper(m) { return m; }
action outer(n) { action helper(m) { return m * 10; } return helper(n); }
print(helper(1)); print(outer(2)); print(helper(3)); print(outer(4)); print(helper(5));
""",
    "parallel_map": _WORK
    + """
print(parallel_map(work, [1, 2, 3, 4, 5, 6, 7]));
action loud(n) { print("map " + n); return n * n; }
print(parallel_map(loud, range(6)));
print(parallel_map(loud, []));
let total = 0;
action add(n) { total = total + n; return total; }
print(parallel_map(add, [1, 2, 3])); print(total);
""",
    "parallel_map_errors": """
action risky(n) { if (n == 2) { let z = 1 / 0; } return n; }
try { print(parallel_map(risky, [0, 1, 2, 3])); } catch (e) { print("caught " + e); }
try { print(parallel_map(risky, 5)); } catch (e) { print(e); }
try { print(parallel_map(5, [1])); } catch (e) { print(e); }
try { print(parallel_map(risky, {"a": 1})); } catch (e) { print(e); }
""",
    "parallel_map_growing": """
let xs = [1, 2];
action grow(n) { if (n < 5) { xs.push(n + 2); } return n; }
print(parallel_map(grow, xs));
""",
    "parallel_map_nested": """
action inner(n) { return n + 1; }
action outer(n) { return parallel_map(inner, [n, n * 2]); }
print(parallel_map(outer, [1, 2, 3]));
for i in range(3) { print(outer(i)); }
""",
    "own_parallel_map": """
action parallel_map(f, xs) { return "mine " + len(xs); }
action g(n) { return n; }
print(parallel_map(g, [1, 2, 3]));
""",
    "mutable_global_read_via_callee": """
let config = {"k": 1};
action read(n) { return lookup() + n; }
action lookup() { return config["k"]; }
for i in range(6) { print(read(i)); if (i == 2) { config["k"] = 50; } if (i == 4) { config = {"k": 7}; } }
""",
    "error_mode": """
action f(n) { return n * 2; }
action g(n) { continue; let z = 1 / 0; return n; }
for i in range(3) { print(f(i)); print(g(i)); }
""",
    "transaction_in_callee": """
action f(n) { audit(n, "x"); return n; }
for i in range(3) { print(f(i)); }
""",
    "string_methods": """
action shout(s) { return s.upper() + s.trim() + s.replace("a", "b"); }
for each w in ["abc ", " bca", "cab"] { print(shout(w)); }
""",
    "name_appears_later": """
action f(n) { let t = n * 3; return t; }
print(f(1)); print(f(2));
let t = 100;
print(f(3)); print(t); print(f(4)); print(t);
""",
    "callee_defines_global_name_of_loop": """
action f(n) { let k = n; let j = k + 1; return j; }
let i = 0;
while (i < 4) { print(f(i)); let k = 5; print(k); i = i + 1; }
""",
}
