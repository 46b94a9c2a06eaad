"""The configuration: one immutable record, merged from defaults, file, environment and command line.

To add a setting, add one field with :func:`_setting` to :class:`ParallelConfig`. Validation, environment
variable, command-line option, file key and help text follow from it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zexus_parallel_plugin import kinds
from zexus_parallel_plugin.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from zexus_parallel_plugin.kinds import Kind

__all__ = [
    "CONFIG_FILE",
    "ENVIRONMENT",
    "ENV_PREFIX",
    "HOST_GAS_LIMIT",
    "PLUGINS_DISABLE_VARIABLE",
    "ParallelConfig",
    "Setting",
    "available_cores",
    "read_config_file",
    "resolve_config",
    "settings",
    "unknown_variables",
]

ENV_PREFIX = "ZEXUS_PARALLEL_"
CONFIG_FILE = "zexus-plugin.toml"
CONFIG_TABLE = "backend.parallel"

_LONGEST_VALUE = 80  # characters of a wrong value in an error

# The limit that `zexus run` gives to its VM (zexus/cli/main.py, run).
HOST_GAS_LIMIT = 100_000_000

PLUGINS_DISABLE_VARIABLE = "ZEXUS_PARALLEL_PLUGINS_DISABLE"

# Environment variables that are not settings, for `doctor` and for the documentation.
ENVIRONMENT: dict[str, str] = {
    "ZEXUS_BACKEND": "backend of `zexus run` when --backend is not given",
    "ZEXUS_PARALLEL_DISABLE": "1: do not attach to the host at all",
    PLUGINS_DISABLE_VARIABLE: "names of plugins that are not loaded, separated by commas",
    "ZEXUS_PARALLEL_WORKER": "set by the project in its worker processes",
}


def available_cores() -> int:
    """How many cores this process may use: its affinity, where the system tells it."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except (AttributeError, OSError):
        return max(1, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _Spec:
    """What the metadata of a field says about its setting."""

    kind: Kind
    help: str
    option: str | None
    on_host_run: bool
    default_text: str | None


def _setting(
    default: Any = MISSING,
    *,
    kind: Kind,
    help: str,  # noqa: A002 - the word that click and argparse use for it
    option: str | None = None,
    on_host_run: bool = False,
    default_text: str | None = None,
    default_factory: Callable[[], Any] | None = None,
) -> Any:
    """A field of :class:`ParallelConfig`.

    ``option`` names the command-line option and the environment variable where the field's own name is too
    long; ``on_host_run`` offers it on ``zexus run`` as well, not only on ``zexus-parallel run``.
    """
    spec = _Spec(kind, help, option, on_host_run, default_text)
    if default_factory is not None:
        return field(default_factory=default_factory, metadata={"setting": spec})
    return field(default=default, metadata={"setting": spec})


@dataclass(frozen=True, slots=True)
class ParallelConfig:
    """How a program is run. Immutable; change a copy with ``dataclasses.replace``.

    The first seven fields have the order and the defaults of the host's own ``ParallelConfig``.

    Raises:
        ConfigError: (a ``ValueError``) names the field and the value, and says what would be right.
    """

    worker_count: int = _setting(
        kind=kinds.whole(1, 1024, none="auto"),
        help="Worker processes.",
        option="workers",
        on_host_run=True,
        default_factory=available_cores,
        default_text="auto, the cores that this process may use",
    )
    chunk_size: int = _setting(50, kind=kinds.whole(1), help="Instructions in a chunk, about.")
    timeout_seconds: float = _setting(
        30.0,
        kind=kinds.seconds(),
        help="Time that one task may take on a worker before it is done in place instead.",
        option="timeout",
    )
    retry_attempts: int = _setting(
        3,
        kind=kinds.whole(0),
        help="How often a task is given to another worker after its worker died.",
        option="retries",
    )
    enable_metrics: bool = _setting(True, kind=kinds.flag(), help="Measure the run.", option="metrics")
    enable_fallback: bool = _setting(
        True,
        kind=kinds.flag(),
        help="Do a task in place when no worker can do it; otherwise that is an error.",
        option="fallback",
    )
    max_queue_size: int = _setting(
        1000, kind=kinds.whole(1), help="Tasks that may wait for a worker.", option="max-queue"
    )
    min_chunk_size: int = _setting(
        10,
        kind=kinds.whole(1),
        help="Instructions below which a chunk is joined to its neighbour; never more than the chunk size.",
    )
    gas_limit: int | Literal["unlimited"] | None = _setting(
        None,
        kind=kinds.gas(),
        help="Gas that the program may use.",
        on_host_run=True,
        default_text=f"the host's {HOST_GAS_LIMIT}",
    )
    mode: Literal["sequential", "hybrid", "parallel"] = _setting(
        "hybrid",
        kind=kinds.choice("sequential", "hybrid", "parallel"),
        help="Use workers never, where it is legal and pays, or wherever it is legal.",
    )
    tier: Literal["auto", "interpreter", "compiled", "host"] = _setting(
        "auto",
        kind=kinds.choice("auto", "interpreter", "compiled", "host"),
        help="What executes the bytecode; host leaves all of it to the host's VM.",
    )
    start_method: Literal["template", "forkserver", "spawn"] | None = _setting(
        None,
        kind=kinds.choice("template", "forkserver", "spawn", none="auto"),
        help="How worker processes are started.",
        default_text="auto, the fastest that is safe",
    )
    min_task_seconds: float = _setting(
        0.0002,
        kind=kinds.seconds(zero=True),
        help="Estimated work below which a task is not worth sending to a worker.",
        option="min-task",
    )
    worker_memory: int | None = _setting(
        None,
        kind=kinds.size(16 << 20, none="off"),
        help="Memory that tasks of one worker may take; a task that needs more is done in place.",
        default_text="off",
    )
    recycle_after: int | None = _setting(
        None,
        kind=kinds.whole(1, none="off"),
        help="Tasks after which a worker is replaced.",
        default_text="off",
    )
    recycle_above: int | None = _setting(
        None,
        kind=kinds.size(1 << 20, none="off"),
        help="Memory of a worker above which it is replaced after its task.",
        default_text="off",
    )
    chaos: str | None = _setting(
        None,
        kind=kinds.faults(),
        help="Faults that workers make on purpose, for tests of this project.",
        default_text="off",
    )
    max_forks: int = _setting(64, kind=kinds.whole(1, 4096), help="Copies that one fork_execution may start.")
    log_level: Literal["debug", "info", "warning", "error", "critical"] | None = _setting(
        None,
        kind=kinds.choice("debug", "info", "warning", "error", "critical", none="off"),
        help="Log to standard error from this level on.",
        default_text="off",
    )
    journal: str = _setting(
        "auto",
        kind=kinds.target("auto", "off"),
        help="File or directory for the journal of the run.",
        default_text="auto, in the runtime directory of the user",
    )
    journal_keep: int = _setting(
        20, kind=kinds.whole(1), help="Journals that are kept in the runtime directory of the user."
    )
    quiet: bool = _setting(
        False, kind=kinds.flag(), help="No progress and no summary on the terminal; standard error only."
    )
    cache: str = _setting(
        "auto",
        kind=kinds.target("auto", "off"),
        help="Directory for translations of programs, which later runs use.",
        on_host_run=True,
        default_text="auto, in the cache directory of the user",
    )
    exact_gas_profile: bool = _setting(
        False,
        kind=kinds.flag(),
        help="Keep gas and counts of each operation as the host does; nothing is compiled or runs ahead.",
        on_host_run=True,
    )
    # The program that is run, for the journal. Empty for code that comes from somewhere else.
    program: str = field(default="", compare=False, repr=False)
    # Field name -> where its value comes from, for values that are not defaults.
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for setting in settings():
            value = getattr(self, setting.name)
            try:
                normal = setting.kind.normalize(value)
            except ValueError:
                where = self.origins.get(setting.name)
                raise ConfigError(_complaint(setting, where or setting.name, value)) from None
            if normal is None and setting.default_factory is not None:
                normal = setting.default_factory()
            object.__setattr__(self, setting.name, normal)
        if self.min_chunk_size > self.chunk_size:
            object.__setattr__(self, "min_chunk_size", self.chunk_size)

    def origin(self, name: str) -> str:
        """Where the value of a field comes from: ``default``, an option, a variable, or a file and key."""
        return self.origins.get(name, "default")

    @property
    def gas_limit_value(self) -> int | None:
        """The limit as a number, None if there is none."""
        if self.gas_limit == "unlimited":
            return None
        return HOST_GAS_LIMIT if self.gas_limit is None else self.gas_limit

    def to_dict(self) -> dict[str, Any]:
        """The settings by name, as plain values."""
        return {setting.name: getattr(self, setting.name) for setting in settings()}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as people write it."""

    name: str
    kind: Kind
    help: str
    option: str
    variables: tuple[str, ...]
    on_host_run: bool
    default_text: str
    default_factory: Callable[[], Any] | None


_SETTINGS: list[Setting] = []


def settings() -> list[Setting]:
    """All settings, in the order of the fields."""
    if not _SETTINGS:
        for item in fields(ParallelConfig):
            spec: _Spec | None = item.metadata.get("setting")
            if spec is None:
                continue
            word = spec.option or item.name.replace("_", "-")
            names = dict.fromkeys((word.replace("-", "_").upper(), item.name.upper()))
            _SETTINGS.append(
                Setting(
                    name=item.name,
                    kind=spec.kind,
                    help=spec.help,
                    option=f"--{word}",
                    variables=tuple(ENV_PREFIX + name for name in names),
                    on_host_run=spec.on_host_run,
                    default_text=spec.default_text or _shown(item.default),
                    default_factory=None if item.default_factory is MISSING else item.default_factory,
                )
            )
    return _SETTINGS


def resolve_config(
    *,
    program: str | os.PathLike[str] | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> ParallelConfig:
    """Merge the layers: defaults < file next to ``program`` < environment < ``options``.

    Args:
        program: the Zexus program; ``zexus-plugin.toml`` is looked for in its directory.
        options: field name -> value from the command line, text or typed; None means not given.
        environ: the environment, by default that of the process.

    Raises:
        ConfigError: one line that names the option, variable, or file and key, and what would be right.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def put(setting: Setting, value: object, where: str) -> None:
        try:
            read = setting.kind.parse if isinstance(value, str) else setting.kind.normalize
            values[setting.name] = read(value)  # type: ignore[arg-type]
        except ValueError:
            raise ConfigError(_complaint(setting, where, value)) from None
        origins[setting.name] = where

    if program is not None:
        path = Path(program).parent / CONFIG_FILE
        for setting, value in read_config_file(path):
            put(setting, value, f"{path}: [{CONFIG_TABLE}] {setting.name}")
    environ = os.environ if environ is None else environ
    for setting in settings():
        for variable in setting.variables:
            if environ.get(variable):
                put(setting, environ[variable], variable)
                break
    for setting in settings():
        value = (options or {}).get(setting.name)
        if value is not None:
            put(setting, value, setting.option)
    shown = os.fspath(program) if program is not None else ""
    return ParallelConfig(**values, program=shown, origins=origins)


def read_config_file(path: Path) -> list[tuple[Setting, object]]:
    """The settings in ``[backend.parallel]`` of a file; none if there is no such file or table.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or has a key that is not a setting.
    """
    if path.is_fifo():
        raise ConfigError(f"{path}: cannot be read: it is a pipe, not a file")
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # also of numbers that are too long, of tables that are too deep
        raise ConfigError(f"{path}: not valid TOML: {' '.join(str(error).split())}") from None
    table: Any = document
    for part in CONFIG_TABLE.split("."):
        table = table.get(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: [{CONFIG_TABLE}] must be a table")
    by_name = {setting.name: setting for setting in settings()}
    for key in table:
        if key not in by_name:
            raise ConfigError(f"{path}: [{CONFIG_TABLE}] has no setting {key!r}{_did_you_mean(key)}")
    return [(by_name[key], value) for key, value in table.items()]


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """One line for each ``ZEXUS_PARALLEL_*`` variable that nothing reads."""
    known = {*ENVIRONMENT, *(name for setting in settings() for name in setting.variables)}
    unknown = [name for name in sorted(environ) if name.startswith(ENV_PREFIX) and name not in known]
    return [f"{name} is not a variable of this project" + _suggestion(name, known) for name in unknown]


def _did_you_mean(key: str) -> str:
    words = {setting.name: setting.name for setting in settings()}
    words.update({setting.option[2:].replace("-", "_"): setting.name for setting in settings()})
    return _suggestion(key.replace("-", "_").lower(), words, words)


def _suggestion(word: str, known: Iterable[str], meanings: Mapping[str, str] | None = None) -> str:
    from difflib import get_close_matches  # takes a while to import, and is for errors only

    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {(meanings or {}).get(near[0], near[0])}?" if near else ""


def _complaint(setting: Setting, where: str, value: object) -> str:
    shown = repr(value)
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]}…"
    return f"{where} must be {setting.kind.expected}, got {shown}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
