"""The host's bytecode objects and its enumeration of opcodes."""

from __future__ import annotations

from typing import Any

from zexus.vm import bytecode as _bytecode

Bytecode: Any = _bytecode.Bytecode
Opcode: Any = _bytecode.Opcode

__all__ = ["Bytecode", "Opcode"]
