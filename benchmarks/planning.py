"""How long the analysis of a generated program takes, by its size. It should grow with the size.

python benchmarks/planning.py [instructions ...]
"""

from __future__ import annotations

import contextlib
import io
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from zexus.lexer import Lexer
from zexus.parser import Parser
from zexus.vm.compiler import compile_ast_to_bytecode
from zexus.vm.vm import VM

from zexus_parallel_plugin.analysis.aliases import AliasClasses
from zexus_parallel_plugin.analysis.chunks import chunks
from zexus_parallel_plugin.analysis.dependences import accesses, dependences
from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.analysis.program import ProgramView
from zexus_parallel_plugin.engine.code import CodeCache
from zexus_parallel_plugin.host.builtins import standard_builtins

SIZES = (1_000, 10_000, 100_000)
PIECE = """
action work_{0}(n) {{ let wk_{0} = 0; while (wk_{0} < n) {{ wk_{0} = wk_{0} + 1; }} return wk_{0}; }}
let a_{0} = work_{0}({1});
let b_{0} = a_{2} + 1;
let list_{0} = [];
for i in range(100) {{
    if (i % 3 == 0) {{ list_{0} = push(list_{0}, work_{0}(i)); }}
    total = total + i * b_{0};
}}
let map_{0} = {{}};
for each x in list_{0} {{
    for j in range(10) {{ map_{0}[j] = x * j; }}
}}
print(total + a_{0});
if (total > 10) {{ let c_{0} = work_{0}(total); }} else {{ print(list_{2}); }}
"""


def program(pieces: int, seed: int = 1) -> str:
    """A program with that many pieces of about 170 instructions, each using results of an earlier one."""
    chance = random.Random(seed)
    text = "let total = 0;\nlet a_0 = 1;\nlet list_0 = [];\n"
    return text + "".join(
        PIECE.format(number, chance.randrange(100), chance.randrange(number))
        for number in range(1, pieces + 1)
    )


def compiled(source: str) -> object:
    with contextlib.redirect_stdout(io.StringIO()):
        parser = Parser(Lexer(source), "universal", enable_advanced_strategies=True)
        return compile_ast_to_bytecode(parser.parse_program(), optimize=True)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print(f"{'instructions':>12} {'loops':>6} {'chunks':>7} {'edges':>7} {'prepare s':>10} {'plan s':>8}")
    for size in sizes:
        bytecode = repeated(size)
        vm = VM()
        vm.builtins.update(standard_builtins())
        cache = CodeCache(vm)
        started = time.process_time()
        prepared = [cache.get(code) for code in all_code(bytecode)]
        middle = time.process_time()
        view = ProgramView(cache, bytecode, {}, vm.builtins, PURE_BUILTINS)
        edges, pieces = 0, 0
        for unit in view.units:
            if unit.facts is not None:
                found = chunks(unit.code)
                pieces += len(found)
                aliases = AliasClasses(unit.facts)
                touched = accesses(unit.facts, aliases, [(chunk.first, chunk.end) for chunk in found])
                edges += len(dependences(touched, aliases))
        ended = time.process_time()
        count = sum(len(code.instructions) for code in prepared)
        loops = sum(len(unit.plans) for unit in view.units)
        times = f"{middle - started:>10.2f} {ended - middle:>8.2f}"
        print(f"{count:>12,} {loops:>6,} {pieces:>7,} {edges:>7,} {times}")


def repeated(instructions: int) -> object:
    """Bytecode of about that many instructions. The host's parser is quadratic, so large programs are put
    together from the code of smaller ones, whose variables are given other names.
    """
    from zexus.vm.bytecode import Bytecode

    piece = compiled(program(5))
    size = sum(len(code.instructions) for code in all_code(piece))
    result = Bytecode([], [])
    for number in range(max(1, round(instructions / size))):
        _append(result, piece, f"_{number}")
    return result


def _append(result: object, piece: object, suffix: str) -> None:
    first, base = len(result.constants), len(result.instructions)
    result.constants += [_renamed(constant, suffix) for constant in piece.constants]
    for opcode, operand in piece.instructions:
        name = getattr(opcode, "name", opcode)
        moved = operand
        if name.startswith("JUMP") or name == "SETUP_TRY":
            moved = operand + base
        elif name in {"LOAD_CONST", "LOAD_NAME", "STORE_NAME"}:
            moved = operand + first
        elif name == "STORE_FUNC":
            moved = operand[0] + first, operand[1] + first
        elif name in {"CALL_NAME", "CALL_METHOD"}:
            moved = operand[0] + first, operand[1]
        result.instructions.append((opcode, moved))


def _renamed(constant: object, suffix: str) -> object:
    from zexus.vm.bytecode import Bytecode

    if isinstance(constant, str) and "_" in constant and not constant.startswith("__"):
        return constant + suffix
    if isinstance(constant, dict) and "bytecode" in constant:
        code = constant["bytecode"]
        inside = Bytecode(list(code.instructions), [_renamed(each, suffix) for each in code.constants])
        return {**constant, "bytecode": inside, "name": constant["name"] + suffix}
    return constant


def all_code(bytecode: object) -> list[object]:
    found, work = [], [bytecode]
    while work:
        code = work.pop()
        found.append(code)
        work += [c["bytecode"] for c in code.constants if isinstance(c, dict) and "bytecode" in c]
    return found


if __name__ == "__main__":
    main()
