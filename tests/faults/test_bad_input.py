"""Whatever is wrong with a command line, a file or a variable: one line names it, nothing is left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from zexus_parallel_plugin.config import settings

from .commands import Command, Ended, run_all, tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = "print(6 * 7);\n"
LONG = "x" * 300  # longer than a name may be


@dataclass(frozen=True)
class Case:
    """A command line, what its directory has, and what its one line must say."""

    name: str
    words: tuple[str, ...]
    says: tuple[str, ...] = ()
    files: tuple[tuple[str, bytes | None], ...] = ()  # None: a directory
    env: tuple[tuple[str, str], ...] = ()
    code: int = 2


def options() -> Iterator[Case]:
    """A wrong value for every setting, as an option, as a variable and in the file."""
    wrong = {"flag": "perhaps", "path": ""}
    for setting in settings():
        if setting.kind.is_flag:
            given = "--perhaps"
            words = ("run", f"{setting.option}=perhaps", "good.zx")
            yield Case(f"option {setting.option}", words, (setting.option,))
        else:
            given = wrong["path"] if "path" in setting.kind.expected else "-7x"
            words = ("run", setting.option, given, "good.zx")
            says = (setting.option, "must be", setting.kind.expected, repr(given))
            yield Case(f"option {setting.option}", words, says)
        value = "perhaps-7x" if "path" not in setting.kind.expected else " "
        variable = setting.variables[0]
        says = (variable, "must be", setting.kind.expected, repr(value))
        yield Case(f"variable {variable}", ("run", "good.zx"), says, env=((variable, value),))
        text = f"[backend.parallel]\n{setting.name} = [1]\n"
        says = ("zexus-plugin.toml", setting.name, "must be", "[1]")
        yield Case(f"key {setting.name}", ("run", "good.zx"), says, (("zexus-plugin.toml", text.encode()),))


def config(name: str, data: bytes | None, *says: str) -> Case:
    return Case(
        f"file: {name}", ("run", "good.zx"), ("zexus-plugin.toml", *says), (("zexus-plugin.toml", data),)
    )


TABLE = b"[backend.parallel]\n"
FILES = [
    config("a directory", None, "cannot be read"),
    config("not UTF-8", b"\xff\xfe\x00w", "cannot be read"),
    config("UTF-16", "[backend.parallel]".encode("utf-16"), "cannot be read"),
    config("NUL bytes", TABLE + b"mode = 'a\0b'\n", "not valid TOML"),
    config("no TOML", b"worker_count: 4\n", "not valid TOML"),
    config("half a table", b"[backend.parallel\n", "not valid TOML"),
    config("a key twice", TABLE + b"mode = 'hybrid'\nmode = 'hybrid'\n", "not valid TOML"),
    config("no table", b"backend = 3\n", "must be a table"),
    config("a misspelled key", TABLE + b"worker_cuont = 3\n", "did you mean worker_count?"),
    config("an option's name", TABLE + b"timeout = 3\n", "did you mean timeout_seconds?"),
    config("a key of nobody", TABLE + b"frobnicate = 3\n", "has no setting 'frobnicate'"),
    config("deep nesting", b"a = " + b"[" * 100_000, "not valid TOML"),
    config("a number of 5000 digits", TABLE + b"worker_count = " + b"9" * 5000 + b"\n", "not valid TOML"),
    config("nan", TABLE + b"timeout_seconds = nan\n", "timeout_seconds must be", "nan"),
    config("a date", TABLE + b"timeout_seconds = 2020-01-01\n", "timeout_seconds must be"),
    config("true for a number", TABLE + b"worker_count = true\n", "worker_count must be", "True"),
]


def start_line(**changes: object) -> bytes:
    record = {
        "e": "run.start", "run": "20200101-000000-1", "t": 0.0, "v": 1, "pid": 1, "time": 0.0, "started": "",
        "program": "p.zx", "path": "p.zx", "workers": 2, **changes,
    }  # fmt: skip
    return json.dumps(record).encode() + b"\n"


JOURNALS: dict[str, tuple[bytes | None, str]] = {
    "missing": (b"", ""),
    "a directory": (None, "cannot be read"),
    "empty": (b"", "is not a journal"),
    "text": (b"hello\nworld\n", "is not a journal"),
    "binary": (bytes(range(256)) * 40, "is not a journal"),
    "NUL bytes": (bytes(100_000), "is not a journal"),
    "other JSON": (b'{"a": 1}\n', "is not a journal"),
    "a list": (b"[1, 2]\n", "is not a journal"),
    "deep nesting": (b"[" * 100_000 + b"\n", "is not a journal"),
    "an event of another kind": (b'{"e":"task.start","t":0.1}\n', "is not a journal"),
    "one long line": (b"x" * 20_000_000, "is not a journal"),
    "a wrong type": (start_line(pid="many"), "is not a journal"),
    "a later version": (start_line(v=99), "version 99"),
}


def journals() -> Iterator[Case]:
    for command in (
        ("report",),
        ("monitor", "--once"),
        ("monitor", "--json"),
        ("report", "--html", "out.html"),
    ):
        for name, (data, says) in JOURNALS.items():
            shown = " ".join(command)
            if name == "missing":
                words = (*command, "./there-is-none.jsonl")
                yield Case(f"{shown}: {name}", words, ("there-is-none.jsonl", "there is no such file"))
                continue
            if len(data or b"") > 1_000_000 and command != ("report",):
                continue
            yield Case(f"{shown}: {name}", (*command, "./j.jsonl"), ("j.jsonl", says), (("j.jsonl", data),))


COMMANDS = [
    Case("no such command", ("frobnicate",), ("'frobnicate'", "there are run, monitor")),
    Case("a misspelled command", ("explian", "good.zx"), ("'explian'", "did you mean explain?")),
    Case("no such option", ("run", "--frobnicate", "good.zx"), ("--frobnicate",)),
    Case("a misspelled option", ("run", "--wrokers", "2", "good.zx"), ("--wrokers", "--workers")),
    Case("an option without its value", ("run", "--workers"), ("--workers",)),
    Case("workers of 5000 digits", ("run", "--workers", "9" * 5000, "good.zx"), ("--workers", "must be")),
    Case(
        "a journal in no directory",
        ("run", "--journal", "no/j.jsonl", "good.zx"),
        ("--journal", "no directory no"),
    ),
    Case("a journal with a long name", ("run", "--journal", LONG, "good.zx"), ("--journal", "name too long")),
    Case(
        "a journal with a long name, by variable",
        ("zexus", "run", "--backend", "parallel", "good.zx"),
        ("ZEXUS_PARALLEL_JOURNAL", "name too long"),
        env=(("ZEXUS_PARALLEL_JOURNAL", LONG),),
    ),
    Case(
        "a journal in a file",
        ("run", "--journal", "good.zx/", "good.zx"),
        ("--journal", "good.zx is not a directory"),
    ),
    Case(
        "a journal that is a program",
        ("run", "--journal", "good.zx", "good.zx"),
        ("--journal", "is no journal"),
    ),
    Case(
        "a journal that is a device",
        ("run", "--journal", "/dev/full", "good.zx"),
        ("/dev/full is not a file",),
    ),
    Case(
        "no such backend",
        ("zexus", "run", "--backend", "paralel", "good.zx"),
        ("'paralel'", "did you mean parallel?"),
    ),
    Case(
        "no such backend, by variable",
        ("zexus", "run", "good.zx"),
        ("ZEXUS_BACKEND", "'x'"),
        env=(("ZEXUS_BACKEND", "x"),),
    ),
    Case(
        "an option without the backend",
        ("zexus", "run", "--workers", "2", "good.zx"),
        ("--workers needs --backend parallel",),
    ),
    Case("explain: missing", ("explain", "none.zx"), ("none.zx", "does not exist")),
    Case("explain: a directory", ("explain", "place"), ("place", "is a directory"), (("place", None),)),
    Case("explain: no file", ("explain",), ("FILE",)),
    Case("explain: workers", ("explain", "--workers", "0", "good.zx"), ("--workers", "'0'")),
    Case("explain: gas", ("explain", "--gas-limit", "much", "good.zx"), ("--gas-limit", "'much'")),
    Case("explain: how many", ("explain", "--assert-parallel", "-1", "good.zx"), ("--assert-parallel", "-1")),
    Case("bench: missing", ("bench", "none.zx"), ("none.zx", "does not exist")),
    Case("bench: a directory", ("bench", "place"), ("place", "is a directory"), (("place", None),)),
    Case("bench: runs", ("bench", "--runs", "0", "good.zx"), ("--runs", "0")),
    Case("bench: workers", ("bench", "--workers", "x", "good.zx"), ("--workers", "'x'")),
    Case("test: missing", ("test", "none"), ("none",), code=4),
    Case("test: jobs", ("test", "-j", "0"), ("-j", "0")),
    *(
        Case(f"test: timeout {wrong}", ("test", "--timeout", wrong, "good.zx"), ("--timeout", wrong))
        for wrong in ("0", "-1", "nan", "inf", "1e+300", "soon")
    ),
    Case("test: backend", ("test", "--backend", "x"), ("--backend", "'x'")),
    Case("test: words", ("test", "-k", "and (", "t"), ("and (",), (("t/test_a.zx", GOOD.encode()),), code=4),
    Case(
        "report: into nothing",
        ("report", "./j.jsonl", "--html", ""),
        ("is empty",),
        (("j.jsonl", start_line()),),
    ),
    Case("report: no runs", ("report",), ("there are no runs in",)),
    Case("report: a long name", ("report", LONG), ("there is no run",)),
    Case("report: a long path", ("report", f"./{LONG}"), ("name too long",)),
    Case("runs: rm a long path", ("runs", "rm", f"./{LONG}"), ("name too long",)),
    Case("test: a long name", ("test", LONG), ("no such file",), code=4),
    Case("report: no such run", ("report", "2020"), ("'2020'", "zexus-parallel runs")),
    Case("report: mixed up", ("report", "--html", "-", "--json"), ("--html and --json",)),
    Case(
        "report: into no directory",
        ("report", "./j.jsonl", "--html", "no/out.html"),
        ("no/out.html", "cannot be written"),
        (("j.jsonl", start_line()),),
    ),
    Case(
        "report: into a directory",
        ("report", "./j.jsonl", "--trace", "place"),
        ("place", "is a directory"),
        (("j.jsonl", start_line()), ("place", None)),
    ),
    Case("monitor: no runs", ("monitor", "--once"), ("there are no runs in",)),
    Case("monitor: both", ("monitor", "--once", "--json"), ("--once and --json",)),
    Case("monitor: no speed", ("monitor", "--replay", "fast"), ("'fast'", "--replay")),
    Case("monitor: replay once", ("monitor", "--replay", "2", "--once"), ("--replay",)),
    Case("monitor: no terminal", ("monitor",), ("needs a terminal",)),
    Case("runs: no such command", ("runs", "frobnicate"), ("frobnicate",)),
    Case("runs: json twice", ("runs", "--json", "prune"), ("--json",)),
    Case("runs: rm nothing", ("runs", "rm"), ("RUN",)),
    Case("runs: rm no such run", ("runs", "rm", "2020"), ("'2020'",)),
    Case(
        "runs: rm a file elsewhere",
        ("runs", "rm", "./j.jsonl"),
        ("j.jsonl", "by hand"),
        (("j.jsonl", start_line()),),
    ),
    Case("runs: keep", ("runs", "prune", "--keep", "-1"), ("--keep", "-1")),
    Case("doctor: too much", ("doctor", "x"), ("x",)),
    Case("version: too much", ("version", "x"), ("x",)),
    Case("plugins: too much", ("plugins", "--x"), ("--x",)),
]

CASES = [*options(), *FILES, *journals(), *COMMANDS]


@pytest.fixture(scope="module")
def ended(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Ended, dict[str, int], dict[str, int]]]:
    """What came of each case, and the files before and after it."""
    commands, places = [], []
    for number, case in enumerate(CASES):
        place = tmp_path_factory.mktemp(f"case{number}")
        (place / "runtime").mkdir()
        (place / "good.zx").write_text(GOOD, encoding="utf-8")
        for name, data in case.files:
            path = place / name
            path.parent.mkdir(exist_ok=True)
            if data is None:
                path.mkdir()
            else:
                path.write_bytes(data)
        env = {"XDG_RUNTIME_DIR": str(place / "runtime"), "HOME": str(place), **dict(case.env)}
        commands.append(Command(case.words, str(place), env))
        places.append(place)
    before = [tree(place) for place in places]
    results = run_all(commands)
    return {
        case.name: (result, files, tree(place))
        for case, result, files, place in zip(CASES, results, before, places, strict=True)
    }


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_one_line_that_names_it(
    case: Case, ended: dict[str, tuple[Ended, dict[str, int], dict[str, int]]]
) -> None:
    result, before, after = ended[case.name]
    errors = result.stderr.decode()
    assert result.code == case.code, errors
    assert "Traceback" not in errors + result.stdout.decode()
    lines = [line for line in errors.splitlines() if line.strip()]
    if case.words[0] != "zexus":
        assert len(lines) == 1, errors
    assert lines[-1].startswith("Error: ")
    assert [word for word in case.says if word not in lines[-1]] == [], lines[-1][:1000]
    assert len(lines[-1]) < 1000
    assert "42" not in result.stdout.decode()
    assert after == before
    assert not result.children


def test_there_are_enough_of_them_and_no_two_are_the_same() -> None:
    assert len(CASES) == len({case.name for case in CASES})
    assert len(CASES) >= 60


PROGRAMS: dict[str, bytes | None] = {
    "missing": b"",
    "a directory": None,
    "empty": b"",
    "not UTF-8": b"print(\xff);\n",
    "UTF-16": "print(1);\n".encode("utf-16"),
    "NUL bytes": b"print(1);\0print(2);\n",
    "a long line": b"let x = 1" + b" + 1" * 60 + b";\nprint(x);\n",
    "deep brackets": b"print(" + b"(" * 40 + b"1" + b")" * 40 + b");\n",
    "much": b"// nothing\n" * 20_000 + b"print(1);\n",
    "no program": b"%PDF-1.4\n\x80\x81\x82",
}


def test_programs_that_are_none_are_the_host_s_business(tmp_path: Path) -> None:
    for number, data in enumerate(PROGRAMS.values()):
        place = tmp_path / str(number)
        place.mkdir()
        if data is None:
            (place / "p.zx").mkdir()
        elif data or number:
            (place / "p.zx").write_bytes(data)
    host, ours = (
        run_all([Command((*words, "p.zx"), str(tmp_path / str(number))) for number in range(len(PROGRAMS))])
        for words in (("zexus", "run"), ("run", "--no-journal"))
    )
    for name, bare, backend in zip(PROGRAMS, host, ours, strict=True):
        assert (backend.code, backend.stdout) == (bare.code, bare.stdout), name
        assert backend.stderr.splitlines()[-1:] == bare.stderr.splitlines()[-1:], name
        assert b"Traceback" not in backend.stderr or b"Traceback" in bare.stderr, name
        assert not backend.children, name
    assert host[0].code == 2
