"""The tests inside a suite, and the program that runs them one by one.

A test is an action whose name begins with ``test_`` and that has no parameters. It fails when it raises,
which is what ``require`` is for. A suite may call its tests itself, each on a line of its own, so that
``zexus run`` runs them as well; those that it does not call are run after its end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["PROGRAM", "Suite", "find_tests", "instrumented", "marker"]

PROGRAM = "program"
"""Name of the item that stands for the program as a whole."""

_DEFINITION = re.compile(r"^(?:async\s+)?(?:action|function)\s+(test_\w+)\s*\(\s*\)", re.MULTILINE)
_CALL = re.compile(r"^(test_\w+)\(\s*\)\s*;?[ \t]*(?://.*)?$", re.MULTILINE)
# The names are such that no program has them: callers' variables are visible in everything that is called.
_RUNNER = """
action zxt_run(zxt_name, zxt_action) {{
    print("{mark} begin " + zxt_name);
    try {{
        zxt_action();
        print("{mark} passed " + zxt_name);
    }} catch (zxt_error) {{
        print("{mark} failed " + zxt_name + " " + zxt_error);
    }}
    print("{mark} end " + zxt_name);
}}
"""


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests that a source has, in the order in which they are run, and the lines of their definitions."""

    tests: tuple[str, ...]
    lines: tuple[int, ...]

    def line_of(self, test: str) -> int:
        """Line of the definition of a test, 1 for the program as a whole."""
        return self.lines[self.tests.index(test)] if test in self.tests else 1


def find_tests(source: str) -> Suite:
    r"""The tests of a source.

    >>> find_tests("action test_b() {}\naction test_a() {}\naction other() {}\ntest_a();\n")
    Suite(tests=('test_a', 'test_b'), lines=(2, 1))
    """
    defined = {
        found.group(1): source.count("\n", 0, found.start()) + 1 for found in _DEFINITION.finditer(source)
    }
    called = [found.group(1) for found in _CALL.finditer(source) if found.group(1) in defined]
    order = list(dict.fromkeys([*called, *defined]))
    return Suite(tuple(order), tuple(defined[name] for name in order))


def marker(token: str) -> str:
    """What the lines begin with that are for the runner."""
    return f"#test-{token}"


def instrumented(source: str, token: str, chosen: Collection[str]) -> str:
    """The source with each chosen test run on its own, and the others left out; lines keep their numbers."""
    suite = find_tests(source)
    seen: set[str] = set()

    def guarded(name: str) -> str:
        return f'zxt_run("{name}", {name});' if name in chosen else ""

    def replace(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in suite.tests:
            return found.group()
        again = name in seen
        seen.add(name)
        return "" if again else guarded(name)

    body = _CALL.sub(replace, source)
    rest = [guarded(name) for name in suite.tests if name not in seen and name in chosen]
    return "\n".join([body, *rest]) + _RUNNER.format(mark=marker(token))
