"""Programs with work for workers of each kind: calls, ranges of loops, and parallel_map."""

from __future__ import annotations

WORK = """
action fib(n) { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); }
action work(n) { return fib(9 + n % 3) + n; }
"""

CALLS = (
    WORK
    + """
action main() {
    let a = work(1); let b = work(2); let c = work(3); let d = work(4);
    let e = work(5); let f = work(6); let g = work(7); let h = work(a + b);
    print(a + b + c + d + e + f + g + h);
    let x = work(h); let y = work(g); print(x - y);
    return work(x) + work(y) + work(x + y);
}
print(main());
"""
)

RANGES = (
    WORK
    + """
let total = 0; let found = [];
for i in range(36) {
    let v = work(i);
    if (v % 3 == 0) { found.push(i); }
    total = total + v;
}
print(total); print(found);
"""
)

MAP = (
    WORK
    + """
action loud(n) { print("in " + n); return work(n); }
print(parallel_map(work, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
print(parallel_map(loud, [3, 1, 2, 5, 4, 6]));
"""
)

PROGRAMS = {"calls": CALLS, "ranges": RANGES, "map": MAP}
