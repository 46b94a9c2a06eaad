"""The dependences as a picture."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zexus_parallel_plugin.journal.pieces import ChunkInfo
from zexus_parallel_plugin.monitor.graph import lay_out
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE


def chunks(**needs: list[Any]) -> dict[int, ChunkInfo]:
    found = {}
    for name, on in needs.items():
        chunk = found[int(name[1:])] = ChunkInfo(int(name[1:]))
        chunk.busy = 1.0
        chunk.depends = [
            {"on": one, "name": "x", "type": "raw"} if isinstance(one, int) else one for one in on
        ]
    return found


def picture(**needs: list[Any]) -> list[str]:
    return [f"{node.rails.rstrip()} {node.chunk.id}" for node in lay_out(chunks(**needs), UNICODE).nodes]


def test_pictures() -> None:
    assert picture(c1=[], c2=[1], c3=[2]) == ["● 1", "╰─● 2", "  ╰─● 3"]
    assert picture(c1=[], c2=[], c3=[1, 2]) == ["● 1", "│ ● 2", "╰─┴─● 3"]
    assert picture(c1=[], c2=[1], c3=[1], c4=[2, 3]) == ["● 1", "├─● 2", "╰─┼─● 3", "  ╰─┴─● 4"]
    assert picture(c1=[], c2=[]) == ["● 1", "● 2"]
    assert picture(c1=[2], c2=[]) == ["● 2", "╰─● 1"]
    assert lay_out({}, UNICODE).nodes == ()


def test_levels_and_the_longest_chain() -> None:
    graph = lay_out(chunks(c1=[], c2=[1], c3=[2], c4=[]), ASCII)
    assert (graph.levels, graph.width, graph.critical) == (3, 2, 3.0)
    assert {node.chunk.id for node in graph.nodes if node.critical} == {1, 2, 3}
    assert "".join(node.rails for node in graph.nodes).isascii()


def test_what_a_journal_says_wrongly_is_left_out() -> None:
    assert picture(c1=[9, 1, "text", {"on": "1"}, {"on": [1]}, {}], c2=[1, 1]) == ["● 1", "╰─● 2"]


@given(st.lists(st.lists(st.integers(0, 12), max_size=5), max_size=12))
def test_any_graph_can_be_drawn(needs: list[list[int]]) -> None:
    found = chunks(**{f"c{number}": on for number, on in enumerate(needs)})
    graph = lay_out(found, UNICODE)
    assert {node.chunk.id for node in graph.nodes} == set(found)
    assert all(node.rails.count("●") == 1 for node in graph.nodes)
    place = {node.chunk.id: index for index, node in enumerate(graph.nodes)}
    has_circle = any(place[edge.on] > place[node.chunk.id] for node in graph.nodes for edge in node.edges)
    if not has_circle:
        for node in graph.nodes:
            assert all(edge.on in found for edge in node.edges)
