"""Shows a report as text, for a terminal or a file, in 80 columns or whatever there is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from zexus_parallel_plugin.explain.text import Paint, amount, counted, cut, printable
from zexus_parallel_plugin.explain.words import done, lines, needs
from zexus_parallel_plugin.reasons import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zexus_parallel_plugin.explain.model import Chunk, Report, Site, Unit

__all__ = ["render"]

_MARKS = {"parallel": "=", "not legal": "!", "does not pay": ".", "host": "~"}
_RANKS = ("parallel", "not legal", "host", "does not pay")
_COLOURS = {"parallel": "32", "not legal": "33", "does not pay": "2", "host": "35"}
_SAID = {
    "parallel": "parallel", "not legal": "in place: not legal", "does not pay": "in place: does not pay",
    "host": "left to the host",
}  # fmt: skip
_PROCESSES = {
    "worker": "executed by workers, in tasks", "unused": "never called",
    "value": "called as a value, so it is not judged",
}  # fmt: skip


def render(report: Report, *, verbose: int = 0, width: int = 80, paint: Paint | None = None) -> str:
    """The report as text. ``verbose``: 0 for what matters, 1 for everything."""
    return "\n".join(_Renderer(report, verbose, width, paint or Paint()).lines()) + "\n"


class _Renderer:
    def __init__(self, report: Report, verbose: int, width: int, paint: Paint) -> None:
        self.report = report
        self.verbose = verbose
        self.width = max(40, width)
        self.paint = paint
        self._explained: set[str] = set()  # reasons of which the sentence has been given

    def lines(self) -> Iterator[str]:
        """All lines."""
        yield from self._head()
        if self.report.chunks:
            yield ""
            yield from self._listing()
            yield ""
            yield from self._chunks()
            yield from self._graphs()
        yield from self._measured()

    # -- parts

    def _head(self) -> Iterator[str]:
        report = self.report
        name = printable(str(report.path))
        if report.problem:
            said = "the host rejects this program"
            if not report.rejected:
                said = "the host does not execute this as bytecode, so nothing runs in parallel"
            yield from self._wrapped(f"{name}: {said}", "")
            yield from self._wrapped(printable(report.problem), "    ")
            return
        if report.units and not report.chunks:
            yield from self._wrapped(f"{name}: there is nothing in it to execute", "")
        elif report.reason:
            known = reason(report.reason)
            yield from self._wrapped(f"{name}: nothing runs in parallel [{report.reason}]", "")
            yield from self._wrapped(f"{known.sentence} {known.hint}".strip(), "    ")
            if report.reason == "one-worker":
                yield from self._wrapped("Below is what it would be like with more of them.", "    ")
        else:
            count, workers = len(report.parallel), report.workers
            every = sum(len(unit.chunks) for unit in report.units if unit.where == "main")
            said = f"{name}: {counted(count, 'chunk')} of {every} run{'s' if count == 1 else ''}"
            yield from self._wrapped(f"{said} in parallel, on {counted(workers, 'worker')}", "")
            if count:
                yield from self._wrapped(self._gain(), "    ")
        if report.changed:
            yield from self._wrapped("(the host has changed the text; this is what was compiled)", "    ")

    def _gain(self) -> str:
        gain, workers = self.report.gain, self.report.workers
        doubt = (
            "; numbers of iterations that the text does not tell are taken to be 100"
            if self.report.assumed
            else ""
        )
        return f"estimate: {gain:.1f} times as fast as with one worker (at most {workers}{doubt})"

    def _listing(self) -> Iterator[str]:
        marks = self._margin()
        digits = len(str(len(self.report.source)))
        tags = max((len(str(chunk.number)) for _, chunk in marks.items()), default=1) + 1
        for number, text in enumerate(self.report.source, 1):
            chunk = marks.get(number)
            tag = f"#{chunk.number}" if chunk else ""
            mark = _MARKS[chunk.verdict] if chunk else " "
            left = f"{number:>{digits}} {tag:>{tags}} {mark} "
            code = cut(printable(text.expandtabs(4)), self.width - len(left))
            style = _COLOURS[chunk.verdict] if chunk else ""
            yield (self.paint(left, style) + code).rstrip()
        yield ""
        legend = "   ".join(
            f"{_MARKS[verdict]} {said.replace('in place: ', '')}" for verdict, said in _SAID.items()
        )
        yield from self._wrapped(legend, "")

    def _margin(self) -> dict[int, Chunk]:
        """The innermost chunk of each line."""
        found: dict[int, Chunk] = {}
        for unit in self.report.units:
            if unit.where != "main" and not self.verbose:
                continue
            for chunk in unit.chunks:
                for line in chunk.lines:
                    if self._innermost(found.get(line), chunk):
                        found[line] = chunk
        return found

    @staticmethod
    def _innermost(known: Chunk | None, chunk: Chunk) -> bool:
        """Of several that have no other lines, the one that matters most."""
        if known is None or len(chunk.lines) != len(known.lines):
            return known is None or len(chunk.lines) < len(known.lines)
        return _RANKS.index(chunk.verdict) <= _RANKS.index(known.verdict)

    def _chunks(self) -> Iterator[str]:
        for unit in self.report.units:
            by_number = {chunk.number: chunk for chunk in unit.chunks}
            shown = [
                chunk
                for chunk in unit.chunks
                if self._matters(chunk, unit) and not self._is_said(chunk, by_number.get(chunk.parent))
            ]
            title = self._title(unit)
            if not shown and not unit.host:
                if unit.name != "<main>":
                    yield from self._styled(title, "1")
                continue
            yield from self._styled(title, "1")
            for chunk in shown:
                yield from self._chunk(chunk)

    def _title(self, unit: Unit) -> str:
        if unit.name == "<main>":
            name = "top level"
        else:
            name = f"action {printable(unit.name)}, {lines(unit.first, unit.last)}"
        if unit.host:
            return f"{name}: left to the host [{unit.host}]: {reason(unit.host).sentence}"
        note = _PROCESSES.get(unit.where, "")
        if note:
            return f"{name}: {note}"
        return name

    def _matters(self, chunk: Chunk, unit: Unit) -> bool:
        if self.verbose:
            return True
        return unit.where == "main" and (
            chunk.verdict in {"parallel", "not legal", "host"} or chunk.kind == "loop"
        )

    def _is_said(self, chunk: Chunk, around: Chunk | None) -> bool:
        """Whether the loop around says the same: its cause is that of the loops in it."""
        if around is None or self.verbose or chunk.verdict == "parallel" or chunk.measured:
            return False
        said = [(each.verdict, each.reason, each.dependence, each.note) for each in (chunk, around)]
        return said[0] == said[1]

    def _chunk(self, chunk: Chunk) -> Iterator[str]:
        mark = _MARKS[chunk.verdict]
        what = {"loop": "loop", "call": "statement", "code": "code"}[chunk.kind]
        head = f"{mark} #{chunk.number} {lines(chunk.first, chunk.last)}, {what}: {_SAID[chunk.verdict]}"
        if chunk.how == "ranges":
            head += ", ranges of its iterations"
        elif chunk.how == "calls" and chunk.kind == "loop":
            head += ", its calls run ahead"
        elif chunk.how == "beside":
            head += ", beside an earlier loop"
        style = _COLOURS[chunk.verdict] if chunk.verdict != "does not pay" else ""
        yield from self._styled(f"{head} [{chunk.reason}]", style)
        again = chunk.reason in self._explained and chunk.verdict == "does not pay"
        if self.verbose or not (again or chunk.verdict == "parallel"):
            yield from self._wrapped(chunk.sentence, "    ")
        self._explained.add(chunk.reason)
        if chunk.note:
            yield from self._wrapped(chunk.note, "    ")
        if chunk.dependence is not None:
            yield from self._wrapped(self._dependence(chunk), "    ")
        if self.verbose:
            for fact in chunk.facts:
                yield from self._wrapped(fact, "    ")
            about = "about " if chunk.work.assumed else ""
            yield f"    work: {about}{amount(chunk.work.instructions)} instructions"
        for site in self._sites(chunk):
            yield from self._wrapped(self._site(site), "    ")
        for _pc, measured in chunk.measured:
            yield from self._wrapped("measured: " + done(measured), "    ")
        if chunk.hint and (self.verbose or not again):
            yield from self._wrapped("-> " + chunk.hint, "    ")

    def _sites(self, chunk: Chunk) -> list[Site]:
        if self.verbose:
            return chunk.sites
        if chunk.how == "ranges":
            return []
        return [site for site in chunk.sites if site.parallel or chunk.verdict == "parallel"]

    def _site(self, site: Site) -> str:
        call = f"{printable(site.action)}(), line {site.line}"
        if site.parallel:
            return f"{call}: {'in the main process, beside others' if site.first else 'on a worker'}"
        text = f"{call}: in place [{site.reason}]"
        if site.dependence is not None:
            text += f", {needs(site.dependence)}"
        return text

    def _dependence(self, chunk: Chunk) -> str:
        dependence = chunk.dependence
        assert dependence is not None
        if chunk.how == "beside":
            return f"its iterations stay in order: {needs(dependence)}"
        if chunk.verdict == "parallel":
            return f"the rest is executed in place, in order: {needs(dependence)}"
        return needs(dependence)

    def _graphs(self) -> Iterator[str]:
        for unit in self.report.units:
            graph = unit.graph
            if (
                unit.where != "main"
                or len(graph.levels) < 1
                or not any(c.verdict == "parallel" for c in unit.chunks)
            ):
                continue
            name = "top level" if unit.name == "<main>" else f"action {unit.name}"
            yield ""
            yield self.paint(f"graph of {name}", "1")
            for depth, level in enumerate(graph.levels):
                yield from self._wrapped(
                    f"level {depth}: " + " ".join(f"#{number}" for number in level), "    "
                )
            path = " -> ".join(f"#{number}" for number in graph.path)
            share = f"{graph.span / graph.work:.0%}" if graph.work else "0%"
            yield from self._wrapped(f"critical path: {path}, {share} of the work", "    ")
            yield from self._wrapped(f"at most {counted(graph.width, 'chunk')} at the same time", "    ")
            if self.verbose:
                for edge in graph.edges:
                    text = f"#{edge.source} before #{edge.target}: {needs(edge.dependence)}"
                    yield from self._wrapped(text, "    ")

    def _measured(self) -> Iterator[str]:
        found = self.report.measured
        if not found:
            return
        yield ""
        yield self.paint("measured", "1")
        if found["error"]:
            yield from self._wrapped(
                f"the program ended with an error: {printable(str(found['error']))}", "    "
            )
        yield f"    {found['seconds']} s in all, {counted(int(str(found['workers'])), 'worker')}"
        yield (
            f"    the main process worked {found['main_process_seconds']} s, the workers"
            f" {found['worker_seconds']} s"
        )
        yield from self._wrapped(
            f"{found['tasks']} tasks: {found['calls_used']} calls and {found['iterations_used']} iterations"
            f" used, {found['calls_thrown_away']} calls thrown away", "    ",
        )  # fmt: skip
        yield f"    estimate: {found['estimated_gain']} times as fast as with one worker (work done / time)"
        reasons = found["reasons"]
        if isinstance(reasons, dict) and reasons:
            counts = ", ".join(f"{code} {count}" for code, count in reasons.items())
            yield from self._wrapped(f"decisions: {counts}", "    ")
            if not found["workers"] and "short-run" in reasons:
                yield from self._wrapped(f"no worker was started: {reason('short-run').sentence}", "    ")

    def _styled(self, text: str, style: str) -> list[str]:
        return [self.paint(line, style) for line in self._wrapped(text, "")]

    def _wrapped(self, text: str, indent: str) -> list[str]:
        return textwrap.wrap(
            text, self.width, initial_indent=indent, subsequent_indent=indent + "  ", break_long_words=True,
            break_on_hyphens=False,
        )  # fmt: skip
