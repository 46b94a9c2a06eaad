"""fork_execution, join_workers, barrier_sync: real processes, grouped output, errors, no hangs."""

from __future__ import annotations

import pytest

from .running import Ran, run_all, run_one

# name -> program, what it prints
PROGRAMS: dict[str, tuple[str, str]] = {
    "results in order, text grouped at the join": (
        """
let base = 100;
action work(i) { print("copy " + i); let k = 0; while (k < (3 - i) * 3000) { k = k + 1; }
    print("end " + i); return base + i; }
fork_execution(3, work);
print("main goes on");
print(join_workers());
print(base);
""",
        "main goes on\ncopy 0\nend 0\ncopy 1\nend 1\ncopy 2\nend 2\n[100, 101, 102]\n100\n",
    ),
    "an action without parameters": (
        'action hello() { print("hello"); return "x"; } fork_execution(2, hello); print(join_workers());',
        "hello\nhello\n['x', 'x']\n",
    ),
    "the snapshot is that of the fork": (
        """
let xs = [1, 2];
let alias = xs;
let n = 1;
action look(i) { xs.push(i); n = n + 1; return [xs, alias, n]; }
fork_execution(2, look);
xs.push(9); n = 50;
print(join_workers());
print(xs); print(n);
""",
        "[[[1, 2, 0], [1, 2, 0], 2], [[1, 2, 1], [1, 2, 1], 2]]\n[1, 2, 9]\n50\n",
    ),
    "variables of calling actions are visible": (
        """
action show(i) { return local + i; }
action inner() { fork_execution(2, show); return join_workers(); }
action outer() { let local = 40; return inner(); }
print(outer());
""",
        "[40, 41]\n",
    ),
    "in a loop, in an action, in try": (
        """
action f(i) { return i * 10 + round; }
action rounds() {
    let all = [];
    let round = 0;
    while (round < 3) {
        try { fork_execution(2, f); all.push(join_workers()); } catch (e) { print(e); }
        round = round + 1;
    }
    return all;
}
print(rounds());
""",
        "[[0, 10], [1, 11], [2, 12]]\n",
    ),
    "more copies than cores, all at once": (
        """
action meet(i) { barrier_sync("all"); return i; }
fork_execution(12, meet); print(len(join_workers()));
""",
        "12\n",
    ),
    "a barrier again and again": (
        """
action step(i) {
    let k = 0;
    while (k < 20) {
        shared_add("sum", 1);
        barrier_sync(7);
        if (shared_read("sum") < (k + 1) * 3) { return "early"; }
        barrier_sync(8); k = k + 1; }
    return shared_read("sum");
}
fork_execution(3, step); print(join_workers());
""",
        "[60, 60, 60]\n",
    ),
    "a barrier that not everybody reaches": (
        """
action f(i) {
    if (i == 1) { return "gone"; }
    try { barrier_sync("b"); } catch (e) { return e; }
    return "met";
}
fork_execution(3, f); print(join_workers());
""",
        ("[\"barrier_sync('b'): copy 1 has returned, so the 3 copies cannot meet\", 'gone',"
        " \"barrier_sync('b'): copy 1 has returned, so the 3 copies cannot meet\"]\n"),
    ),
    "copies at different barriers": (
        """
action f(i) { try { barrier_sync(i); } catch (e) { return e; } return "met"; }
fork_execution(2, f); print(join_workers()[0]);
""",
        "barrier_sync(0): the copies wait at different barriers (0, 1)\n",
    ),
    "an error in a copy breaks the barrier and names the copy": (
        """
action f(i) { if (i == 2) { print("before"); let z = 1 / 0; } barrier_sync(1); return i; }
try { fork_execution(3, f); join_workers(); } catch (e) { print(e); }
print("on");
""",
        "before\njoin_workers: copy 2 of 3 failed: Division by zero (2 more failed)\non\n",
    ),
    "a copy that raises a text": (
        """
action f(i) { require(i < 1, "too big"); return i; }
try { fork_execution(2, f); join_workers(); } catch (e) { print(e); }
""",
        "join_workers: copy 1 of 2 failed: Requirement failed: too big\n",
    ),
    "an overdue copy is killed, named, and what it printed is shown": (
        """
action f(i) { print("at " + i); if (i == 1) { sleep(3600); } return i; }
try { fork_execution(3, f); join_workers(0.3); } catch (e) { print(e); }
action g(i) { return 1; }
fork_execution(1, g); print(join_workers());
""",
        "at 0\nat 1\nat 2\njoin_workers: copy 1 of 3 was still running after 0.3 s; it was killed\n[1]\n",
    ),
    "several overdue copies": (
        """
action f(i) { if (i > 0) { sleep(3600); } return i; }
try { fork_execution(3, f); join_workers(0.2); } catch (e) { print(e); }
""",
        "join_workers: copies 1, 2 of 3 were still running after 0.2 s; they were killed\n",
    ),
    "join without a fork, twice": (
        """
action f(i) { return i; }
try { join_workers(); } catch (e) { print(e); }
fork_execution(1, f); print(join_workers());
try { join_workers(1); } catch (e) { print(e); }
""",
        ("join_workers: there are no copies to wait for; call fork_execution first\n[0]\n"
        "join_workers: there are no copies to wait for; call fork_execution first\n"),
    ),
    "forks in copies and twice in a row": (
        """
action f(i) {
    try { fork_execution(2, f); } catch (e) { print(e); }
    try { join_workers(); } catch (e) { print(e); }
    return i;
}
fork_execution(1, f);
try { fork_execution(1, f); } catch (e) { print(e); }
print(join_workers());
""",
        ("fork_execution: the copies of the last fork have not been joined; call join_workers() first\n"
        "fork_execution: copy 0 of a fork cannot fork again; fork in the program itself\n"
        "join_workers: copy 0 of a fork has no copies of its own to wait for\n[0]\n"),
    ),
    "a barrier outside": (
        'action f() { try { barrier_sync("x"); } catch (e) { print(e); } } f();',
        "barrier_sync(x): only the copies of fork_execution can wait for each other\n",
    ),
    "wrong arguments": (
        """
action f(i) { return i; }
try { fork_execution(0, f); } catch (e) { print(e); }
try { fork_execution("2", f); } catch (e) { print(e); }
try { fork_execution(2, "f"); } catch (e) { print(e); }
try { fork_execution(65, f); } catch (e) { print(e); }
try { fork_execution(2); } catch (e) { print(e); }
try { join_workers(0 - 1); } catch (e) { print(e); }
try { join_workers("soon"); } catch (e) { print(e); }
try { barrier_sync(); } catch (e) { print(e); }
try { barrier_sync([1]); } catch (e) { print(e); }
try { shared_read(5); } catch (e) { print(e); }
try { shared_write("x"); } catch (e) { print(e); }
try { shared_update("x", 5); } catch (e) { print(e); }
""",
        ("fork_execution(n, function): n must be a whole number of at least 1, not 0\n"
        "fork_execution(n, function): n must be a whole number of at least 1, not 2\n"
        "fork_execution(n, function): f is not an action\n"
        "fork_execution: 65 copies are more than the setting max_forks allows (64)\n"
        "fork_execution(n, function) was called with 1 argument\n"
        "join_workers(timeout): the timeout must be seconds of at least 0, not -1\n"
        "join_workers(timeout): the timeout must be seconds of at least 0, not soon\n"
        "barrier_sync(id) was called with 0 arguments\n"
        "barrier_sync(id): the id must be a number or text, not [1]\n"
        "shared_read(name): the name must be text, not 5\n"
        "shared_write(name, value) was called with 1 argument\n"
        "shared_update(name, function): 5 is not a function\n"),
    ),
    "values that cannot be sent": (
        """
entity Point { x: integer }
let point = Point;
let others = [1, Point];
action avoids(i) { return i; }
action own(i) { point = i; return point; }
action returns(i) { return avoids; }
action uses(i) { return point + 1; }
action asks(i) { if (point) { return 1; } return 2; }
action prints(i) { print(point); return 1; }
action calls(i) { return point.x; }
action counts(i) { return len(others); }
action gives(i) { return point; }
action tries(i) { try { return point + 1; } catch (e) { return "caught"; } }
action main() {
    let all = [avoids, own, returns, uses, asks, prints, calls, counts, gives, tries];
    for each f in all {
        try { fork_execution(1, f); print(join_workers()); } catch (e) { print(e); }
    }
}
main();
""",
        "",  # see below
    ),
    "parallel_map inside a copy": (
        """
action sq(x) { return x * x; }
action f(i) { return parallel_map(sq, [i, i + 1]); }
fork_execution(2, f); print(join_workers());
""",
        "[[0, 1], [1, 4]]\n",
    ),
    "results of all kinds": (
        """
action f(i) {
    if (i == 0) { return {"a": [1, 2.5, null, true]}; }
    if (i == 1) { return "text"; }
    return null;
}
fork_execution(3, f); print(join_workers());
""",
        "[{'a': [1, 2.5, None, True]}, 'text', None]\n",
    ),
    "the value of a call of fork_execution": (
        'action f(i) { return i; } let v = fork_execution(1, f); print(v == null); print(join_workers());',
        "true\n[0]\n",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=("interpreter", "compiled"))
def ran(request: pytest.FixtureRequest) -> dict[str, Ran]:
    found = run_all([source for source, _ in PROGRAMS.values()], tier=request.param)
    return dict(zip(PROGRAMS, found, strict=True))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(name: str, ran: dict[str, Ran]) -> None:
    assert ran[name].error == ""
    expected = PROGRAMS[name][1]
    if expected:
        assert ran[name].stdout == expected


def test_values_that_cannot_be_sent(ran: dict[str, Ran]) -> None:
    avoids, own, returns, *uses, gives, tries = ran["values that cannot be sent"].lines
    assert (avoids, own, tries) == ("[0]", "[0]", "['caught']")
    assert returns.startswith("join_workers: copy 0 of 1 returned a value that cannot be sent: ")
    assert returns.endswith(" is an action")
    assert len(uses) == 5
    for line, name in zip(uses, ["point"] * 4 + ["others"], strict=True):
        assert line.startswith(
            f"join_workers: copy 0 of 1 failed: the variable {name} was not sent to this copy"
        )
        assert line.endswith("neither text, number, list nor map")
    assert gives.startswith(
        "join_workers: copy 0 of 1 returned a value that cannot be sent: the variable point"
    )


def test_gas_of_copies_counts() -> None:
    source = "action f(i) { let k = 0; while (k < 100) { k = k + 1; } return i; } "
    one, four = run_all([source + f"fork_execution({n}, f); join_workers();" for n in (1, 4)])
    alone = run_one(source + "f(0);")
    assert (four.gas - one.gas) % 3 == 0
    assert alone.gas * 2.5 < four.gas - one.gas < alone.gas * 3.5
    assert four.operations > 4 * 400


@pytest.mark.parametrize("start_method", ["template", "forkserver", "spawn"])
def test_every_start_method(start_method: str) -> None:
    source, expected = PROGRAMS["a barrier that not everybody reaches"]
    assert run_one(source, start_method=start_method).stdout == expected


def test_copies_that_are_not_joined_are_ended() -> None:
    endless = "action f(i) { sleep(3600); return i; } fork_execution(3, f); print(1);"
    found = run_one(endless)
    assert (found.stdout, found.error) == ("1\n", "")
    assert found.reasons["not-joined"] == 3
