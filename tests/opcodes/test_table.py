"""The page about the opcodes says what the code says."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY
from tests.docs.pages import table
from zexus_parallel_plugin.engine.parallel import HANDLERS
from zexus_parallel_plugin.host.builder import ParallelBytecodeBuilder
from zexus_parallel_plugin.host.compiler_pass import LANGUAGE_FUNCTIONS
from zexus_parallel_plugin.opcodes import OPCODES, ParallelOpcode, parallel_opcode

PAGE = REPOSITORY / "docs" / "opcodes.md"


def test_the_table_of_the_page() -> None:
    rows = []
    for opcode, info in OPCODES.items():
        stack = [", ".join(info.pops), ", ".join(info.pushes)]
        rows.append([str(int(opcode)), info.name, info.operand, *stack, str(info.gas), info.host_name])
    assert table(PAGE, "number") == rows


def test_every_function_has_an_opcode_and_a_chapter() -> None:
    language = (REPOSITORY / "docs" / "language.md").read_text(encoding="utf-8")
    for name, form in LANGUAGE_FUNCTIONS.items():
        assert form.opcode in OPCODES
        assert re.search(rf"^{name}\(", language, re.MULTILINE), name
    documented = {info.function.partition("(")[0] for info in OPCODES.values()}
    assert documented <= LANGUAGE_FUNCTIONS.keys()


def test_every_opcode_has_a_handler_and_a_method_of_the_builder() -> None:
    assert set(HANDLERS) == set(ParallelOpcode) - {ParallelOpcode.PARALLEL_MAP}
    for opcode in ParallelOpcode:
        assert hasattr(ParallelBytecodeBuilder, f"emit_{opcode.name.lower()}")


def test_what_is_one_of_ours() -> None:
    from zexus.vm.bytecode import Opcode

    assert parallel_opcode("SHARED_READ") is ParallelOpcode.SHARED_READ
    assert parallel_opcode(304) is ParallelOpcode.SHARED_READ
    assert parallel_opcode(ParallelOpcode.SHARED_READ) is ParallelOpcode.SHARED_READ
    for other in ("TASK_JOIN", Opcode(304), 299, 306, 300.0, None, True, Opcode.ADD):
        assert parallel_opcode(other) is None


def test_the_program_of_the_page() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})
