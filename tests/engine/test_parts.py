"""Which parts of a container are containers, found without looking at each of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zexus_parallel_plugin.engine.parts import parts_of

_TYPES = frozenset({list, dict, tuple, set, frozenset})
_VALUES = st.recursive(
    st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(max_size=2), st.just(10**400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.integers(), inner, max_size=4),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


@given(st.one_of(st.lists(_VALUES, max_size=6), st.dictionaries(st.text(max_size=1), _VALUES, max_size=5)))
def test_it_finds_what_a_look_at_each_part_finds(value: Any) -> None:
    parts = list(value.values()) if isinstance(value, dict) else value
    found = parts_of(value, _TYPES)
    expected = [part for part in parts if type(part) in _TYPES]
    assert len(found) == len(expected)
    assert all(one is other for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    "value",
    [[1, [2]], [1.5, {}], [True, (1,)], [10**400, 0.5, [3]], [0, None, [1]], [0, "a", {1: 2}], [2, {3}]],
    ids=str,
)
def test_a_container_behind_numbers_is_found(value: list[Any]) -> None:
    assert parts_of(value, _TYPES) == value[-1:]


def test_numbers_alone_have_no_containers() -> None:
    assert parts_of([1, 2.5, 10**400, -0.0], _TYPES) == []
    assert parts_of([], _TYPES) == []
    assert parts_of({"a": 1, "b": 2.5}, _TYPES) == []
