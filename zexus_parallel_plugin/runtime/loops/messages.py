"""What crosses the pipe for a sub-range of a loop.

What all ranges of one execution of a loop have in common, its *base*, is pickled once and goes to each worker
once. Containers that belong to the base or to the elements of a ``for each`` come back as references, so that
what the program gets is its own object and not a copy.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.engine.parts import parts_of
from zexus_parallel_plugin.runtime.snapshot import CONTAINERS, NotPlainError, dumps, without_collections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RANGE_TAG: Final = "range"
"""First item of the payload of a range task."""
CHUNK_TAG: Final = "chunk"
"""First item of the payload of a chunk task."""

_SETS = frozenset({set, frozenset})


class RangeSpec(NamedTuple):
    """A payload.

    Attributes:
        main: the code object of the program; code: the one with the loop; head: where the loop begins.
        base: key of the base among the published blobs, or its pickle.
        counters: values of the induction variables before the first iteration.
        private: names of variables that are assigned before they are read.
        accumulators: names of accumulators in order; folds: for each, the type whose values may be summed up
            or joined on the worker, empty if they must be handed back one by one.
        extrema: names of variables that keep the greatest or least value, with what they held when the task
            was made.
        elements: name of the list that is walked through and its elements for this range, or None.
        mutates: whether inputs have to be compared with what they were.
        iterations: how many of them.
        depth: that of the frame; gas, operations: what the program had used.
    """

    main: Any
    code: Any
    head: int
    base: bytes
    counters: dict[str, int]
    private: tuple[str, ...]
    accumulators: tuple[str, ...]
    folds: tuple[str, ...]
    extrema: dict[str, Any]
    elements: tuple[str, list[Any]] | None
    mutates: bool
    iterations: int
    depth: int
    gas: int
    operations: int


class RangeResult(NamedTuple):
    """An answer.

    Attributes:
        done: iterations that are complete; fewer than asked for: the next one must be executed in place.
        reason: reason code why it was fewer, else empty.
        counters: values of the induction variables behind them.
        private: values of private variables, as far as they were assigned.
        records: what was recorded for each accumulator: ``(fold, values)``, see `folded`.
        replacements: for each extremum, the values that it was given, beginning with what it held when the
            task was made.
        text: what was printed. gas, operations, seconds: what it took.
    """

    done: int
    reason: str = ""
    counters: tuple[int, ...] = ()
    private: tuple[tuple[str, Any], ...] = ()
    records: tuple[tuple[str, Any], ...] = ()
    replacements: tuple[list[Any], ...] = ()
    text: str = ""
    gas: int = 0
    operations: int = 0
    seconds: float = 0.0


class ChunkSpec(NamedTuple):
    """A chunk of code that a worker executes as a whole.

    Attributes:
        main: the code object of the program; code: the one with the instructions ``start`` up to ``end``.
        values: what it may read; absent: names that are nowhere. stores: names that it assigns.
        depth: that of the frame; gas, operations: what the program had used.
    """

    main: Any
    code: Any
    start: int
    end: int
    values: dict[str, Any]
    absent: frozenset[str]
    stores: tuple[str, ...]
    depth: int
    gas: int
    operations: int


class ChunkResult(NamedTuple):
    """An answer: ``reason`` says why it must be executed in place, ``values`` are the variables assigned."""

    reason: str = ""
    values: tuple[tuple[str, Any], ...] = ()
    text: str = ""
    gas: int = 0
    operations: int = 0
    seconds: float = 0.0


def encode_chunk(spec: ChunkSpec, key_of: Callable[[Any], bytes]) -> bytes:
    """The payload of a chunk task.

    :raises NotPlainError: something in it cannot be sent.
    """
    return dumps((CHUNK_TAG, *spec), key_of)


def encode_range(spec: RangeSpec, key_of: Callable[[Any], bytes]) -> bytes:
    """The payload of a range task.

    :raises NotPlainError: something in it cannot be sent.
    """
    return dumps((RANGE_TAG, *spec), key_of)


def containers_of(values: Iterable[Any]) -> list[Any]:
    """All containers in plain values, each once, in an order that copies of the values have as well."""
    seen: set[int] = set()
    found: list[Any] = []
    work = [value for value in values if type(value) in CONTAINERS][::-1]
    while work:
        value = work.pop()
        if id(value) in seen or is_function(value):
            continue
        seen.add(id(value))
        found.append(value)
        if type(value) not in _SETS:
            work += parts_of(value, CONTAINERS)[::-1]
    return found


class References:
    """Containers among some values that the program has as well, by which answers refer to its own ones.

    They are looked for when somebody asks.

    :param before: others, which are numbered first.
    """

    __slots__ = ("_before", "_containers", "_numbers", "_values")

    def __init__(self, values: Iterable[Any], before: References | None = None) -> None:
        self._values = values
        self._before = before
        self._containers: list[Any] = []
        self._numbers: dict[int, int] | None = None

    def _look(self) -> dict[int, int]:
        if self._numbers is None:
            # Kept, so that nothing else gets one of these identities.
            self._containers = containers_of(self._values)
            first = 0 if self._before is None else self._before.count
            self._numbers = {id(value): number for number, value in enumerate(self._containers, first)}
        return self._numbers

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._look()) + (0 if self._before is None else self._before.count)

    def has_any(self, containers: list[Any]) -> bool:
        """Whether one of some containers has a number."""
        return not self._look().keys().isdisjoint(map(id, containers)) or (
            self._before is not None and self._before.has_any(containers)
        )

    def number(self, value: Any) -> int | None:
        """The number of a container, None if it is another one."""
        number = self._look().get(id(value))
        return number if number is not None or self._before is None else self._before.number(value)


class _ReferencePickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, inputs: References) -> None:
        super().__init__(file, 5)
        self._inputs = inputs

    def persistent_id(self, obj: Any) -> Any:
        return self._inputs.number(obj) if type(obj) in CONTAINERS else None

    def reducer_override(self, obj: Any) -> Any:
        raise NotPlainError("value-not-plain", type(obj).__name__)


class _ReferenceUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, objects: list[Any]) -> None:
        super().__init__(file)
        self._objects = objects

    def persistent_load(self, pid: Any) -> Any:
        return self._objects[pid]


def encode_result(result: RangeResult | ChunkResult, inputs: References) -> bytes:
    """The answer of a worker; ``inputs`` are what the program has as well.

    :raises NotPlainError: a value cannot be sent.
    """
    if not inputs.has_any(containers_of(result)):
        return dumps(tuple(result))
    file = io.BytesIO()
    try:
        _ReferencePickler(file, inputs).dump(tuple(result))
    except (RecursionError, pickle.PicklingError, TypeError, AttributeError) as error:
        raise NotPlainError("value-not-plain", f"{type(error).__name__}: {error}") from None
    return file.getvalue()


def decode_result(data: Any, inputs: Callable[[], list[Any]]) -> RangeResult:
    """The inverse of :func:`encode_result`.

    :param inputs: makes the list of the program's own containers, when a reference needs it.
    :raises ValueError: the bytes are something else.
    """
    try:
        with without_collections():
            return RangeResult(*_ReferenceUnpickler(io.BytesIO(data), _Late(inputs)).load())
    except Exception as error:
        raise ValueError(f"not an answer to a range: {type(error).__name__}: {error}") from error


def decode_chunk(data: Any, inputs: Callable[[], list[Any]]) -> ChunkResult:
    """The same for a chunk."""
    try:
        with without_collections():
            return ChunkResult(*_ReferenceUnpickler(io.BytesIO(data), _Late(inputs)).load())
    except Exception as error:
        raise ValueError(f"not an answer to a chunk: {type(error).__name__}: {error}") from error


class _Late(list[Any]):
    def __init__(self, make: Callable[[], list[Any]]) -> None:
        super().__init__()
        self._make = make
        self._made: list[Any] | None = None

    def __getitem__(self, index: Any) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made[index]
