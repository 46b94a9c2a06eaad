"""Names of the host's rules in generated code."""

from __future__ import annotations

from typing import Final

from zexus_parallel_plugin.engine import isa

RULES: Final = {
    isa.ADD: "ADD", isa.SUB: "SUB", isa.MUL: "MUL", isa.DIV: "DIV", isa.MOD: "MOD", isa.POW: "POW",
    isa.LT: "LT",
    isa.GT: "GT", isa.LTE: "LTE", isa.GTE: "GTE", isa.EQ: "EQ", isa.NEQ: "NEQ", isa.AND: "AND", isa.OR: "OR",
}  # fmt: skip
"""Names under which generated code finds the host's rules for each operator."""
