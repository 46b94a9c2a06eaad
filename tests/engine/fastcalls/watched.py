"""Whether a direct form of a builtin has an effect that audit events show; a process of its own."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import random
import sys
from typing import Any

from tests.engine.fastcalls.calls import direct_builtins, machine

WATCHED = ("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "urllib.", "sqlite3.")


def main() -> None:
    """Call every direct form with every sample; an assertion tells of an effect."""
    vm = machine()
    forms = direct_builtins(vm)
    samples: list[list[Any]] = [
        [], [1], [2.5], ["text"], [True], [None], [[3, 1]], [{"a": [1]}], ["a,b", ","], [[1, 2], 0, 1],
        ["abc", 1, 4], [0, 9, 2], [[1], [2]], [{}, 1, 2, 3],
    ]  # fmt: skip
    events: list[str] = []
    watching = False

    def hook(event: str, _args: Any) -> None:
        if watching and event.startswith(WATCHED):
            events.append(event)

    def call_all() -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            for form in forms.values():
                for sample in samples:
                    arguments = copy.deepcopy(sample)
                    form(*arguments)
                    assert arguments == sample
        return out.getvalue()

    call_all()  # the first calls import modules
    sys.addaudithook(hook)

    def state() -> tuple[Any, ...]:
        meter = vm.gas_metering
        return (
            dict(vm.env), dict(vm.builtins), vm._env_version, vm._call_depth, meter.gas_used,
            meter.operation_count, dict(os.environ), random.getstate(),
        )  # fmt: skip

    before = state()
    watching = True
    printed = call_all()
    watching = False
    assert printed == ""
    assert events == []
    assert state() == before
    with contextlib.suppress(OSError):
        watching = True
        open(os.devnull).close()  # noqa: PTH123 - shows that the hook sees such things
        watching = False
    assert events == ["open"]


if __name__ == "__main__":
    main()
