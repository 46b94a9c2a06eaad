"""The program's text with what is known about its lines in the margin."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from zexus_parallel_plugin.monitor.figures import count, duration
from zexus_parallel_plugin.monitor.ink import Ink, Line, Look, Tone, width
from zexus_parallel_plugin.monitor.tables import VERDICT_TONES

if TYPE_CHECKING:
    from zexus_parallel_plugin.journal.pieces import ChunkInfo
    from zexus_parallel_plugin.monitor.watch import Watch

__all__ = ["chunks_by_line", "source_lines"]

_MARGIN = 34


def chunks_by_line(watch: Watch) -> dict[int, list[ChunkInfo]]:
    """The chunks that begin in each line."""
    found: dict[int, list[ChunkInfo]] = defaultdict(list)
    for chunk in watch.state.chunks.values():
        if chunk.line > 0:
            found[chunk.line].append(chunk)
    return found


def source_lines(
    watch: Watch, look: Look, room: int, *, around: tuple[int, int] | None = None, context: int = 3
) -> list[Line]:
    """The lines of the program, all of them or those ``around`` a first and a last one, which are marked."""
    source = watch.state.source
    if source is None or not source.lines:
        return [[Ink("the journal does not have the text of the program", "dim")]]
    first, last = 1, len(source.lines)
    marked: range | tuple[()] = ()
    if around is not None:
        low, high = around[0], max(around[0], around[1])
        first, last = max(1, low - context), min(last, high + context)
        marked = range(low, high + 1)
    chunks = chunks_by_line(watch)
    digits = len(str(last))
    margin = min(_MARGIN, room * 2 // 5) if room >= 56 else 0
    whole = max(8, room - digits - 4)
    lines: list[Line] = []
    for number in range(first, last + 1):
        text = look.clean(source.lines[number - 1].expandtabs(4))
        here = number in marked
        inks = [
            Ink(f"{look.cursor if here else ' '}{number:>{digits}} ", "mark" if here else "dim"),
            Ink(f"{look.bar} ", _verdict_tone(chunks.get(number))),
        ]
        noted = margin > 0 and number in chunks
        text_room = max(8, whole - margin - 1) if noted else whole
        inks.append(Ink(look.fit(text, text_room), "strong" if here else _text_tone(text)))
        if noted:
            note, tone = _note(chunks[number], look, margin)
            inks += [Ink(" "), Ink(look.fit(note, margin), tone)]
        lines.append(inks)
    if source.cut and last == len(source.lines):
        lines.append([Ink(f"{look.more} the journal has no more of the text", "dim")])
    return lines


def _verdict_tone(chunks: list[ChunkInfo] | None) -> Tone:
    return VERDICT_TONES.get(chunks[0].verdict, "dim") if chunks else "dim"


def _text_tone(text: str) -> Tone:
    return "dim" if text.lstrip().startswith(("//", "#")) else "text"


def _note(chunks: list[ChunkInfo], look: Look, room: int) -> tuple[str, Tone]:
    """What became of the chunks of a line: how many calls were used, and their time if there is room for it;
    or why none were.
    """
    best = max(chunks, key=lambda chunk: (chunk.verdict == "parallel", chunk.busy))
    others = f" +{len(chunks) - 1}" if len(chunks) > 1 else ""
    used, busy = sum(chunk.committed for chunk in chunks), sum(chunk.busy for chunk in chunks)
    if used or busy:
        text = f"#{best.id}{others} {best.verdict}  {look.times}{count(used)}"
        time = f"  {duration(busy)}"
        text += time if width(text + time) <= room else ""
    else:
        text = f"#{best.id}{others} {best.verdict}{': ' if best.reason else ''}{best.reason}"
    return look.clean(text), VERDICT_TONES.get(best.verdict, "text")
