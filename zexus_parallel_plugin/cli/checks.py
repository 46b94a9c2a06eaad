"""The checks that ``doctor`` makes. Each returns what it found; none raises."""

from __future__ import annotations

import io
import os
import platform
import site
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zexus_parallel_plugin import __version__, attach
from zexus_parallel_plugin.attach.host_run import extended_run
from zexus_parallel_plugin.config import ParallelConfig, available_cores, resolve_config, unknown_variables
from zexus_parallel_plugin.engine.compiler.translations import cache_directory, usage
from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.host.command import load_command_module
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS, host_version
from zexus_parallel_plugin.manager import load_plugins
from zexus_parallel_plugin.runtime.pool.launch import methods

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Check", "all_checks"]

_PATH_FILE = "zexus_parallel_plugin.pth"

# Small programs that touch the parts in which engines differ: calls, loops, text, lists, maps, errors.
PROGRAMS = {
    "calls": """
action fib(n) { if (n < 2) { return n; } return fib(n - 1) + fib(n - 2); }
action work(n) { let t = 0; let i = 0; while (i < n) { t = t + i * i; i = i + 1; } return t; }
let a = work(300);
let b = work(400);
print(fib(12));
print(a + b);
""",
    "values": """
let xs = [1, 2, 3];
let out = [];
for each x in xs { out = push(out, x * 2); }
print(out);
let m = {"a": 1};
m["b"] = 2;
print(m);
print("text " + string(10 / 4) + " " + string(7 % 3));
""",
    "errors": """
action careful(d) {
    try {
        return 10 / d;
    } catch (e) {
        return "caught";
    }
}
print(careful(0));
print("before");
require(1 == 2, "on purpose");
print("after");
""",
}


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found. ``note``: works, but worth knowing; ``facts``: for readers of the JSON."""

    name: str
    status: Literal["ok", "note", "failed"]
    text: str
    hint: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def all_checks(*, compare: bool) -> Iterator[Check]:
    """Make the checks, one after the other; ``compare``: also run programs on the host and the backend."""
    yield _python()
    host = _host()
    yield host
    if host.status == "failed":
        return
    yield _hook()
    yield _command()
    yield _cores()
    yield _workers()
    yield _configuration()
    yield _cache()
    yield _plugins()
    if compare:
        yield _comparison()


def _python() -> Check:
    version, implementation = platform.python_version(), platform.python_implementation()
    facts = {"version": version, "implementation": implementation, "executable": sys.executable}
    text = f"{implementation} {version}, plugin {__version__}"
    if implementation != "CPython":
        return Check("python", "note", text, "Only CPython has been tested.", facts)
    return Check("python", "ok", text, facts=facts)


def _host() -> Check:
    version = host_version()
    facts = {"version": version, "verified": version in VERIFIED_VERSIONS}
    verified = ", ".join(VERIFIED_VERSIONS)
    if version is None:
        return Check("host", "failed", "zexus is not installed", "Run: pip install 'zexus>=2.0,<2.1'", facts)
    if version not in VERIFIED_VERSIONS:
        hint = f"Verified: {verified}. On other versions the host's own VM runs every program."
        return Check("host", "failed", f"zexus {version} is not a verified version", hint, facts)
    return Check("host", "ok", f"zexus {version}, a verified version", facts=facts)


def _hook() -> Check:
    """Whether the path file is there and has been executed when this process started."""
    files = [Path(directory) / _PATH_FILE for directory in _site_directories()]
    found = [str(path) for path in files if path.is_file()]
    facts = {"files": found, "fired": attach.State.installed, "error": attach.State.error}
    instead = "Until then use: zexus-parallel run file.zx"
    if os.environ.get(attach.DISABLE_VARIABLE, "") not in {"", "0"}:
        hint = f"Unset {attach.DISABLE_VARIABLE} to have `zexus run --backend parallel`. {instead}"
        return Check("hook", "note", f"switched off by {attach.DISABLE_VARIABLE}", hint, facts)
    if attach.State.installed:
        return Check("hook", "ok", f"active ({found[0] if found else 'started by the program'})", facts=facts)
    if found:
        hint = f"Python was started without path files (-S, or -s and a file of the user's). {instead}"
        return Check("hook", "failed", f"{found[0]} was not executed", hint, facts)
    hint = f"Run: pip install --force-reinstall --no-deps zexus-parallel-plugin. {instead}"
    return Check("hook", "failed", f"{_PATH_FILE} is in none of the site directories", hint, facts)


def _site_directories() -> list[str]:
    """Where Python looks for path files when it starts."""
    return [*site.getsitepackages(), site.getusersitepackages()]


def _command() -> Check:
    """Whether importing the host's command line has attached the backend to it."""
    try:
        with redirect_stdout(io.StringIO()):
            module = load_command_module()
    except ZexusParallelError as error:
        return Check("command", "failed", str(error))
    extended = extended_run(module)
    facts = {"attached": extended is not None}
    if extended is None:
        why = attach.State.error or "the hook has not been active"
        status: Literal["note", "failed"] = "failed" if attach.State.error else "note"
        return Check("command", status, f"`zexus run` has no --backend: {why}", facts=facts)
    try:
        extended.extend()
    except ZexusParallelError as error:
        return Check("command", "failed", str(error), facts=facts)
    return Check("command", "ok", "`zexus run` has --backend", facts=facts)


def _cores() -> Check:
    cores, machine = available_cores(), os.cpu_count() or 1
    facts = {"available": cores, "machine": machine}
    if cores < 2:
        hint = "With one core nothing can run ahead; programs still run, on the engine."
        return Check("cores", "note", f"1 of {machine} may be used", hint, facts)
    return Check("cores", "ok", f"{cores} of {machine} may be used", facts=facts)


def _workers() -> Check:
    """How workers will be started: the first way that the system and the configuration allow."""
    try:
        wanted = resolve_config().start_method
    except ZexusParallelError:
        wanted = None  # the check of the configuration tells
    usable = methods(wanted, prepared=hasattr(os, "fork"))
    facts = {"start_method": usable[0], "fallbacks": usable[1:]}
    rest = f", or else by {' or '.join(usable[1:])}" if usable[1:] else ""
    return Check("workers", "ok", f"started by {usable[0]}{rest}", facts=facts)


def _configuration() -> Check:
    try:
        config = resolve_config(program=Path.cwd() / "program.zx")
    except ZexusParallelError as error:
        return Check("configuration", "failed", str(error))
    # A file may well name every setting; those that it leaves as they are say nothing.
    changed = [name for name in config.origins if getattr(config, name) != getattr(ParallelConfig(), name)]
    set_here = {name: f"{getattr(config, name)} ({config.origins[name]})" for name in changed}
    facts = {"settings": config.to_dict(), "origins": dict(config.origins)}
    stray = unknown_variables(os.environ)
    text = ", ".join(f"{name} = {value}" for name, value in set_here.items()) or "the defaults"
    if stray:
        return Check("configuration", "note", text, "; ".join(stray) + ".", facts)
    return Check("configuration", "ok", text, facts=facts)


def _cache() -> Check:
    """Where translations are kept, and how many."""
    try:
        setting = resolve_config().cache
    except ZexusParallelError:
        setting = "auto"  # the check of the configuration tells
    if setting == "off":
        return Check("cache", "ok", "off", facts={"place": None})
    place = cache_directory(setting)
    files, size = usage(place)
    facts = {"place": str(place), "files": files, "bytes": size}
    return Check(
        "cache", "ok", f"{files} program{'s' * (files != 1)}, {size / 1024:.0f} KiB, in {place}", facts=facts
    )


def _plugins() -> Check:
    warnings: list[str] = []
    plugins = load_plugins(warn=warnings.append)
    facts = {"plugins": {item.name: item.status for item in plugins.found}, "warnings": warnings}
    text = ", ".join(f"{item.name} ({item.status})" for item in plugins.found)
    if warnings:
        return Check("plugins", "note", text, "; ".join(warnings) + ".", facts)
    return Check("plugins", "ok", text, facts=facts)


def _comparison() -> Check:
    """Run the built-in programs on both, and compare what they print and how they end."""
    different = []
    with tempfile.TemporaryDirectory() as directory:
        for name, text in PROGRAMS.items():
            path = Path(directory) / f"{name}.zx"
            path.write_text(text, encoding="utf-8")
            try:
                host, backend = (_run(path, backend) for backend in ("host", "parallel"))
            except (OSError, subprocess.SubprocessError) as error:
                return Check("comparison", "failed", f"{name}: {type(error).__name__}: {error}")
            if host != backend:
                different.append(name)
    facts = {"programs": list(PROGRAMS), "different": different}
    if different:
        text = f"other output than the host: {', '.join(different)}"
        hint = "Please report this with the output of doctor --json; use --backend host meanwhile."
        return Check("comparison", "failed", text, hint, facts)
    return Check("comparison", "ok", f"{len(PROGRAMS)} programs: same output as the host", facts=facts)


def _run(path: Path, backend: str) -> tuple[bytes, bytes, int]:
    """What a program prints, and its exit code, in a process of its own."""
    words = [sys.executable, "-m", "zexus_parallel_plugin", "run", "--backend", backend, str(path)]
    if backend == "parallel":
        words[-1:-1] = ["--mode", "parallel", "--min-task", "0", "--no-journal"]
    # The host prints more than ASCII: where it may not, it ends with a traceback, in which we differ.
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        words, capture_output=True, check=False, cwd=path.parent, stdin=subprocess.DEVNULL, timeout=60,
        env=environment,
    )  # fmt: skip
    return done.stdout, done.stderr, done.returncode
