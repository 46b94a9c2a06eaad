"""What one run of a program did, and how two runs differ."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

VALUE = "value"
TIMEOUT = "timeout"
CRASH = "crash"
NOT_RUN = ("fallback", "rejected", "flagged")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything rule 3 of the design compares, as text and numbers.

    ``kind`` is ``value``, the class name of the exception that left the VM, ``timeout``, ``crash``, or the
    state of a compilation that does not reach the VM; ``text`` is the exception's text or the reason.
    ``stderr`` and ``notes``, what the backend counted, are kept for reading and never compared.
    ``leftovers`` is 1 if processes were still alive some time after the run.
    """

    kind: str
    text: str = ""
    value: str = ""
    stdout: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    gas_used: int = 0
    operation_count: int = 0
    gas_by_operation: Mapping[str, int] = field(default_factory=dict)
    operation_counts: Mapping[str, int] = field(default_factory=dict)
    leftovers: int = 0
    stderr: str = field(default="", compare=False)
    notes: Mapping[str, int] = field(default_factory=dict, compare=False)
    seconds: float = field(default=0.0, compare=False)

    @property
    def reached_vm(self) -> bool:
        """Whether the program was compiled and its run came to an end, by a value or by an exception."""
        return self.kind not in (TIMEOUT, CRASH, *NOT_RUN)


PROFILE_FIELDS = ("gas_by_operation", "operation_counts")


def differences(
    host: Outcome, other: Outcome, *, ignore: Collection[str] = (), profile: bool = False
) -> list[str]:
    """One readable line for each compared field in which ``other`` is not what the host did.

    The meter's tables per operation are no part of what the backend promises: only with ``profile``.
    """
    if not profile:
        ignore = {*ignore, *PROFILE_FIELDS}
    found: list[str] = []
    for name in ("kind", "text", "value", "gas_used", "operation_count", "leftovers"):
        left, right = getattr(host, name), getattr(other, name)
        if name not in ignore and left != right:
            found.append(f"{name}: host {left!r}, backend {right!r}")
    if "stdout" not in ignore and host.stdout != other.stdout:
        found.append("stdout: " + _text_difference(host.stdout, other.stdout))
    for name in ("env", *PROFILE_FIELDS):
        if name not in ignore:
            found.extend(_mapping_differences(name, getattr(host, name), getattr(other, name)))
    if found and other.stderr and other.kind in {CRASH, TIMEOUT}:
        found.append("stderr of the backend: " + other.stderr[-2500:])
    return found


def _text_difference(host: str, other: str) -> str:
    before, after = host.splitlines(), other.splitlines()
    lines = list(difflib.unified_diff(before, after, "host", "backend", lineterm="", n=1))
    if not lines:
        return f"line ends differ: host {host[-40:]!r}, backend {other[-40:]!r}"
    return "\n    ".join(line[:300] for line in lines[:14])


def _mapping_differences(
    field_name: str, host: Mapping[str, object], other: Mapping[str, object]
) -> list[str]:
    missing = "<absent>"
    found = []
    for key in sorted(host.keys() | other.keys()):
        left, right = host.get(key, missing), other.get(key, missing)
        if left != right:
            found.append(f"{field_name}[{key}]: host {str(left)[:300]}, backend {str(right)[:300]}")
    return found
