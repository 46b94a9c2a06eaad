"""Shared variables: atomic, plain values only, in the main process and in copies."""

from __future__ import annotations

import pytest

from .running import Ran, run_all, run_one

PROGRAMS: dict[str, tuple[str, str]] = {
    "nobody has written it": ('print(shared_read("x"));', "null\n"),
    "write and read": (
        """
shared_write("x", {"a": [1, 2]});
let got = shared_read("x");
got["a"].push(3);
print(got); print(shared_read("x"));
shared_write("x", null); print(shared_read("x"));
""",
        "{'a': [1, 2, 3]}\n{'a': [1, 2]}\nnull\n",
    ),
    "adding follows the rules of +": (
        """
print(shared_add("n", 2)); print(shared_add("n", 3));
print(shared_add("n", 0.5)); print(shared_add("n", "x"));
print(shared_add("list", [1])); print(shared_add("list", [2])); print(shared_read("list"));
""",
        "2\n5\n5.5\n5.5x\n[1]\n[1, 2]\n[1, 2]\n",
    ),
    "update": (
        """
action put(m, key, value) { if (m == null) { m = {}; } m[key] = value; return m; }
print(shared_update("m", put, "a", 1)); print(shared_update("m", put, "b", 2)); print(shared_read("m"));
""",
        "{'a': 1}\n{'a': 1, 'b': 2}\n{'a': 1, 'b': 2}\n",
    ),
    "an update that fails changes nothing and frees the variable": (
        """
action bad(v) { let z = 1 / 0; return z; }
shared_write("x", 7);
try { shared_update("x", bad); } catch (e) { print(e); }
print(shared_read("x")); shared_add("x", 1); print(shared_read("x"));
""",
        "Division by zero\n7\n8\n",
    ),
    "not inside an update": (
        """
action nested(v) { shared_add("y", 1); return v; }
action forks(v) { fork_execution(1, nested); return v; }
action waits(v) { barrier_sync(1); return v; }
try { shared_update("x", nested); } catch (e) { print(e); }
try { shared_update("x", forks); } catch (e) { print(e); }
action copy(i) { try { shared_update("x", nested); } catch (e) { print(e); }
    try { shared_update("x", waits); } catch (e) { print(e); } return shared_add("x", 1); }
fork_execution(1, copy); print(join_workers());
""",
        ("shared_add: not inside the function of shared_update('x', …), which must only compute\n"
        "fork_execution: not inside the function of shared_update('x', …), which must only compute\n"
        "shared_add: not inside the function of shared_update('x', …), which must only compute\n"
        "barrier_sync: not inside the function of shared_update('x', …), which must only compute\n"
        "[1]\n"),
    ),
    "values that cannot be shared": (
        """
action f(i) { return i; }
action write(v) { try { shared_write("x", v); } catch (e) { print(e); } }
write([f]);
action copy(i) { write(f); return shared_read("x"); }
fork_execution(1, copy); print(join_workers());
""",
        "",
    ),
    "an update holds others off": (
        """
action slow(v) { let s = 0; while (s < 2000) { s = s + 1; } return v + 1; }
action f(i) { let k = 0; while (k < 5) { shared_update("n", slow); k = k + 1; } return shared_read("n") > 4; }
shared_write("n", 0);
fork_execution(4, f); shared_update("n", slow); print(join_workers()); print(shared_read("n"));
""",
        "[True, True, True, True]\n21\n",
    ),
    "the main process waits for a copy": (
        """
action f(i) { let k = 0; while (k < 20000) { k = k + 1; } shared_write("ready", 1); return i; }
fork_execution(2, f);
while (shared_read("ready") == null) { }
print("seen"); print(join_workers());
""",
        "seen\n[0, 1]\n",
    ),
    "a copy waits for the main process": (
        """
action f(i) {
    while (shared_read("go") != i) { }
    shared_add("order", "" + i);
    shared_write("go", i + 1);
    return i;
}
fork_execution(3, f);
shared_write("go", 0);
print(join_workers()); print(shared_read("order"));
""",
        "[0, 1, 2]\n012\n",
    ),
    "in functions that are mapped": (
        """
action f(n) { shared_add("sum", n); return n * 2; }
print(parallel_map(f, [1, 2, 3])); print(shared_read("sum"));
""",
        "[2, 4, 6]\n6\n",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=["interpreter", "compiled"])
def ran(request: pytest.FixtureRequest) -> dict[str, Ran]:
    found = run_all([source for source, _ in PROGRAMS.values()], tier=request.param)
    return dict(zip(PROGRAMS, found, strict=True))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name: str, ran: dict[str, Ran]) -> None:
    assert ran[name].error == ""
    expected = PROGRAMS[name][1]
    if expected:
        assert ran[name].stdout == expected


def test_values_that_cannot_be_shared(ran: dict[str, Ran]) -> None:
    lines = ran["values that cannot be shared"].lines
    assert len(lines) == 3
    assert lines[0].startswith("shared_write: ")
    assert "contains an action; only text, numbers, lists and maps can be shared" in lines[0]
    assert "is an action" in lines[1]
    assert lines[2] == "[None]"


def test_no_update_is_lost() -> None:
    source = """
action increment(i) {
    let k = 0;
    while (k < 10000) { shared_add("n", 1); k = k + 1; }
    return k;
}
fork_execution(8, increment);
let done = join_workers();
print(len(done)); print(shared_read("n"));
"""
    assert run_one(source).stdout == "8\n80000\n"


def test_reading_and_writing_apart_does_lose_updates() -> None:
    # So that the test above means something: without atomic steps the same program is wrong.
    source = """
action increment(i) {
    let k = 0;
    while (k < 1000) { shared_write("n", shared_read("n") + 1); k = k + 1; }
    return k;
}
shared_write("n", 0);
fork_execution(4, increment);
join_workers();
print(shared_read("n") < 4000);
"""
    assert run_one(source).stdout == "true\n"
