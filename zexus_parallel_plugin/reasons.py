"""Why something ran where it ran: the registry of reason codes.

Every decision carries one of these codes in the journal, in the metrics and in ``zexus-parallel explain``.
To add a code, add one line to the table; its words are what people read, so write them for the author of a
Zexus program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["REASONS", "Category", "Reason", "reason"]

Category = Literal["run", "code", "task", "pool"]
"""What a code speaks of: the whole run, a piece of code, one task, or the worker processes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        code: short, stable, in lower case with hyphens.
        category: what it speaks of.
        sentence: one sentence that says what happened.
        hint: what the author of the program can do about it; empty if nothing needs to be done.
    """

    code: str
    category: Category
    sentence: str
    hint: str = ""


_TABLE = (
    # The whole run.
    Reason(
        "host-version",
        "run",
        "This version of the host has not been verified, so its own VM runs the program.",
        "Install a verified version of zexus; `zexus-parallel doctor` names them.",
    ),
    Reason(
        "host-mode",
        "run",
        "The program asked for a VM mode or setting of the host that only the host's VM has.",
        "Leave out --vm-mode, --no-optimize and the vm_config file flag.",
    ),
    Reason(
        "host-tracing",
        "run",
        "A tracing or profiling variable of the host is set, so the host's VM runs the program.",
        "Unset ZEXUS_VM_TRACE_* and ZEXUS_VM_PROFILE_*.",
    ),
    Reason("tier-host", "run", "The configuration leaves everything to the host's VM.", "Set tier to auto."),
    Reason("mode-sequential", "run", "The configuration asks for no workers.", "Set mode to hybrid."),
    Reason(
        "one-worker", "run", "There is only one worker, so nothing runs ahead.", "Raise the worker count."
    ),
)

REASONS: dict[str, Reason] = {item.code: item for item in _TABLE}


def reason(code: str) -> Reason:
    """The reason with this code.

    Raises:
        KeyError: there is no such code; it must be added to the table of this module.
    """
    try:
        return REASONS[code]
    except KeyError:
        raise KeyError(f"no reason code {code!r}: add it to zexus_parallel_plugin/reasons.py") from None
