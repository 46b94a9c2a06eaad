"""Frames: whose variable a name is, and the two caches that programs can observe."""

from __future__ import annotations

import pytest

from zexus_parallel_plugin.engine.frame import CallerNames, Frame

from .programs import assert_same


def chain(*envs: dict[str, object]) -> list[Frame]:
    """Frames that call each other, the outermost first."""
    frames: list[Frame] = []
    for depth, env in enumerate(envs):
        frames.append(Frame(env, frames[-1] if frames else None, depth))
    return frames


def test_a_name_is_looked_for_in_the_callers() -> None:
    root, middle, inner = chain({"a": 1, "b": 2}, {"b": 3}, {"c": 4})
    assert [inner.load(name) for name in "abcd"] == [1, 3, 4, None]
    assert [middle.load(name) for name in "abc"] == [1, 3, None]
    assert list(inner.chain()) == [inner, middle, root]


def test_none_is_a_value() -> None:
    _root, inner = chain({"a": 1}, {"a": None})
    assert inner.load("a") is None


def test_a_store_goes_to_the_nearest_owner() -> None:
    root, middle, inner = chain({"a": 1, "b": 2}, {"b": 3}, {})
    inner.store("a", 10)
    inner.store("b", 20)
    inner.store("new", 30)
    assert root.env == {"a": 10, "b": 2}
    assert middle.env == {"b": 20}
    assert inner.env == {"new": 30}


def test_every_store_ends_the_caches_of_who_stores_and_who_owns() -> None:
    root, middle, inner = chain({"a": 1}, {}, {})
    inner.store("a", 2)
    assert [frame.version for frame in (root, middle, inner)] == [1, 0, 1]
    inner.store("own", 2)
    inner.store("own", 3)
    assert [frame.version for frame in (root, middle, inner)] == [1, 0, 3]


def test_who_wrote_a_callers_variable_keeps_seeing_that_until_the_next_store() -> None:
    root, inner = chain({"a": 1}, {})
    inner.store("a", 2)
    root.env["a"] = 3  # as a callee of the inner frame would do
    assert inner.load("a") == 2
    inner.store("b", 0)
    assert inner.load("a") == 3


def test_only_the_latest_store_is_remembered() -> None:
    root, inner = chain({"a": 1, "b": 1}, {})
    inner.store("a", 2)
    inner.store("b", 2)
    root.env.update(a=3, b=3)
    assert (inner.load("a"), inner.load("b")) == (3, 2)


def test_a_variable_of_its_own_is_never_stale() -> None:
    _root, inner = chain({"a": 1}, {})
    inner.store("a", 2)
    inner.env["a"] = 5
    assert inner.load("a") == 5


def test_a_function_stays_looked_up_until_the_next_store() -> None:
    root, inner = chain({"f": "old"}, {})
    assert inner.function("f", {}) == "old"
    root.env["f"] = "new"
    assert inner.function("f", {}) == "old"
    inner.store("x", 1)
    assert inner.function("f", {}) == "new"


def test_that_a_name_has_no_function_is_remembered_too() -> None:
    root, inner = chain({}, {})
    assert inner.function("f", {}) is None
    root.env["f"] = "new"
    assert inner.function("f", {}) is None
    inner.store("x", 1)
    assert inner.function("f", {}) == "new"


def test_builtins_come_first() -> None:
    (root,) = chain({"f": "mine", "g": "mine"})
    assert root.function("f", {"f": "builtin", "g": None}) == "builtin"
    assert root.function("g", {"f": "builtin", "g": None}) == "mine"


def test_caller_names_are_a_mapping_over_the_chain() -> None:
    _root, inner = chain({"a": 1, "b": 2}, {"b": 3})
    names = CallerNames(inner)
    assert ("a" in names, "b" in names, "c" in names) == (True, True, False)
    assert (names["a"], names["b"]) == (1, 3)
    with pytest.raises(KeyError, match="c"):
        names["c"]


def test_caller_names_write_to_the_owner_and_end_its_caches() -> None:
    root, inner = chain({"a": 1}, {})
    names = CallerNames(inner)
    names["a"] = 5
    names["new"] = 6
    assert (root.env, inner.env) == ({"a": 5}, {"new": 6})
    assert (root.version, inner.version) == (1, 1)


PROGRAMS = {
    "dynamic scoping": """
        action inner() { return x; }
        action outer() { let x = 5; return inner(); }
        print(outer()); let x = 1; print(outer()); print(inner()); print(x);
    """,
    "the nearest caller": """
        action set() { x = x + 1; }
        action outer(x) { set(); set(); return x; }
        let r = outer(10); let x = 1; set(); let s = outer(20); print(r, s, x);
    """,
    "a new variable is local": """
        action f() { fresh = 1; return fresh; }
        print(f()); print(fresh);
    """,
    "a stale name": """
        let x = 1;
        action set() { x = 99; }
        action reader() { x = 2; set(); let seen = x; let again = x; return [seen, again, x]; }
        print(reader()); print(x);
    """,
    "a stale name in the middle": """
        action set() { x = 99; }
        action reader() { x = 2; set(); let a = x; let b = x; return [a, b]; }
        action outer() { let x = 5; let r = reader(); return [r, x]; }
        print(outer());
    """,
    "a stale name is not passed on": """
        let x = 1;
        action set() { x = 99; }
        action get() { return x; }
        action reader() { x = 2; set(); return [x, get(), x]; }
        print(reader());
    """,
    "a stale name by recursion": """
        let x = 0;
        action down(n) { x = n; if (n > 0) { down(n - 1); } return x; }
        let t = []; t.push(down(3)); t.push(x); print(t);
    """,
    "two stale names": """
        let x = 1; let y = 1;
        action set() { x = 9; y = 9; }
        action reader() { x = 2; y = 3; set(); return [x, y, x, y]; }
        print(reader());
    """,
    "a function bound anew": """
        action rebind() { action g() { return 2; } g = 5; return 0; }
        action g() { return 1; }
        action user() { let a = g(); rebind(); let b = g(); return [a, b, g()]; }
        print(user());
    """,
    "a function bound anew behind the cache": """
        action one() { return 1; }
        action two() { return 2; }
        let g = one;
        action rebind() { g = two; }
        action user() { let t = []; t.push(g()); rebind(); t.push(g()); let z = 0; t.push(g()); return t; }
        print(user());
    """,
    "a function that is not there yet": """
        action define() { late = known; }
        action known() { return 7; }
        let late = null;
        action user() { let t = []; t.push(late()); define(); t.push(late()); let z = 0;
        t.push(late()); return t; }
        print(user());
    """,
    "a parameter for a function": """
        action g() { return 1; }
        action user(g) { return g(); }
        action h() { return 2; }
        print(user(h)); print(user(3)); print(g());
    """,
    "missing arguments are free names": """
        action f(a, b) { b = b + 1; return a + b; }
        let b = 10; print(f(1)); print(b); print(f(1, 2)); print(b);
    """,
    "temporaries of loops are shared": """
        action f() { for each y in [1, 2, 3] { print(y); } return 0; }
        for each x in [1, 2] { f(); print(x); }
        print(__idx_1);
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_see_what_they_see_on_the_host(name: str) -> None:
    assert_same(PROGRAMS[name])
