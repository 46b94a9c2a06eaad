"""Every program of the corpus does on the backend what it does on the bare host."""

from __future__ import annotations

import ast
import functools
import inspect
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zexus.vm.compiler

from .corpus import CORPUS, HOST_GAS_LIMIT, Program, folders, gas_points, programs
from .harness import (
    COMPILED,
    CONFIGURATIONS,
    Configuration,
    compile_program,
    missing_backend,
    missing_setting,
)
from .judge import Judge
from .outcome import NOT_RUN, Outcome, differences
from .process import HOST, PARALLEL, cli_differences, run_cli

needs_backend = pytest.mark.skipif(missing_backend() is not None, reason=str(missing_backend()))

# The host's compiler has two methods for property access, the first of which (GET_ATTR) is never used.
UNREACHABLE = {"GET_ATTR"}

# The others differ from these in when they run ahead, which is hunted for with generated programs.
COMPARED = [c for c in CONFIGURATIONS if c.name in {"interpreter", "compiled", "two-workers", "patient"}]
# All about one theme in one process of the tests: what the host does is remembered there.
THEMES = [pytest.param(folder, marks=pytest.mark.xdist_group(f"corpus {folder}")) for folder in folders()]

# Full comparison under small gas limits for the two tiers; the others share their code.
GAS_POINTS = {"interpreter": 1, "compiled": 1}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus in a directory of its own: the host writes caches next to modules."""
    target = tmp_path_factory.mktemp("corpus") / "corpus"
    shutil.copytree(CORPUS, target)
    return target


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge() as one:
        yield one


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Judge, Judge]]:
    """Warm processes of the bare host, to which the plugin does not attach, and of ours."""
    home = {"HOME": str(tmp_path_factory.mktemp("home"))}
    with Judge(environment={**home, "ZEXUS_PARALLEL_DISABLE": "1"}) as bare, Judge(environment=home) as ours:
        yield bare, ours


@pytest.fixture(scope="module")
def host(judge: Judge, copy: Path) -> Any:
    """The bare host's outcome of a program, remembered."""

    @functools.cache
    def run(program: Program, gas_limit: int = 0) -> Outcome:
        limit = gas_limit or program.gas_limits[0]
        return judge.host(program.source, gas_limit=limit, path=str(copy / program.name))

    return run


def members(folder: str) -> list[Program]:
    return [program for program in programs() if program.folder == folder]


def some(found: list[Program], of: int) -> list[Program]:
    """One program in ``of``, and the first: enough where others compare the rest in another way."""
    chosen = [program for program in found if zlib.crc32(program.name.encode()) % of == 0]
    return chosen or found[:1]


def test_the_corpus_is_large() -> None:
    assert len(programs()) >= 170


def test_every_program_says_what_it_covers() -> None:
    def says(program: Program) -> bool:
        first = next(line for line in program.source.splitlines() if "@zexus" not in line)
        return first.startswith("// ") and len(first) > 20

    assert [program.name for program in programs() if not says(program)] == []


def test_the_corpus_covers_every_opcode_that_the_compiler_emits() -> None:
    tree = ast.parse(inspect.getsource(zexus.vm.compiler))
    emitted = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Opcode"
    }
    emitted.add("GET_LENGTH")  # the one that the compiler writes as a string
    covered: set[str] = set()
    for program in programs():
        compilation = compile_program(program.source, program.name)
        if compilation.state == COMPILED:
            covered |= _operations(compilation.bytecode)
    assert covered == emitted - UNREACHABLE


def _operations(bytecode: Any) -> set[str]:
    found = {getattr(instruction[0], "name", instruction[0]) for instruction in bytecode.instructions}
    for constant in bytecode.constants:
        if isinstance(constant, dict) and "bytecode" in constant:
            found |= _operations(constant["bytecode"])
    return found


@pytest.mark.parametrize("folder", THEMES)
def test_programs_reach_the_vm_or_not_as_their_folder_says(folder: str, host: Any) -> None:
    def state(program: Program) -> str:
        kind = host(program).kind
        return kind if kind in NOT_RUN else COMPILED

    wrong = {p.name: host(p).text for p in members(folder) if state(p) != p.expected_state}
    assert wrong == {}


@pytest.mark.parametrize("folder", THEMES)
def test_the_host_itself_is_deterministic(folder: str, host: Any, judge: Judge, copy: Path) -> None:
    report = []
    for program in some(members(folder), of=3):
        limit = program.gas_limits[0]
        again = judge.host(program.source, gas_limit=limit, path=str(copy / program.name))
        report += [f"{program.name}: {line}" for line in differences(host(program), again)]
    assert not report, "\n" + "\n".join(report[:40])


@needs_backend
@pytest.mark.parametrize("folder", THEMES)
@pytest.mark.parametrize("configuration", COMPARED, ids=lambda configuration: configuration.name)
def test_in_process(configuration: Configuration, folder: str, host: Any, judge: Judge, copy: Path) -> None:
    if reason := missing_setting(configuration):
        pytest.skip(reason)
    report = []
    programs_of_theme = members(folder)
    if configuration.name == "two-workers":
        programs_of_theme = some(programs_of_theme, of=2)  # the patient ones let workers do more
    for program in programs_of_theme:
        expected = host(program)
        if not expected.reached_vm:
            continue
        points = gas_points(expected.gas_used, GAS_POINTS.get(configuration.name, 0))
        for limit in [*program.gas_limits, *points]:
            path = str(copy / program.name)
            found = judge.configured(program.source, configuration, gas_limit=limit, path=path)
            lines = differences(host(program, limit), found, ignore=configuration.ignore)
            report += [f"{program.name} with gas limit {limit}: {line}" for line in lines]
    assert not report, "\n" + "\n".join(report[:40])


@needs_backend
def test_the_engine_really_runs_the_programs_and_workers_their_calls(judge: Judge, copy: Path) -> None:
    """A backend that left everything to the host would pass every comparison."""
    notes = {}
    patient = next(configuration for configuration in CONFIGURATIONS if configuration.patient)
    if reason := missing_setting(patient):
        pytest.skip(reason)
    for program in members("parallel"):
        path = str(copy / program.name)
        found = judge.configured(program.source, patient, gas_limit=HOST_GAS_LIMIT, path=path)
        notes[program.name] = found.notes
    assert [name for name, counted in notes.items() if counted["left_to_host"]] == []
    used = [n["calls_committed"] + n["iterations_committed"] + n["chunks_committed"] for n in notes.values()]
    assert sum(count > 0 for count in used) >= len(notes) // 2, notes


@needs_backend
@pytest.mark.slow
@pytest.mark.parametrize("folder", THEMES)
def test_the_command(folder: str, commands: tuple[Judge, Judge], copy: Path) -> None:
    """What ``zexus run`` writes, its own lines included, and its exit code."""
    bare, ours = commands
    report = []
    for program in some(members(folder), of=2):
        if program.ends:
            results = bare.command(program.name, HOST, copy), ours.command(program.name, PARALLEL, copy)
            report += [f"{program.name}: {line}" for line in cli_differences(*results)]
    assert not report, "\n" + "\n".join(report[:40])


@needs_backend
@pytest.mark.slow
@pytest.mark.parametrize("folder", THEMES)
def test_whole_process(folder: str, copy: Path, tmp_path: Path) -> None:
    """The same with processes from start to end, for the first program of each theme."""
    report = []
    for program in [program for program in members(folder) if program.ends][:1]:
        results = [run_cli(program.name, backend, cwd=copy, home=tmp_path) for backend in (HOST, PARALLEL)]
        report += [f"{program.name}: {line}" for line in cli_differences(*results)]
    assert not report, "\n" + "\n".join(report[:40])
