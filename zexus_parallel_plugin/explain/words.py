"""Sentences about findings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zexus_parallel_plugin.explain.text import printable

if TYPE_CHECKING:
    from zexus_parallel_plugin.analysis.plan import LoopPlan
    from zexus_parallel_plugin.explain.model import Dependence, Measured
    from zexus_parallel_plugin.host.listing import Listing

__all__ = ["advice", "assigned", "done", "lines", "loop_facts", "needs", "problem"]

_KINDS = {
    "fold": "a total",
    "list": "a list",
    "store": "a map or list",
    "extreme": "a greatest or least value",
}


def loop_facts(plan: LoopPlan) -> list[str]:
    """How a loop counts, and what it accumulates."""
    facts = []
    iteration = plan.iteration
    if iteration is not None:
        names = ", ".join(iteration.variables) or iteration.index
        count = f"{plan.trips:,} iterations" if plan.trips >= 0 else "as often as it turns out"
        facts.append(f"counts {names}: {count}")
    return facts + [f"only adds to {each.name}, {_KINDS[each.kind]}" for each in plan.accumulators]


def lines(first: int, last: int) -> str:
    """A line, or several."""
    return f"line {first}" if first == last else f"lines {first}-{last}"


def needs(dependence: Dependence) -> str:
    """A dependence in words, with both places."""
    name = printable(dependence.name) if dependence.name and not dependence.name.startswith("<") else ""
    source, target = f"line {dependence.source}", f"line {dependence.target}"
    doubt = "" if dependence.proven else " (assumed)"
    later = " of the next iteration" if dependence.next_iteration else ""
    if dependence.kind == "control":
        return f"{target}{later} is only reached if {source} goes on{doubt}"
    if dependence.kind == "order":
        return f"output and effects keep their order: {source}, then {target}"
    what = name or "its result"
    if dependence.kind == "RAW":
        return f"{what} of {source} is needed in {target}{later}{doubt}"
    if dependence.kind == "WAR":
        return f"{what} is read in {source} before {target}{later} changes it{doubt}"
    return f"{what} is changed in {source} and again in {target}{later}{doubt}"


def done(measured: Measured) -> str:
    """What a run has done with a call or loop."""
    one, more = ("iteration", "iterations") if measured.loop else ("call", "calls")
    if measured.whole:
        one, more = "execution as a whole", "executions as a whole"
    if not measured.sent:
        return f"in place [{measured.refusal}]" if measured.refusal else "in place"
    mean = measured.seconds / measured.used * 1000 if measured.used else 0.0
    what = one if measured.sent == 1 else more
    text = f"{measured.sent:,} {what} sent, {measured.used:,} used, {mean:.3g} ms each"
    if measured.thrown:
        text += "; not used: " + ", ".join(f"{code} {count}" for code, count in measured.thrown.items())
    if measured.refusal and not measured.whole:
        text += f"; then in place [{measured.refusal}]"
    return text


_OF_LOOPS = ("__iter_", "__idx_")
"""Variables that the host's compiler makes for loops begin so."""


def advice(name: str) -> str:
    """What to do about a variable that an action assigns, too, where it is not the program's own."""
    return (
        "Write the loop with `while`, in the action or in its caller." if name.startswith(_OF_LOOPS) else ""
    )


def assigned(name: str) -> str:
    """What the variable is that an action assigns although its caller has it, too."""
    if name.startswith(_OF_LOOPS):
        return f"The variable is {name}: `for each` keeps its list and its place in variables like others."
    return f"The variable is {name}." if name else ""


def problem(listing: Listing) -> str:
    """Why the host does not execute a program as bytecode."""
    if not listing.rejected:
        return listing.failure
    lines = [line.strip() for line in listing.said.splitlines()]
    lines = [line for line in lines if line and not _QUOTED.match(line)]
    begin = next(
        (i for i, line in enumerate(lines) if "❌" in line or "rror" in line), max(0, len(lines) - 1)
    )
    said: list[str] = []
    for line in lines[begin : begin + 4]:
        if "ParseError" in line and any("ParseError" in other for other in said):
            break  # the first one is enough
        said.append(line.removeprefix("❌ ").removeprefix("💡 "))
    return " ".join(said) or "the host ended without a word"


_QUOTED = re.compile(r"\d+ \||\^$")
"""Lines in which the host quotes the program, and those below that point into them."""
