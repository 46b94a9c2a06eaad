"""The pieces of code that were looked at, and what was decided about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.position import MAP_IP
from zexus_parallel_plugin.runtime.recording.dependences import (
    Piece,
    block_piece,
    call_piece,
    dependences,
    loop_piece,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.runtime.recording.lines import CallLines
    from zexus_parallel_plugin.runtime.sites import Site, Sites
    from zexus_parallel_plugin.runtime.task import Batch

__all__ = ["ChunkEntry", "Chunks"]

TOP = "<main>"
"""Name of the top level among the actions."""


class ChunkEntry:
    """A piece of code: a place where calls are made, or a loop. ``verdict`` is the one of a loop, with its
    reason; that of calls is asked for.
    """

    __slots__ = (
        "calls", "depends", "end_line", "expected", "id", "inside", "line", "linked", "name", "reads", "sent",
        "shown", "verdict", "what", "writes",
    )  # fmt: skip

    def __init__(self, ident: int, what: str, name: str, inside: str, line: int, end_line: int) -> None:
        self.id = ident
        self.what = what
        self.name = name
        self.inside = inside
        self.line = line
        self.end_line = end_line
        self.sent = False
        self.verdict: tuple[str, str] = ("watching", "")
        self.calls = 0
        self.expected = 0
        self.depends: list[tuple[int, str]] = []
        self.linked = True
        self.reads: tuple[str, ...] = ()
        self.writes: tuple[str, ...] = ()
        self.shown: tuple[object, ...] = ()


class Chunks:
    """All of a run. ``sites`` are where decisions are made."""

    def __init__(self, add: Callable[[str, dict[str, Any], float], None], text: str) -> None:
        self._add = add
        self._text = text
        self._found: CallLines | None = None
        self._execution: Execution | None = None
        self._numbers = 0
        self._entries: dict[tuple[int, int], ChunkEntry] = {}
        self._loops: dict[tuple[int, int], ChunkEntry] = {}
        self._codes: dict[int, Code] = {}
        self._pieces: dict[int, dict[int, Piece]] = {}
        self._changed: set[int] = set()
        self.sites: Sites | None = None

    @property
    def _lines(self) -> CallLines:
        """Made at the first use: most programs are short, and have no pieces that are looked at."""
        if self._found is None:
            from zexus_parallel_plugin.runtime.recording.lines import CallLines

            self._found = CallLines(self._text)
        return self._found

    def begin(self, execution: Execution) -> None:
        """A program begins; pieces of the one before it are not looked at any more."""
        self._execution = execution
        self._entries = {}
        self._loops = {}
        self._pieces = {}
        self._codes = {}
        self.sites = None

    def of(self, batch: Batch, code: Code | None) -> ChunkEntry:
        """The piece that a batch belongs to."""
        call = batch.calls[0]
        function = call.function
        key = (id(function["bytecode"]) if code is None else id(code)), call.ip
        entry = self._entry(key, str(function.get("name") or "an action"), code)
        if not entry.sent:
            entry.sent = True
            entry.reads = call.footprint.reads
            entry.writes = tuple(sorted(call.footprint.writes))
        return entry

    def _entry(self, key: tuple[int, int], name: str, code: Code | None) -> ChunkEntry:
        entry = self._entries.get(key)
        if entry is None:
            inside, line, what = "", 0, "call"
            if key[1] == MAP_IP:
                what = "map"
                line = self._lines.find(TOP, "parallel_map")
            elif code is not None:
                inside = "" if code.name == TOP else code.name
                line = self._lines.line(code, key[1])
            entry = self._entries[key] = ChunkEntry(self._next(), what, name, inside, line, line)
            if code is not None and key[1] >= 0:
                self._add_piece(key[0], call_piece(entry.id, code, key[1]))
        return entry

    def _add_piece(self, code: int, piece: Piece) -> None:
        self._pieces.setdefault(code, {})[piece.id] = piece
        self._changed.add(code)

    def _link(self) -> None:
        """Find out what depends on what, where there are new pieces."""
        entries = {entry.id: entry for entry in (*self._entries.values(), *self._loops.values())}
        changed, self._changed = self._changed, set()
        for code in changed:
            for ident, found in dependences(self._pieces[code].values()).items():
                entry = entries[ident]
                if entry.depends != found:
                    entry.depends = found
                    entry.linked = False

    def loop(self, code: Code, head: int) -> ChunkEntry:
        """The piece that a loop is."""
        key = id(code), head
        entry = self._loops.get(key)
        if entry is None:
            inside = "" if code.name == TOP else code.name
            line, end_line = self._lines.loop(code, head)
            name = f"loop in {inside}" if inside else "loop"
            entry = self._loops[key] = ChunkEntry(self._next(), "loop", name, inside, line, end_line)
            self._add_piece(key[0], loop_piece(entry.id, code, head))
        return entry

    def block(self, code: Code, start: int, end: int) -> ChunkEntry:
        """The piece from one instruction to before another one."""
        key = id(code), ~start  # no head of a loop
        entry = self._loops.get(key)
        if entry is None:
            inside = "" if code.name == TOP else code.name
            line, end_line = self._lines.block(code, start, end)
            name = f"block in {inside}" if inside else "block"
            entry = self._loops[key] = ChunkEntry(self._next(), "block", name, inside, line, end_line)
            self._add_piece(key[0], block_piece(entry.id, code, start, end))
        return entry

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def write(self, t: float, *, final: bool = False) -> None:
        """Write what has changed. ``final``: nothing more will be decided, so the rest was done in place."""
        self._find_sites()
        if self._changed:
            self._link()
        for loop in list(self._loops.values()):
            if final and loop.verdict[0] == "watching":
                loop.verdict = "in-place", "undecided"
            now = *loop.verdict, loop.expected
            if loop.shown != now or not loop.linked:
                self._write(loop, *loop.verdict, None, t)
                loop.shown = now
        if self.sites is None:
            return
        for key, site in list(self.sites.table.items()):
            entry = self._entries.get(key)
            if entry is None:  # made meanwhile, by a signal handler
                continue
            verdict, reason = _verdict(site, sent=entry.sent)
            if final and verdict == "watching":
                verdict, reason = "in-place", "undecided"
            seconds = None if site.cost.seconds is None else float(f"{site.cost.seconds:.1g}")
            shown = verdict, reason, seconds, bool(entry.reads or entry.writes)
            if shown != entry.shown or not entry.linked:
                self._write(entry, verdict, reason, site.cost.seconds, t)
                entry.shown = shown

    def _find_sites(self) -> None:
        if self.sites is not None and len(self._entries) < len(self.sites.table):
            for key, site in list(self.sites.table.items()):
                if key not in self._entries:
                    self._entry(key, site.name, self._code(key[0]))

    def _write(self, entry: ChunkEntry, verdict: str, reason: str, seconds: float | None, t: float) -> None:
        fields: dict[str, Any] = {"id": entry.id}
        if not entry.shown:
            fields.update(what=entry.what, name=entry.name, inside=entry.inside, line=entry.line)
            fields["end_line"] = entry.end_line
        fields["verdict"], fields["reason"] = verdict, reason
        if entry.reads or entry.writes:
            fields["reads"], fields["writes"] = list(entry.reads), list(entry.writes)
        if entry.expected:
            fields["expected"] = entry.expected
        if not entry.linked:
            entry.linked = True
            fields["depends"] = [
                {"on": on, "name": name, "type": "raw", "proven": False} for on, name in entry.depends
            ]
        if seconds is not None:
            fields["seconds"] = round(seconds, 6)
        self._add("chunk", fields, t)

    def _code(self, ident: int) -> Code | None:
        code = self._codes.get(ident)
        if code is None and self._execution is not None:
            self._codes = {id(known): known for known in list(self._execution.code)}
            code = self._codes.get(ident)
        return code


def _verdict(site: Site, *, sent: bool) -> tuple[str, str]:
    if site.refusal:
        return "in-place", site.refusal
    if site.skip > 0:
        return "in-place", "cheap"
    return ("parallel", "") if sent else ("watching", "")
