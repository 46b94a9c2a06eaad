"""What forks, barriers and shared variables cost: microseconds of wall time for each operation.

    python benchmarks/cooperation.py [--operations 10000] [--repeat 5]

The best of some runs, since others may be using the machine; `docs/opcodes.md` has those of one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from typing import Any

from zexus.evaluator import Evaluator
from zexus.lexer import Lexer
from zexus.parser import Parser
from zexus.vm.compiler import compile_ast_to_bytecode

from zexus_parallel_plugin.config import ParallelConfig
from zexus_parallel_plugin.host.vm import VMMode
from zexus_parallel_plugin.runtime.machine import ParallelMachine

PROGRAM = """
action plus(v, d) { return v + d; }
action nothing(i) { let k = 0; while (k < TIMES) { k = k + 1; } return k; }
action busy(i) { let k = 0; while (k < TIMES) { STEP; k = k + 1; } return k; }
shared_write("n", 0);
BODY
"""
FORKED = "fork_execution(COPIES, {}); join_workers();"


def seconds(body: str, step: str, copies: int, times: int) -> float:
    """Wall time of one run of the program."""
    source = PROGRAM.replace("BODY", body).replace("STEP", step)
    source = source.replace("TIMES", str(times)).replace("COPIES", str(copies))
    with contextlib.redirect_stdout(io.StringIO()):
        tree = Parser(Lexer(source), "universal", enable_advanced_strategies=True).parse_program()
    machine = ParallelMachine(
        ParallelConfig(worker_count=1, gas_limit="unlimited"), mode=VMMode.AUTO, gas_limit=100_000_000
    )
    machine.builtins.update(Evaluator(use_vm=False).builtins)
    code = compile_ast_to_bytecode(tree)
    begun = time.perf_counter()
    machine.execute(code)
    taken = time.perf_counter() - begun
    machine.close()
    return taken


def best(repeat: int, *arguments: Any) -> float:
    """The shortest of some runs."""
    return min(seconds(*arguments) for _ in range(repeat))


def per_operation(step: str, copies: int, times: int, repeat: int) -> float:
    """Microseconds per operation: a run with the step, less one without."""
    run = FORKED.format("busy") if copies else "busy(0);"
    idle = FORKED.format("nothing") if copies else "nothing(0);"
    with_step = best(repeat, run, step, copies, times)
    without = best(repeat, idle, step, copies, times)
    return (with_step - without) * 1e6 / (times * max(copies, 1))


STEPS = {
    "shared_read": 'let r = shared_read("n")',
    "shared_write": 'shared_write("n", k)',
    "shared_add": 'shared_add("n", 1)',
    "shared_update": 'shared_update("n", plus, 1)',
    "barrier_sync": "barrier_sync(1)",
}


def main() -> None:
    """Print the table as JSON lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    for name, step in STEPS.items():
        for copies in (0, 1, 2, 8):
            if name == "barrier_sync" and not copies:
                continue
            times = given.operations // max(copies, 1)
            microseconds = per_operation(step, copies, times, given.repeat)
            where = f"{copies} copies" if copies else "the program itself"
            print(json.dumps({"operation": name, "where": where, "microseconds": round(microseconds, 1)}))
    for copies in (1, 2, 8, 32):
        taken = best(given.repeat, FORKED.format("nothing"), "k", copies, 1)
        milliseconds = round(taken * 1e3, 1)
        print(
            json.dumps(
                {"operation": "fork and join", "where": f"{copies} copies", "milliseconds": milliseconds}
            )
        )


if __name__ == "__main__":
    main()
