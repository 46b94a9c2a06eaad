"""Makes the report on a program."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from zexus_parallel_plugin.analysis.chunks import legal_cuts
from zexus_parallel_plugin.analysis.cost import ASSUMED_TRIPS, Costs, Estimate
from zexus_parallel_plugin.engine import isa
from zexus_parallel_plugin.explain import graph, words
from zexus_parallel_plugin.explain.model import Chunk, Dependence, Graph, Report, Site, Unit, Verdict
from zexus_parallel_plugin.explain.verdicts import SECONDS_PER_INSTRUCTION, CallVerdict, Verdicts
from zexus_parallel_plugin.opcodes import ParallelOpcode

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.loops import LoopPlan
    from zexus_parallel_plugin.analysis.program import UnitView
    from zexus_parallel_plugin.explain.subject import Subject
    from zexus_parallel_plugin.host.listing import Spot

__all__ = ["report"]

_SHORT = round(0.02 / SECONDS_PER_INSTRUCTION)
"""Instructions below which a loop is not worth starting workers: 20 ms of them, as `runtime.loops` has it."""

_UNPAYABLE = frozenset(
    {"cheap", "inside-worker", "length-unknown", "loop-short", "no-calls", "nothing-ahead"}
)


def report(subject: Subject) -> Report:
    """Say what of a program would run in parallel, and why the rest would not."""
    made = Report(subject.path, subject.source, subject.config.worker_count, subject.reason)
    original = subject.path.read_text(encoding="utf-8", errors="replace").splitlines()
    made.changed = bool(subject.listing.source) and original != subject.source
    if subject.listing.bytecode is None:
        made.problem = words.problem(subject.listing)
        return made
    if subject.view is None:
        return made
    _Builder(subject, made).build()
    graph.estimate(made)
    return made


class _Builder:
    """Makes units and their chunks."""

    def __init__(self, subject: Subject, made: Report) -> None:
        assert subject.view is not None
        self.subject = subject
        self.view = subject.view
        self.report = made
        self.verdicts = Verdicts(subject)
        self.costs = Costs(subject.view)
        self.numbers = 0
        self.places = self._first_lines()

    def build(self) -> None:
        """All units: the top-level code first, then the actions in the order of their lines."""
        units = sorted(self.view.units, key=lambda unit: (not unit.main, self.places.get(id(unit), 0)))
        where = self._where(units)
        for unit in units:
            self.report.units.append(self._unit(unit, where[id(unit)]))

    def _first_lines(self) -> dict[int, int]:
        """Lines on which actions are defined."""
        found: dict[int, int] = {}
        by_code = {id(unit.code.bytecode): unit for unit in self.view.units}
        for unit in self.view.units:
            for (op, operand, _gas), spot in zip(
                unit.code.instructions, self.subject.spots(unit.code), strict=False
            ):
                if op == isa.STORE_FUNC and id(operand[1].get("bytecode")) in by_code:
                    found[id(by_code[id(operand[1]["bytecode"])])] = spot.first
        return found

    def _where(self, units: list[UnitView]) -> dict[int, str]:
        """Which processes execute activations of each unit."""
        found = {id(unit): "unused" for unit in units}
        work = [(units[0], "main")]
        for unit in units:
            if unit.function in self.view.names.taken:
                found[id(unit)] = "value"
        while work:
            unit, process = work.pop()
            known = found[id(unit)]
            if known in {process, "main"}:
                continue
            found[id(unit)] = process
            verdicts = self.verdicts.calls(unit)
            ranges = self._ranges(unit)
            for pc, verdict in verdicts.items():
                callee = self.view.unit(verdict.call.name)
                if callee is not None:
                    sent = (verdict.parallel and not verdict.first) or any(
                        first <= pc < end for first, end in ranges
                    )
                    work.append((callee, "worker" if sent or process == "worker" else "main"))
            for pc, (op, _operand, _gas) in enumerate(unit.code.instructions):
                if op == isa.PARALLEL_MAP:
                    name, reason = self.verdicts.parallel_map(unit, pc)
                    callee = self.view.unit(name) if name else None
                    if callee is not None:
                        work.append((callee, "worker" if reason == "parallel-calls" else process))
        return found

    def _ranges(self, unit: UnitView) -> list[tuple[int, int]]:
        """Loops whose ranges go to workers."""
        return [
            (plan.head, plan.end) for plan in unit.plans.values() if self.verdicts.ranges(unit, plan).parallel
        ]

    # -- units

    def _unit(self, unit: UnitView, where: str) -> Unit:
        spots = self.subject.spots(unit.code)
        lines = [spot.line for spot in spots if spot.line]
        first = 1 if unit.main else self.places.get(id(unit), min(lines, default=0))
        empty = Graph((), (), (), 0, 0)
        last = max(lines, default=first)
        made = Unit(unit.name, first, last if unit.main else self.closing(first, last), [], empty, where)
        if unit.facts is None:
            made.host = "host-only-code" if unit.code.refusal else "scout-unverified"
            return made
        if self.report.reason and self.report.reason != "one-worker":
            return made
        made.chunks = _UnitBuilder(self, unit, spots, where).chunks()
        made.graph = graph.of_unit(unit, made.chunks, spots, self.report.workers)
        return made

    def closing(self, first: int, last: int) -> int:
        """The line with the brace that closes a block which begins at one line and goes on to another one."""
        source = self.report.source
        indent = _indent(source[first - 1])
        for number in range(last + 1, len(source) + 1):
            text = source[number - 1]
            if not text.strip():
                continue
            if not text.strip().startswith("}") or _indent(text) < indent:
                break
            last = number
        return last

    def next_number(self) -> int:
        """The id of the next chunk."""
        self.numbers += 1
        return self.numbers


class _UnitBuilder:
    """Makes the chunks of one code object."""

    def __init__(self, parent: _Builder, unit: UnitView, spots: list[Spot], where: str) -> None:
        self.parent = parent
        self.unit = unit
        self.spots = spots
        self.where = where
        self.calls = parent.verdicts.calls(unit)
        self.maps = [
            pc for pc, (op, _operand, _gas) in enumerate(unit.code.instructions) if op == isa.PARALLEL_MAP
        ]
        self.found: list[Chunk] = []

    def chunks(self) -> list[Chunk]:
        """Chunks in the order of the program; loops inside another chunk follow it."""
        plain: tuple[int, int] | None = None
        for first, end in self._statements():
            busy = (
                self._loops(first, end)
                or any(
                    first <= pc < end and (verdict.call.heavy or verdict.call.reason)
                    for pc, verdict in self.calls.items()
                )
                or any(first <= pc < end for pc in self.maps)
                or any(map(self._forks, range(first, end)))
            )
            if not busy:
                plain = (plain[0], end) if plain else (first, end)
                continue
            if plain:
                self._statement(*plain)
                plain = None
            self._statement(first, end)
        if plain:
            self._statement(*plain)
        return self.found

    def _statements(self) -> list[tuple[int, int]]:
        """Ranges of instructions of the statements that are in no other one."""
        instructions = self.unit.code.instructions
        size = len(instructions)
        if not self.unit.main and [op for op, _operand, _gas in instructions[-2:]] == [
            isa.LOAD_CONST,
            isa.RETURN,
        ]:
            size -= 2  # what the host puts at the end of every action
        merged: list[tuple[int, int]] = []
        for first, end in pairwise(legal_cuts(self.unit.code)):
            if first >= size or not any(spot.statement for spot in self.spots[first:end]):
                continue  # not of the program's text
            if all(op in {isa.STORE_FUNC, isa.NOP} for op, _operand, _gas in instructions[first:end]):
                continue
            same = merged and self.spots[first].statement == self.spots[merged[-1][1] - 1].statement
            if same or (merged and self.spots[first].statement == self.spots[merged[-1][0]].statement):
                merged[-1] = merged[-1][0], min(end, size)
            else:
                merged.append((first, min(end, size)))
        return merged

    def _loops(self, first: int, end: int, parent: LoopPlan | None = None) -> list[LoopPlan]:
        """The outermost loops between two instructions, or directly inside a loop."""
        inside = sorted(
            (p for p in self.unit.plans.values() if first <= p.head and p.end <= end and p is not parent),
            key=lambda plan: plan.head,
        )
        found: list[LoopPlan] = []
        for plan in inside:
            if not found or plan.head >= found[-1].end:
                found.append(plan)
        return found

    # -- one chunk

    def _statement(self, first: int, end: int) -> None:
        loops = self._loops(first, end)
        statement = self.spots[first].statement
        if len(loops) == 1 and self.spots[loops[0].head].statement == statement:
            self._loop(loops[0], first, 0)
            return
        chunk = self._code(first, end)
        self.found.append(chunk)
        for plan in loops:
            self._loop(plan, plan.head, chunk.number)

    def _loop(self, plan: LoopPlan, first: int, parent: int) -> None:
        verdict, reason, how, dependence = self._judge_loop(plan)
        chunk = self._chunk("loop", (first, plan.end), parent, verdict, reason, how, dependence)
        chunk.facts = words.loop_facts(plan)
        if verdict == "not legal" and dependence is None:
            chunk.note = words.assigned(self.parent.verdicts.ranges(self.unit, plan).name)
        if reason == "writes-caller-variable":
            written = (
                v.through for pc, v in self.calls.items() if plan.head <= pc < plan.end and v.reason == reason
            )
            chunk.note = words.assigned(next(written, ""))
        chunk.prints = plan.prints
        self.found.append(chunk)
        if how != "ranges":
            for inner in self._loops(plan.head, plan.end, plan):
                self._loop(inner, inner.head, chunk.number)

    def _judge_loop(self, plan: LoopPlan) -> tuple[Verdict, str, str, Dependence | None]:
        inside = [v for pc, v in self.calls.items() if plan.head <= pc < plan.end]
        heavy = [verdict for verdict in inside if verdict.call.heavy]
        ranges = self.parent.verdicts.ranges(self.unit, plan)
        work = self.parent.costs.of_loop(self.unit, plan.head)
        if self.where == "worker":
            return "does not pay", "inside-worker", "", None
        if ranges.parallel and (copied := self._copied(plan)):
            return "not legal", "loop-changes-object", "", copied
        if ranges.parallel:
            if work.instructions < _SHORT and not (heavy and work.assumed) and not self._has_open_loop(plan):
                return "does not pay", "length-unknown" if work.assumed else "loop-short", "", None
            return "parallel", "parallel-ranges", "ranges", None
        if any(verdict.parallel for verdict in heavy):
            return "parallel", "parallel-calls", "calls", self._loop_dependence(plan, ranges.name)
        if heavy and plan.against in {"", heavy[0].reason}:
            first = heavy[0]
            return _verdict(first.reason), first.reason, "", self._call_dependence(first)
        if not work.assumed and work.instructions < _SHORT and not heavy:
            return "does not pay", "loop-short", "", None
        reason = plan.against if plan.against and not _known(ranges.reason) else ranges.reason
        if plan.against and reason.startswith("loop-"):
            reason = plan.against
        return _verdict(reason), reason, "", self._loop_dependence(plan, ranges.name)

    def _copied(self, plan: LoopPlan) -> Dependence | None:
        """A list or map that the loop adds to and reads under another name, which the run time finds out."""
        instructions = self.unit.code.instructions
        facts = self.unit.facts
        assert facts is not None
        same: dict[str, set[str]] = {}
        for pc in range(plan.head):
            op, name, _gas = instructions[pc]
            made = facts.operands.only(pc, 0) if op == isa.STORE_NAME else -1
            if made < 0:
                continue
            same.pop(name, None)
            if instructions[made][0] == isa.LOAD_NAME:
                other = instructions[made][1]
                group = same.setdefault(other, {other})
                group.add(name)
                same[name] = group
        for accumulator in plan.accumulators:
            read = same.get(accumulator.name, set()) & plan.reads
            if accumulator.in_place and read:
                reader = next(pc for pc in facts.loads[min(read)] if plan.head <= pc < plan.end)
                return Dependence(
                    "RAW", accumulator.name, self._line(accumulator.updates[0]), self._line(reader),
                    proven=False, next_iteration=True,
                )  # fmt: skip
        return None

    def _has_open_loop(self, plan: LoopPlan) -> bool:
        """Whether there is a loop in it whose iterations the text does not tell."""
        inside = (other for other in self.unit.plans.values() if plan.head < other.head < plan.end)
        return any(other.trips < 0 for other in inside)

    def _code(self, first: int, end: int) -> Chunk:
        inside = [v for pc, v in sorted(self.calls.items()) if first <= pc < end]
        inside = [v for v in inside if not self._in_inner_loop(v.call.pc, first, end)]
        mapped = [self.parent.verdicts.parallel_map(self.unit, pc) for pc in self.maps if first <= pc < end]
        forks = any(self._forks(pc) for pc in range(first, end))
        kind = "call" if inside or mapped or forks else "code"
        verdict, reason, how, dependence = self._judge_code(inside, mapped)
        if forks and verdict != "parallel":
            verdict, reason, how, dependence = "parallel", "parallel-forks", "forks", None
        chunk = self._chunk(
            "call" if kind == "call" else "code", (first, end), 0, verdict, reason, how, dependence
        )
        if reason == "writes-caller-variable":
            chunk.note = words.assigned(next((v.through for v in inside if v.reason == reason), ""))
        chunk.prints = any(op == isa.PRINT for op, _operand, _gas in self.unit.code.instructions[first:end])
        return chunk

    def _forks(self, pc: int) -> bool:
        op, operand, _gas = self.unit.code.instructions[pc]
        return op == isa.RARE and operand[0].name == ParallelOpcode.FORK_EXECUTION.name

    def _in_inner_loop(self, pc: int, first: int, end: int) -> bool:
        return any(first <= plan.head <= pc < plan.end <= end for plan in self.unit.plans.values())

    def _judge_code(
        self, inside: list[CallVerdict], mapped: list[tuple[str, str]]
    ) -> tuple[Verdict, str, str, Dependence | None]:
        if self.where == "worker":
            return "does not pay", "inside-worker", "", None
        if any(verdict.parallel for verdict in inside) or any(r == "parallel-calls" for _n, r in mapped):
            return "parallel", "parallel-calls", "calls", None
        if mapped:
            return _verdict(mapped[0][1]), mapped[0][1], "", None
        telling = [v for v in inside if v.call.heavy] or [v for v in inside if v.reason != "cheap"]
        if telling:
            first = telling[0]
            return _verdict(first.reason), first.reason, "", self._call_dependence(first)
        return "does not pay", "cheap" if inside else "no-calls", "", None

    def _chunk(
        self, kind: str, span: tuple[int, int], parent: int, verdict: Verdict, reason: str, how: str,
        dependence: Dependence | None,
    ) -> Chunk:  # fmt: skip
        lines = self._lines(kind, *span)
        sites = [self._site(v) for pc, v in sorted(self.calls.items()) if span[0] <= pc < span[1]]
        assert kind in {"loop", "call", "code"}
        return Chunk(
            number=self.parent.next_number(),
            unit=self.unit.name,
            parent=parent,
            kind=kind,  # type: ignore[arg-type]  # asserted above
            first=min(lines, default=0),
            last=max(lines, default=0),
            lines=lines,
            span=span,
            verdict=verdict,
            reason=reason,
            how=how,
            dependence=dependence,
            facts=[],
            sites=sites,
            work=self._work(span),
        )

    def _work(self, span: tuple[int, int]) -> Estimate:
        total = self.parent.costs.of_range(self.unit, *span)
        for pc in self.maps:
            if span[0] <= pc < span[1]:
                name, _reason = self.parent.verdicts.parallel_map(self.unit, pc)
                calls = self.parent.costs.of_call(name) if name else Estimate(0)
                total = total.plus(calls.times(ASSUMED_TRIPS, assumed=True))
        return total

    def _lines(self, kind: str, first: int, end: int) -> frozenset[int]:
        """Lines of a range of instructions; of a loop all lines, closing braces among them."""
        lines = sorted({spot.line for spot in self.spots[first:end] if spot.line})
        if not lines:
            return frozenset()
        found = set(lines)
        closing = self.parent.closing(lines[0], lines[-1])
        if kind == "loop":
            found.update(range(lines[0], closing + 1))
        elif lines[0] != lines[-1]:
            found.update(range(lines[-1], closing + 1))
        source = self.parent.report.source
        for before, after in pairwise(lines):
            if all(_is_filling(source[number - 1]) for number in range(before + 1, after)):
                found.update(range(before, after))
        return frozenset(found)

    # -- dependences

    def _site(self, verdict: CallVerdict) -> Site:
        return Site(
            line=self._line(verdict.call.pc),
            action=verdict.call.name,
            parallel=verdict.parallel,
            reason=verdict.reason,
            dependence=self._call_dependence(verdict),
            work=self.parent.costs.of_call(verdict.call.name),
            first=verdict.first,
        )

    def _line(self, pc: int) -> int:
        return self.spots[pc].line if 0 <= pc < len(self.spots) else 0

    def _call_dependence(self, verdict: CallVerdict) -> Dependence | None:
        if verdict.because < 0 or verdict.because == verdict.call.pc:
            return None
        behind = verdict.because > verdict.call.pc
        return Dependence(
            "RAW", verdict.through, self._line(verdict.because), self._line(verdict.call.pc),
            proven=verdict.reason != "changed-containers", next_iteration=behind,
        )  # fmt: skip

    def _loop_dependence(self, plan: LoopPlan, name: str) -> Dependence | None:
        chosen = plan.blocker
        if name:
            chosen = next((each for each in plan.carried if each.name == name), chosen)
        if chosen is None:
            return None
        return Dependence(
            chosen.kind, chosen.name, self._line(chosen.source), self._line(chosen.target), chosen.proven,
            next_iteration=chosen.kind != "control",
        )  # fmt: skip


def _is_filling(text: str) -> bool:
    """Whether a line has nothing but the end of a block, a comment, or nothing at all."""
    text = text.strip()
    return not text or text.startswith(("}", "//", "#"))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _known(reason: str) -> bool:
    from zexus_parallel_plugin.reasons import REASONS

    return reason in REASONS


def _verdict(reason: str) -> Verdict:
    if reason in {"host-only-code", "scout-unverified"}:
        return "host"
    return "does not pay" if reason in _UNPAYABLE else "not legal"
