"""Tasks: batches of calls, and the two messages that cross the pipe for each."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from zexus_parallel_plugin.analysis.footprint import Descriptor, Footprint, is_function
from zexus_parallel_plugin.runtime.snapshot import SCALARS, FunctionStamp, Library, dumps, same_scalar
from zexus_parallel_plugin.runtime.visible import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Slot = tuple[int, int]
"""Where a container went: number of the group in the call, index in the group."""


class Record(NamedTuple):
    """What a worker answers for one call.

    ``refusal`` is empty, or the reason code why the result must not be used. ``seconds`` is the time that it
    took.
    """

    refusal: str
    value: Any = None
    gas: int = 0
    operations: int = 0
    text: str = ""
    seconds: float = 0.0


class CallSpec(NamedTuple):
    """One call on its way to a worker. Containers among the values are replaced by None, and listed as
    slots.
    """

    function: Descriptor
    args: list[Any]
    arg_slots: tuple[tuple[int, Slot], ...]
    names: int
    groups: tuple[int, ...]


class NamesSpec(NamedTuple):
    """The names that a call may see: values, slots of containers, and names known to be nowhere."""

    values: dict[str, Any]
    slots: tuple[tuple[str, Slot], ...]
    absent: frozenset[str]
    mutates: bool


class TaskSpec(NamedTuple):
    """A payload: calls and the tables that they refer to.

    ``main`` is the code object of the program, None if it cannot be sent; ``depth`` that of the calling
    frame; ``gas`` and ``operations`` what the program had used. Groups are pickles of tuples of containers.
    """

    main: Any
    depth: int
    gas: int
    operations: int
    calls: list[CallSpec]
    names: list[NamesSpec]
    groups: list[bytes]


@dataclass(slots=True, eq=False)
class PlannedCall:
    """A call that the program is expected to make: its inputs as they are now.

    ``names`` are the values of the names in ``footprint.reads``, then for those in ``footprint.stores`` only
    whether they exist. ``groups`` are pickles of the containers among the inputs: of the arguments and of the
    names, or of both together when the call may change one, since it could then notice which of them are the
    same.
    """

    ip: int
    args: list[Any]
    names: tuple[Any, ...]
    footprint: Footprint
    stamp: FunctionStamp
    stamps: tuple[tuple[int, FunctionStamp], ...]
    groups: tuple[bytes, ...]
    batch: Batch | None = None
    index: int = 0

    @property
    def function(self) -> Descriptor:
        """The action that is called."""
        return self.footprint.function


class Batch:
    """Calls that were sent together: their handle in the pool, and their results once they are there."""

    __slots__ = ("blamed", "calls", "failure", "handle", "left", "records", "weight")

    def __init__(self, calls: list[PlannedCall], weight: float | None, handle: Any) -> None:
        self.calls = calls
        self.left = len(calls)
        self.weight = weight
        self.handle = handle
        self.blamed = False
        self.records: list[Record] | None = None
        self.failure = ""
        for index, call in enumerate(calls):
            call.batch, call.index = self, index


def plan(
    ip: int,
    footprint: Footprint,
    args: list[Any],
    lookup: Callable[[str], Any],
    pickle_group: Callable[[tuple[Any, ...]], bytes],
) -> PlannedCall:
    """Record the inputs of a call.

    :param lookup: value of a name as the callee would see it, `ABSENT` if nobody has it.
    :param pickle_group: pickles a group of containers.
    :raises NotPlainError: an input cannot be sent.
    """
    names = inputs_by_name(footprint, lookup)
    stamps = []
    for position, value in enumerate((*args, *names)):
        if is_function(value):
            stamps.append((position, FunctionStamp(value)))
    groups = tuple(pickle_group(group) for group in container_groups(footprint, args, names))
    stamp = FunctionStamp(footprint.function)
    return PlannedCall(ip, args, names, footprint, stamp, tuple(stamps), groups)


def inputs_by_name(footprint: Footprint, lookup: Callable[[str], Any]) -> tuple[Any, ...]:
    """Values of the names that the call may read, then existence (None or `ABSENT`) of those that it may
    assign.
    """
    names = [lookup(name) for name in footprint.reads]
    names += [ABSENT if lookup(name) is ABSENT else None for name in footprint.stores]
    return tuple(names)


def container_groups(
    footprint: Footprint, args: Sequence[Any], names: Sequence[Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The containers among the inputs, in groups whose members may share parts."""
    of_args = tuple(value for value in args if _is_container(value))
    of_names = tuple(value for value in names if _is_container(value))
    return (of_args + of_names, ()) if footprint.mutates else (of_args, of_names)


def _is_container(value: Any) -> bool:
    return type(value) not in SCALARS and value is not ABSENT and not is_function(value)


def difference(
    call: PlannedCall,
    function: Descriptor,
    args: list[Any],
    lookup: Callable[[str], Any],
    pickle_group: Callable[[tuple[Any, ...]], bytes],
) -> str:
    """Why a planned call is not the one that the program makes now; empty if it is.

    :raises NotPlainError: an input cannot be sent, so it is another one.
    """
    if function is not call.function or not call.stamp.holds(function):
        return "changed-callee"
    if len(args) != len(call.args) or not all(map(_may_match, call.args, args)):
        return "changed-arguments"
    names = inputs_by_name(call.footprint, lookup)
    if not all(map(_may_match, call.names, names)):
        return "changed-names"
    inputs = (*args, *names)
    if not all(stamp.holds(inputs[position]) for position, stamp in call.stamps):
        return "changed-callee"
    for group, known in zip(container_groups(call.footprint, args, names), call.groups, strict=True):
        if (known or group) and pickle_group(group) != known:
            return "changed-containers"
    return ""


def matches(call: PlannedCall, function: Descriptor, args: list[Any]) -> bool:
    """A quick look whether a planned call may be this one, to find it among others."""
    return function is call.function and len(args) == len(call.args) and all(map(_may_match, call.args, args))


def _may_match(known: Any, value: Any) -> bool:
    """Equal scalars, the same action, or containers of one type (whose contents are compared as pickles)."""
    if known is value:
        return True
    if type(known) is not type(value) or known is ABSENT:
        return False
    if type(known) in SCALARS:
        return same_scalar(known, value)
    return not is_function(known) and not is_function(value)


def encode_task(
    calls: list[PlannedCall], main: Any, depth: int, used: tuple[int, int], library: Library
) -> tuple[bytes, dict[bytes, bytes]]:
    """The payload of a task, and the code that it needs: blobs by key.

    :param main: the program's code object, or None.
    :param used: gas and operations so far.
    :raises NotPlainError: something in it cannot be sent.
    """
    library.start()
    groups: dict[bytes, int] = {}
    specs: list[CallSpec] = []
    tables: list[NamesSpec] = []
    previous: PlannedCall | None = None
    for call in calls:
        if previous is None or not _same_names(previous, call):
            tables.append(_names_spec(call))
        previous = call
        args, arg_slots = list(call.args), []
        index = 0
        for position, value in enumerate(args):
            if _is_container(value):
                args[position] = None
                arg_slots.append((position, (0, index)))
                index += 1
        numbers = tuple(groups.setdefault(group, len(groups)) if group else -1 for group in call.groups)
        specs.append(CallSpec(call.function, args, tuple(arg_slots), len(tables) - 1, numbers))
    spec = TaskSpec(main, depth, *used, specs, tables, list(groups))
    return dumps(_plain(spec), library.key_of), library.needed()


def _plain(spec: TaskSpec) -> tuple[Any, ...]:
    """Tuples only: named ones would be pickled by reference to their class."""
    return (
        *spec[:4],
        [tuple(call) for call in spec.calls],
        [tuple(table) for table in spec.names],
        spec.groups,
    )


def decode_task(data: tuple[Any, ...]) -> TaskSpec:
    """The inverse of what :func:`encode_task` pickles."""
    main, depth, gas, operations, calls, names, groups = data
    return TaskSpec(
        main, depth, gas, operations, [CallSpec(*call) for call in calls], [NamesSpec(*table) for table in
        names], groups
    )  # fmt: skip


def _same_names(left: PlannedCall, right: PlannedCall) -> bool:
    if left.footprint is not right.footprint:
        return False
    if left.footprint.mutates and any(_is_container(value) for value in (*left.args, *right.args)):
        return False  # the slots of names come behind those of the arguments
    return all(map(_identical, left.names, right.names))


def _identical(left: Any, right: Any) -> bool:
    return left is right


def _names_spec(call: PlannedCall) -> NamesSpec:
    footprint = call.footprint
    values: dict[str, Any] = {}
    slots: list[tuple[str, Slot]] = []
    absent: set[str] = set()
    group = 0 if footprint.mutates else 1
    index = sum(map(_is_container, call.args)) if footprint.mutates else 0
    for name, value in zip((*footprint.reads, *footprint.stores), call.names, strict=True):
        if value is ABSENT:
            absent.add(name)
        elif _is_container(value):
            values[name] = None
            slots.append((name, (group, index)))
            index += 1
        else:
            values[name] = value
    return NamesSpec(values, tuple(slots), frozenset(absent), footprint.mutates)


def encode_records(records: list[Record]) -> bytes:
    """The answer to a task. A value that cannot be sent turns its record into a refusal."""
    return pickle.dumps([tuple(record) for record in records], 5)


def decode_records(data: Any) -> list[Record]:
    """The inverse of :func:`encode_records`.

    :raises ValueError: the bytes are something else.
    """
    try:
        return [Record(*fields) for fields in pickle.loads(data)]
    except Exception as error:
        raise ValueError(f"not an answer to a task: {type(error).__name__}") from error
