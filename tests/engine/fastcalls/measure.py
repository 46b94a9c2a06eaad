"""Microseconds per call of builtins and methods: the host's way and the direct form. Run it as a script."""

from __future__ import annotations

import sys
from pathlib import Path
from timeit import repeat
from typing import Any

from zexus_parallel_plugin.host import vm as host

sys.path.insert(0, str(Path(__file__).parent.parent))

from fastcalls.calls import direct_builtins, direct_methods, machine
from fastcalls.test_builtins import TYPICAL

METHODS: dict[str, list[Any]] = {
    "push": [[1], 2], "pop": [[1]], "length": [[1, 2]], "contains": [[1, 2], 2], "join": [["a", "b"], "-"],
    "keys": [{"a": 1}], "get": [{"a": 1}, "a"], "set": [{"a": 1}, "a", 2], "has": [{"a": 1}, "a"],
    "upper": ["abc"], "split": ["a b c"], "substring": ["abcdef", 1, 3], "slice": [[1, 2, 3], 1],
    "charAt": ["abc", 1], "replace": ["abc", "b", "x"], "title": ["a b"], "first": [[1]], "sort": [[3, 1, 2]],
}  # fmt: skip


def cost(call: Any, args: list[Any], number: int = 2000) -> float:
    """Best of some repetitions, in microseconds."""
    return min(repeat(lambda: call(*args), number=number, repeat=5)) / number * 1e6


def main() -> None:
    vm = machine()
    forms, methods = direct_builtins(vm), direct_methods(vm)
    empty = cost(lambda *args: None, [])
    print(f"{'':30}{'host':>9}{'direct':>9}  microseconds, of which {empty:.2f} for the measuring")
    for name, cases in TYPICAL.items():
        for args in cases[:1]:
            builtin = vm.builtins[name]
            slow = cost(lambda *a, b=builtin: vm._invoke_callable_sync(b, list(a)), args)
            print(f"{name:30}{slow:9.2f}{cost(forms[name], args):9.2f}")
    for name, args in METHODS.items():
        slow = cost(lambda target, *a, n=name: host.call_method(vm, target, n, list(a)), args)
        print(f".{name:29}{slow:9.2f}{cost(methods[name], args):9.2f}")


if __name__ == "__main__":
    main()
