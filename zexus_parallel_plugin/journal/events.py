"""The events of a journal, as typed records. ``docs/journal.md`` describes them; this module defines them.

A journal is a text file of JSON objects, one on a line. Each has the keys ``e``, the kind of event, and
``t``, seconds since the start of the run on a clock that never goes back. All other keys are the fields of
the record of that kind; a field that has its default value is left out. Readers ignore kinds and fields that
they do not know, so both can be added without a new version.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from zexus_parallel_plugin.journal import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "KINDS",
    "TASK_STATES",
    "VERSION",
    "WORKER_STATES",
    "Attempt",
    "Barrier",
    "Chunk",
    "Decision",
    "Event",
    "Log",
    "Metrics",
    "Output",
    "RunEnd",
    "RunStart",
    "Sample",
    "Shared",
    "Source",
    "Task",
    "Warn",
    "Worker",
]

TASK_STATES = (
    "queued",  # waits for a worker
    "sent",  # in the pipe of a worker, behind another task
    "running",  # a worker is at it
    "delayed",  # its worker died or failed; it waits for its next attempt
    "done",  # the result is there, and the program has not come to it yet
    "committed",  # the results of all its calls were used, or of some: see `committed` and `calls`
    "thrown-away",  # finished, and no result was used
    "failed",  # no worker could do it; its calls are executed in place
    "cancelled",  # given up before it was finished
)

WORKER_STATES = ("starting", "ready", "stopping", "killed", "dead")

RUN_STATES = ("finished", "failed", "interrupted")


def doc(text: str, default: Any = MISSING, *, factory: Any = MISSING, one_of: tuple[str, ...] = ()) -> Any:
    """A field of an event, with what the documentation says about it."""
    metadata = {"doc": text, "one_of": one_of}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = ""
    help: ClassVar[str] = ""

    t: float = doc("seconds since the start of the run")


@dataclass(frozen=True, slots=True)
class RunStart(Event):
    """The first line."""

    kind: ClassVar[str] = "run.start"
    help: ClassVar[str] = "The first line of a journal: what runs, where, and how."

    v: int = doc("version of the schema")
    run: str = doc("id of the run; the file is named after it")
    time: float = doc("when it started: seconds since 1970, UTC")
    pid: int = doc("the main process")
    started: str = doc(
        "which process of that number: compared before a signal is sent to it; empty where unknown", ""
    )
    program: str = doc("the Zexus file as it was given; empty for code that came from somewhere else", "")
    path: str = doc("its absolute path", "")
    backend: str = doc("the backend that runs it", "parallel")
    workers: int = doc("most worker processes that there may be", 0)
    cores: int = doc("cores that the process may use", 0)
    gas_limit: float | None = doc("gas that the program may use; null: unlimited", None)
    config: Mapping[str, Any] = doc("the settings", factory=dict)
    versions: Mapping[str, Any] = doc("versions of `plugin`, `zexus` and `python`", factory=dict)
    system: str = doc("operating system and kind of processor", "")


@dataclass(frozen=True, slots=True)
class Source(Event):
    """Text of the program."""

    kind: ClassVar[str] = "source"
    help: ClassVar[str] = "The text of the program, so that the journal can be read without the file."

    path: str = doc("the file")
    sha256: str = doc("hash of the whole file")
    lines: Sequence[str] = doc("its lines, at most 20 000 of them and a megabyte of text", factory=list)
    cut: bool = doc("the file has more than `lines`", False)


@dataclass(frozen=True, slots=True)
class Chunk(Event):
    """A piece of code and the decision about it; later events with the same id replace what is known."""

    kind: ClassVar[str] = "chunk"
    help: ClassVar[str] = (
        "A piece of code and the decision about it. An event with an id that is known already tells what has "
        "changed."
    )

    id: int = doc("number of the chunk in this run")
    what: str | None = doc("what it is: call, loop, map, fork, block", None)
    name: str | None = doc("what is called, or what the chunk is about", None)
    inside: str | None = doc("the action that contains it; empty: the top level of the program", None)
    line: int | None = doc("first source line, from 1; 0: unknown", None)
    end_line: int | None = doc("last source line", None)
    verdict: str | None = doc(
        "parallel: its tasks go to workers; watching: nothing is decided; in-place: not worth it, or not "
        "possible; host: left to the host",
        None,
        one_of=("parallel", "watching", "in-place", "host"),
    )
    reason: str | None = doc("reason code of the verdict; see the page on reasons", None)
    reads: Sequence[str] | None = doc("names that it may read outside of itself", None)
    writes: Sequence[str] | None = doc("names that it may write outside of itself", None)
    depends: Sequence[Mapping[str, Any]] | None = doc(
        "what it depends on: objects with `on` (id of a chunk), `name` (the variable), `type` (raw, war, "
        "waw, control) and `proven` (false: assumed)",
        None,
    )
    expected: int | None = doc("calls that are expected in all, as far as that is known", None)
    seconds: float | None = doc("what one call takes, measured", None)


@dataclass(frozen=True, slots=True)
class Task(Event):
    """A task; later events with the same id tell what has changed."""

    kind: ClassVar[str] = "task"
    help: ClassVar[str] = (
        "A task: what a worker gets at a time. Events are written a few times a second, so a short task has "
        "one event with its whole life, a long one has several. An event tells what has changed since the "
        "one before."
    )

    id: int = doc("number of the task in this run")
    state: str = doc("where it is now", one_of=TASK_STATES)
    what: str | None = doc("calls, map, fork, or another kind of work", None)
    name: str | None = doc("the action that is called", None)
    chunk: int | None = doc("the chunk that it belongs to", None)
    line: int | None = doc("source line of the call; 0: unknown", None)
    calls: int | None = doc("how many calls it consists of", None)
    bytes: int | None = doc("size of what is sent", None)
    expected: float | None = doc("seconds that it was expected to take", None)
    worker: int | None = doc("the worker that has it", None)
    attempt: int | None = doc("which attempt it is, from 1", None)
    queued: float | None = doc("when it was given to the pool", None)
    sent: float | None = doc("when it was written to a worker's pipe", None)
    begun: float | None = doc("when the worker began with it", None)
    ended: float | None = doc("when it was finished, or given up", None)
    settled: float | None = doc("when the program came to its last call", None)
    cpu: float | None = doc("CPU seconds on the worker", None)
    rss: int | None = doc("highest memory of the worker so far, bytes", None)
    seconds: Sequence[float] | None = doc("what each of its calls took", None)
    committed: int | None = doc("calls whose result was used", None)
    thrown: Mapping[str, int] | None = doc("calls whose result was not used, by reason code", None)
    gas: int | None = doc("gas of the committed calls", None)
    cause: str | None = doc("why it failed or was cancelled", None)
    detail: str | None = doc("more about that", None)


@dataclass(frozen=True, slots=True)
class Attempt(Event):
    """One attempt of a task that failed."""

    kind: ClassVar[str] = "attempt"
    help: ClassVar[str] = "An attempt of a task failed."

    task: int = doc("the task")
    attempt: int = doc("which attempt, from 1")
    worker: int | None = doc("the worker", None)
    begun: float | None = doc("when it began", None)
    cause: str = doc("died, timeout, error, memory, unsendable, undecodable, cancelled or broken", "")
    detail: str = doc("what happened", "")
    error: str = doc("class of the exception on the worker", "")
    traceback: str = doc("its traceback, shortened", "")
    again: bool = doc("it is tried again", False)


@dataclass(frozen=True, slots=True)
class Worker(Event):
    """A worker process; later events with the same id tell what has changed."""

    kind: ClassVar[str] = "worker"
    help: ClassVar[str] = (
        "A worker process. Each has a number of its own; the one that replaces it takes over its slot."
    )

    id: int = doc("number of the worker in this run")
    state: str = doc("where it is now", one_of=WORKER_STATES)
    slot: int | None = doc("its row in pictures, from 0: one at a time is in a slot", None)
    pid: int | None = doc("the process", None)
    started: str | None = doc("which process of that number, as in run.start", None)
    method: str | None = doc("how it was started", None)
    ready: float | None = doc("seconds that its start took", None)
    code: int | None = doc("exit code; negative: the number of the signal", None)
    signal: str | None = doc("name of the signal that ended it, or that was sent to it", None)
    expected: bool | None = doc("its end was wanted", None)
    reason: str | None = doc("why it was stopped or killed, or what it left on its error output", None)


@dataclass(frozen=True, slots=True)
class Sample(Event):
    """How processes are doing."""

    kind: ClassVar[str] = "sample"
    help: ClassVar[str] = "Memory and CPU time of the processes, about once a second."

    workers: Sequence[Sequence[float]] = doc(
        "for each worker: id, resident bytes, CPU seconds so far", factory=list
    )
    rss: int = doc("resident bytes of the main process", 0)
    cpu: float = doc("CPU seconds of the main process so far", 0.0)


@dataclass(frozen=True, slots=True)
class Shared(Event):
    """Accesses to a shared variable."""

    kind: ClassVar[str] = "shared"
    help: ClassVar[str] = "Accesses to a shared variable, counted since the start of the run."

    name: str = doc("the variable")
    reads: int = doc("how often it was read", 0)
    writes: int = doc("how often it was written, additions and updates included", 0)
    value: str = doc("the value as text, shortened", "")


@dataclass(frozen=True, slots=True)
class Barrier(Event):
    """Somebody came to a barrier, or it opened."""

    kind: ClassVar[str] = "barrier"
    help: ClassVar[str] = "A barrier of a fork."

    name: str = doc("its id")
    state: str = doc("what has become of it", one_of=("waiting", "open", "broken"))
    waiting: int = doc("copies that wait", 0)
    of: int = doc("copies that are needed", 0)


@dataclass(frozen=True, slots=True)
class Metrics(Event):
    """Counts so far."""

    kind: ClassVar[str] = "metrics"
    help: ClassVar[str] = "Counts since the start of the run; written when they have changed."

    gas: int | None = doc("gas used", None)
    operations: int | None = doc("operations executed", None)
    counts: Mapping[str, float] = doc("counts and times of the run, by name", factory=dict)
    reasons: Mapping[str, int] = doc("how often each decision was taken, by reason code", factory=dict)


@dataclass(frozen=True, slots=True)
class Decision(Event):
    """A decision that is worth a line of its own."""

    kind: ClassVar[str] = "decision"
    help: ClassVar[str] = "A decision that is worth a line of its own; all of them are counted in metrics."

    reason: str = doc("reason code")
    chunk: int | None = doc("the chunk that it is about", None)
    detail: str = doc("more about it", "")


@dataclass(frozen=True, slots=True)
class Warn(Event):
    """Something is not as it should be."""

    kind: ClassVar[str] = "warning"
    help: ClassVar[str] = "Something is not as it should be; the results of the program are not affected."

    text: str = doc("one line")
    reason: str = doc("reason code, if there is one", "")


@dataclass(frozen=True, slots=True)
class Output(Event):
    """Text that the program printed."""

    kind: ClassVar[str] = "output"
    help: ClassVar[str] = (
        "Text that the program printed. The first 64 KiB are kept, of the rest only the length."
    )

    text: str = doc("the text, exactly", "")
    dropped: int = doc("characters printed since the last event that are not kept", 0)


@dataclass(frozen=True, slots=True)
class Log(Event):
    """A line of the log."""

    kind: ClassVar[str] = "log"
    help: ClassVar[str] = "A line of the log of the plugin."

    level: str = doc("debug, info, warning, error or critical")
    text: str = doc("the line")
    logger: str = doc("name of the logger", "")


@dataclass(frozen=True, slots=True)
class RunEnd(Event):
    """The last line of a run that could say that it ended."""

    kind: ClassVar[str] = "run.end"
    help: ClassVar[str] = (
        "The last line. A journal without it belongs to a run that is going on, or to one whose process was "
        "ended from outside."
    )

    state: str = doc("how it ended", one_of=RUN_STATES)
    code: int = doc("exit code of the command", 0)
    error: str = doc("the error that ended the program, one line", "")
    left_to_host: str = doc("reason code, if the host's own VM executed the program", "")


KINDS: dict[str, type[Event]] = {
    record.kind: record
    for record in (
        RunStart, Source, Chunk, Task, Attempt, Worker, Sample, Shared, Barrier, Metrics, Decision, Warn,
        Output, Log, RunEnd,
    )
}  # fmt: skip
"""All kinds of events, in the order of the documentation."""
