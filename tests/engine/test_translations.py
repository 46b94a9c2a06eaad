"""The cache of translations: the same code, whatever happens to its file."""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.differential import harness
from zexus_parallel_plugin.engine.compiler import translations as module
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.compiler.translations import SUFFIX, Translations, cache_directory, usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

SOURCE = "def f(x):\n    return x + 1.5, 'text', (1, -0.0)\n"
LOOP = """
action total(n) { let s = 0; let i = 0; while (i < n) { s = s + i * 2; i = i + 1; } return s; }
let t = 0;
let k = 0;
while (k < 200) { t = t + total(50); k = k + 1; }
print(t);
"""
posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners")


def opened(place: Path, program: str = "/a.zx", versions: str = "1 2") -> Translations:
    return Translations(place, program, versions)


def kept(place: Path, source: str = SOURCE) -> Path:
    """The file after a run that has compiled ``source``."""
    cache = opened(place)
    cache.compile(source, "<unit f>")
    cache.save()
    assert not cache.problems
    return cache.path


def value(cache: Translations, source: str = SOURCE, filename: str = "<unit f>") -> object:
    namespace: dict[str, object] = {}
    exec(cache.compile(source, filename), namespace)
    function = namespace["f"]
    assert callable(function)
    return function(1)


def test_code_is_compiled_once_and_is_the_same(tmp_path: Path) -> None:
    path = kept(tmp_path / "c")
    cache = opened(tmp_path / "c")
    code = cache.compile(SOURCE, "<unit f>")
    assert (cache.hits, cache.path) == (1, path)
    assert code == compile(SOURCE, "<unit f>", "exec", dont_inherit=True)
    assert code.co_filename == "<unit f>"
    assert repr(value(cache)) == "(2.5, 'text', (1, -0.0))"


@pytest.mark.parametrize(
    ("source", "filename"), [(SOURCE + "\n", "<unit f>"), (SOURCE, "<unit g>"), (SOURCE[:-2], "<unit f>")]
)
def test_other_source_or_name_is_not_found(tmp_path: Path, source: str, filename: str) -> None:
    kept(tmp_path / "c")
    cache = opened(tmp_path / "c")
    with contextlib.suppress(SyntaxError):
        cache.compile(source, filename)
    assert cache.hits == 0


@pytest.mark.parametrize(("program", "versions"), [("/b.zx", "1 2"), ("/a.zx", "1 3")])
def test_programs_and_versions_have_files_of_their_own(tmp_path: Path, program: str, versions: str) -> None:
    path = kept(tmp_path / "c")
    assert opened(tmp_path / "c", program, versions).path != path


def test_an_engine_that_has_changed_takes_nothing_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a version, as in a checkout: what the emitter makes has no digest of the emitter in it."""
    home = tmp_path / "engine" / "compiler"
    home.mkdir(parents=True)
    (home / "emitter.py").write_text("old")
    monkeypatch.setattr(module, "_HOME", home)
    path = kept(tmp_path / "c")
    assert opened(tmp_path / "c").path == path
    (home / "emitter.py").write_text("newer")
    assert opened(tmp_path / "c").path != path


def test_a_file_of_another_version_does_not_stand_for_this_one(tmp_path: Path) -> None:
    path = kept(tmp_path / "c")
    other = opened(tmp_path / "c", versions="9 9").path
    other.write_bytes(path.read_bytes())
    cache = opened(tmp_path / "c", versions="9 9")
    assert cache.problems == {"cache-damaged": 1}
    assert not other.exists()


def test_any_damage_is_counted_and_compiled_anew(tmp_path: Path) -> None:
    path = kept(tmp_path / "c")
    good = path.read_bytes()
    damaged = [good[:-1], good + b"x", b"", b"\0" * len(good), good[:20], b"x" + good[1:]]
    step = max(1, len(good) // 60)
    damaged += [good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :] for at in range(0, len(good), step)]
    for content in damaged:
        path.write_bytes(content)
        cache = opened(tmp_path / "c")
        assert cache.problems == {"cache-damaged": 1}
        assert not path.exists()
        assert repr(value(cache)) == "(2.5, 'text', (1, -0.0))"
        assert cache.hits == 0
        cache.save()
        assert path.read_bytes() == good


@pytest.mark.parametrize("content", [b"", b"x", marshal.dumps(5), marshal.dumps({})])
def test_an_entry_that_is_no_code_is_compiled_anew(tmp_path: Path, content: bytes) -> None:
    cache = opened(tmp_path / "c")
    cache.compile(SOURCE, "<unit f>")
    cache._used = dict.fromkeys(cache._used, content)
    cache.save()
    again = opened(tmp_path / "c")
    value(again)
    assert again.hits == 0
    assert again.problems == {"cache-damaged": 1}


@posix
def test_the_cache_is_the_user_s_own_whatever_the_umask(tmp_path: Path) -> None:
    for number, mask in enumerate((0o000, 0o022, 0o777)):
        before = os.umask(mask)
        try:
            path = kept(tmp_path / f"c{number}")
        finally:
            os.umask(before)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert [entry.suffix for entry in path.parent.iterdir()] == [SUFFIX]


@posix
def test_files_that_others_could_have_written_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept(tmp_path / "c")

    def refused() -> bool:
        cache = opened(tmp_path / "c")
        value(cache)
        return cache.hits == 0 and cache.problems == {"cache-not-read": 1}

    assert not refused()
    path.chmod(0o620)
    assert refused()
    path.chmod(0o600)
    path.parent.chmod(0o702)
    assert refused()
    path.parent.chmod(0o700)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert refused()
    assert elsewhere.exists()
    path.unlink()
    os.mkfifo(path)
    assert refused()
    path.unlink()
    elsewhere.rename(path)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert refused()
    cache = opened(tmp_path / "c")
    cache.compile(SOURCE * 2, "<unit f>")
    cache.save()
    assert cache.problems["cache-not-written"] == 1


def test_a_place_that_cannot_be_written_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        cache = opened(place)
        assert value(cache)
        cache.save()
        assert cache.problems["cache-not-written"] == 1

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    cache = opened(tmp_path / "c")
    assert value(cache)
    monkeypatch.setattr(Path, "replace", full)
    cache.save()
    assert cache.problems == {"cache-not-written": 1}
    assert list((tmp_path / "c").iterdir()) == []


def test_a_file_has_what_was_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [SOURCE.replace("text", f"text{number}") for number in range(6)]
    size = kept(tmp_path / "c", sources[0]).stat().st_size
    monkeypatch.setattr(module, "_MOST_OF_ONE", 3 * size)
    for source in sources[1:]:
        kept(tmp_path / "c", source)
    cache = opened(tmp_path / "c")
    for source in sources:
        value(cache, source)
    assert 2 <= cache.hits < 6
    newest = opened(tmp_path / "c")
    value(newest, sources[-1])
    assert newest.hits == 1


def test_the_directory_is_bounded_and_the_longest_unused_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "c"
    size = kept(place).stat().st_size
    monkeypatch.setattr(module, "MOST_BYTES", 4 * size)
    now = time.time()
    paths = []
    for number in range(8):
        cache = opened(place, f"/{number}.zx")
        cache.compile(SOURCE, "<unit f>")
        cache.save()
        os.utime(cache.path, (now - 100 + number, now - 100 + number))
        paths.append(cache.path)
    old = place / "gone-1.tmp"
    old.touch()
    os.utime(old, (now - 9999, now - 9999))
    kept(place, SOURCE * 2)
    assert usage(place)[1] <= 4 * size
    assert paths[-1].exists()
    assert not paths[0].exists()
    assert not old.exists()


def test_a_file_in_use_is_marked_now_and_then(tmp_path: Path) -> None:
    path = kept(tmp_path / "c")
    os.utime(path, (1000, 1000))
    cache = opened(tmp_path / "c")
    value(cache)
    cache.save()
    assert path.stat().st_mtime > 1000


def test_runs_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    problems: list[object] = []

    def run(number: int) -> None:
        for turn in range(25):
            cache = opened(tmp_path / "c")
            if repr(value(cache)) != "(2.5, 'text', (1, -0.0))":
                problems.append("wrong")
            cache._process = number  # a name of its own for the unfinished file, as processes have
            cache.compile(SOURCE.replace("1.5", f"{turn}.{number}"), "<unit f>")
            cache._write()
            problems.extend(name for name in cache.problems)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert usage(tmp_path / "c")[0] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies of the process")
def test_a_copy_of_the_process_writes_nothing(tmp_path: Path) -> None:
    cache = opened(tmp_path / "c")
    cache._process = -1
    value(cache)
    cache.save()
    assert usage(tmp_path / "c") == (0, 0)


def test_where_it_is(tmp_path: Path) -> None:
    assert cache_directory(str(tmp_path)) == tmp_path / "zexus-parallel"
    if sys.platform == "linux":
        assert cache_directory("auto", {"XDG_CACHE_HOME": "/c"}) == Path("/c/zexus-parallel")
        relative = {"XDG_CACHE_HOME": "c", "HOME": "/h"}
        assert cache_directory("auto", relative) == Path("/h/.cache/zexus-parallel")


def metrics(cache: Path | str) -> dict[str, object]:
    """Run the loop on a machine of its own; what was counted."""
    made = []

    def factory(**arguments: object) -> harness.Machine:
        made.append(harness.backend_factory({"mode": "sequential", "cache": str(cache)})(**arguments))
        return made[-1]

    outcome = harness.run(LOOP, factory)
    assert outcome.stdout == "490000\n"
    counted: dict[str, object] = made[-1].last_metrics.to_dict()  # type: ignore[attr-defined]
    return counted


def test_a_run_uses_what_the_run_before_has_written(tmp_path: Path) -> None:
    first, second = metrics(tmp_path), metrics(tmp_path)
    assert first["units_translated"] == second["units_translated"] == second["units_cached"] != 0
    assert first["units_cached"] == 0
    assert isinstance(first["translation_seconds"], float)
    assert first["translation_seconds"] > 0
    assert usage(tmp_path / "zexus-parallel")[0] == 1


def test_a_run_with_a_damaged_cache_is_counted(tmp_path: Path) -> None:
    metrics(tmp_path)
    (path,) = (tmp_path / "zexus-parallel").iterdir()
    path.write_bytes(b"nonsense")
    counted = metrics(tmp_path)
    assert counted["units_cached"] == 0
    assert isinstance(counted["reasons"], dict)
    assert counted["reasons"]["cache-damaged"] == 1
    assert metrics(tmp_path)["units_cached"] != 0


def test_off_writes_nothing_and_so_does_python_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert metrics("off")["units_translated"]
    assert metrics("auto")["units_translated"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("-m", "zexus_parallel_plugin", "run"), ("-m", "zexus", "run")])
def test_commands(
    command: Callable[..., Finished], program: Callable[..., Path], tmp_path: Path, words: tuple[str, ...]
) -> None:
    backend = ("--backend", "parallel") if "zexus" in words else ()
    path = program(LOOP)
    env = {"XDG_CACHE_HOME": str(tmp_path / "c"), "ZEXUS_PARALLEL_JOURNAL": "off"}
    for options in (("--no-cache",), ()):
        assert not (tmp_path / "c").exists()
        done = command(*words, *backend, *options, str(path), env=env)
        assert (done.code, "490000" in done.stdout) == (0, True), done.stderr
    if sys.platform == "linux":
        assert usage(tmp_path / "c" / "zexus-parallel")[0] == 1
    small = program("print(1);", "small.zx")
    probe = (
        "import sys; from zexus_parallel_plugin.cli import main; sys.argv[1:] = ['run', sys.argv[1]]\n"
        "import atexit; atexit.register(lambda: print(*(m for m in sys.modules if 'translations' in m)))\n"
        "main()"
    )
    done = command("-c", probe, str(small), env=env)
    assert "translations" not in done.stdout, "a program that compiles nothing loads no cache"


def test_a_second_run_takes_source_and_heat_from_the_first(tmp_path: Path) -> None:
    source = (
        LOOP
        + """
action odd(x) { return x[0] + len(x); }
let z = null;
let m = 0;
while (m < 90) { try { t = t + odd(z); t = t + odd([m]); } catch (e) { t = t + 1; } m = m + 1; }
print(t);
"""
    )
    outcomes, drawn, units = [], [], []
    for _turn in range(3):
        factory = harness.backend_factory({"mode": "sequential", "tier": "auto", "cache": str(tmp_path)})
        machines = []

        def make(**settings: object) -> harness.Machine:
            machines.append(factory(**settings))  # noqa: B023
            return machines[-1]  # noqa: B023

        outcome = harness.run(source, make, path="/a.zx")
        outcomes.append((outcome.stdout, outcome.env, outcome.gas_used, outcome.operation_count))
        machine = machines[0]
        drawn.append(machine._translations.drawn)  # type: ignore[attr-defined]
        units.append(machine.last_metrics.units_translated)  # type: ignore[attr-defined]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert drawn[0] == 0
    assert units[0] > units[2] > 0, "operators that had failed are not tried again"
    assert drawn[2] >= units[2]


@pytest.mark.parametrize("content", [5, (), "refused", ("def x(): pass", [(1, 2)], [], [])])
def test_blueprints_that_are_none_are_dropped(tmp_path: Path, content: object) -> None:
    settings = {"mode": "sequential", "tier": "compiled", "cache": str(tmp_path)}
    first = harness.run(LOOP, harness.backend_factory(settings), path="/a.zx")
    (path,) = (tmp_path / "zexus-parallel").iterdir()
    data = path.read_bytes()
    entries = marshal.loads(data[len(module._MAGIC) + module._CHECKSUM :])
    blueprints = [
        key for key, entry in entries.items() if key != module._HOT and type(marshal.loads(entry)) is tuple
    ]
    assert len(blueprints) == 2
    entries |= dict.fromkeys(blueprints, marshal.dumps(content))
    payload = marshal.dumps(entries)
    machines = []
    factory = harness.backend_factory(settings)

    def make(**given: object) -> harness.Machine:
        machine = factory(**given)
        cache = machine.open_translations()  # type: ignore[attr-defined]
        path.write_bytes(module._MAGIC + cache._checksum(payload) + payload)
        machine._translations = None  # type: ignore[attr-defined]
        machines.append(machine)
        return machine

    second = harness.run(LOOP, make, path="/a.zx")
    assert (second.stdout, second.gas_used, second.env) == (first.stdout, first.gas_used, first.env)
    if content != "refused":
        assert machines[0].last_metrics.reasons["cache-damaged"] == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(("workers", "asks"), [(1, True), (2, False)])
def test_where_workers_may_help_hot_code_is_interpreted_first(
    workers: int, asks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask = Tier._ask
    monkeypatch.setattr(Tier, "_ask", lambda tier: (asked.append(tier), ask(tier)))
    settings = {"worker_count": workers, "tier": "auto", "cache": str(tmp_path)}
    harness.run(LOOP, harness.backend_factory(settings), path="/a.zx")
    assert bool(asked) == asks
