"""Code objects of small programs, and their structure as short text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.engine.programs import compiled, machine
from zexus_parallel_plugin.engine.code import Code, prepare
from zexus_parallel_plugin.engine.compiler.control import If, Leave, LeaveIf, Loop, Return, Try

VM = machine()


def action_code(source: str, name: str = "f") -> Code:
    """The prepared code of an action of a program."""
    for value in compiled(source).constants:
        if type(value) is dict and value.get("name") == name:
            return prepare(VM, value["bytecode"], name)
    raise AssertionError(f"no action {name}")


def body_code(body: str, params: str = "a, b") -> Code:
    """The prepared code of an action with a body."""
    return action_code(f"action f({params}) {{ {body} }} print(1);")


def by_hand(*instructions: Any) -> Code:
    """Code of numbers ``op`` or ``(op, operand)``, each instruction at a gas of its own."""
    pairs = (i if isinstance(i, tuple) else (i, None) for i in instructions)
    prepared = tuple((op, operand, 1 + index % 5) for index, (op, operand) in enumerate(pairs))
    return Code("by hand", None, instructions=prepared)


def shape(nodes: Sequence[Any]) -> str:
    """Structure without the straight-line instructions."""
    found = []
    for node in nodes:
        if isinstance(node, If):
            found.append(f"if({shape(node.taken)}|{shape(node.other)})")
        elif isinstance(node, Loop):
            found.append(f"loop({shape(node.body)})")
        elif isinstance(node, Try):
            found.append(f"try({shape(node.body)})")
        elif isinstance(node, (Leave, LeaveIf)):
            found.append(node.kind + ("?" if isinstance(node, LeaveIf) else ""))
        elif isinstance(node, Return):
            found.append("return")
    return " ".join(found)
