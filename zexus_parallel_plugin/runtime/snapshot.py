"""Values on their way between processes: plain values only, code by reference.

A pickle takes exactly those types that it reproduces exactly (text, numbers, lists, maps, …). Code objects
are replaced by keys; the code itself goes to each worker once. Anything else, say an entity or an error
value, is refused: its identity or its behaviour would not survive.
"""

from __future__ import annotations

import gc
import io
import pickle
from collections.abc import Callable
from contextlib import contextmanager
from math import copysign
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.engine.parts import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALARS = frozenset({int, float, str, bool, type(None)})
"""Types of immutable values without parts."""

CONTAINERS = frozenset({list, dict, tuple, set, frozenset})

CodeKey = Callable[[Any], bytes]

_resolve: Callable[[bytes], Any] | None = None


class NotPlainError(Exception):
    """A value that does not survive the way to another process. ``reason`` is a reason code."""

    def __init__(self, reason: str, kind: str) -> None:
        super().__init__(f"{reason}: {kind}")
        self.reason = reason


def published(key: bytes) -> Any:
    """What a pickle has for a code object: looks it up among those that this worker got."""
    assert _resolve is not None, "no library of code is open"
    return _resolve(key)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, key_of: CodeKey | None, *, strict: bool = True) -> None:
        super().__init__(file, 5)
        self._key_of = key_of
        self._strict = strict

    def reducer_override(self, obj: Any) -> Any:
        """Called for all types that pickle does not know by itself."""
        if hasattr(obj, "instructions") and hasattr(obj, "constants") and not isinstance(obj, type):
            if self._key_of is None:
                raise NotPlainError("value-function", type(obj).__name__)
            return published, (self._key_of(obj),)
        if self._strict and obj is not published:
            raise NotPlainError("value-not-plain", type(obj).__name__)
        return NotImplemented


def dumps(value: Any, key_of: CodeKey | None = None) -> bytes:
    """Pickle a plain value.

    :param key_of: makes the key of a code object; without it there must be none.
    :raises NotPlainError: it is not plain, or nested too deeply.
    """
    file = io.BytesIO()
    try:
        _Pickler(file, key_of).dump(value)
    except NotPlainError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever pickle has against it
        raise NotPlainError("value-not-plain", f"{type(error).__name__}: {error}") from None
    return file.getvalue()


def loads(data: Any, resolve: Callable[[bytes], Any]) -> Any:
    """The inverse of :func:`dumps`; ``resolve`` has the code objects."""
    global _resolve  # noqa: PLW0603 - pickle calls a function by its name; this is its one argument
    before, _resolve = _resolve, resolve
    try:
        with without_collections():
            return pickle.loads(data)
    finally:
        _resolve = before


@contextmanager
def without_collections() -> Iterator[None]:
    """Nothing that is made in this context is garbage yet, so that nobody need look for any: much of the time
    of reading many lists would go there.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Library:
    """Code objects that workers were sent, or will be: each is pickled once and has a key of its own."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[Any, bytes]] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._needs: dict[bytes, frozenset[bytes]] = {}
        self._used: set[bytes] = set()

    def key_of(self, bytecode: Any) -> bytes:
        """The key of a code object; remembers that it is used (see :meth:`needed`).

        :raises NotPlainError: something in it cannot be sent.
        """
        known = self._keys.get(id(bytecode))
        if known is None:
            known = bytecode, b"code-%d" % len(self._keys)
            self._keys[id(bytecode)] = known
            try:
                self._add(bytecode, known[1])
            except Exception as error:
                del self._keys[id(bytecode)]
                raise NotPlainError("value-not-plain", f"code: {type(error).__name__}") from error
        self._used.add(known[1])
        return known[1]

    def _add(self, bytecode: Any, key: bytes) -> None:
        # Code that stands inside has a key of its own, so that each code object is one object on the worker
        # too.
        outer, self._used = self._used, set()
        try:
            file = io.BytesIO()
            pickler = _Pickler(
                file, lambda inner: b"" if inner is bytecode else self.key_of(inner), strict=False
            )
            pickler.dump(dict(vars(bytecode), __class__=type(bytecode)))
            self._blobs[key] = file.getvalue()
            self._needs[key] = frozenset(self._used)
        finally:
            self._used = outer

    def has(self, bytecode: Any) -> bool:
        """Whether this code object can be sent, with all code inside."""
        if bytecode is None:
            return False
        try:
            self.key_of(bytecode)
        except NotPlainError:
            return False
        return True

    def start(self) -> None:
        """Begin a task: forget what was used so far."""
        self._used = set()

    def needed(self) -> dict[bytes, bytes]:
        """Keys and blobs of all code that was used since :meth:`start`, with the code inside of it."""
        found: dict[bytes, bytes] = {}
        work = list(self._used)
        while work:
            key = work.pop()
            if key not in found:
                found[key] = self._blobs[key]
                work += self._needs[key]
        return found


class Shelf:
    """A worker's side of the library: blobs that came, code objects made of them at their first use."""

    def __init__(self) -> None:
        self._blobs: dict[bytes, bytes] = {}
        self._made: dict[bytes, Any] = {}

    def put(self, key: bytes, blob: Any) -> None:
        """Take a blob."""
        self._blobs[key] = bytes(blob)

    def take(self, key: bytes) -> bytes:
        """The blob with this key, which is not needed again.

        :raises KeyError: it was not sent.
        """
        return self._blobs.pop(key)

    def get(self, key: bytes) -> Any:
        """The code object with this key.

        :raises KeyError: it was not sent.
        """
        made = self._made.get(key)
        if made is None:
            fields = loads(self._blobs[key], self.get)
            kind = fields.pop("__class__")
            made = kind.__new__(kind)
            made.__dict__.update(fields)
            self._made[key] = made
        return made


def same_scalar(left: Any, right: Any) -> bool:
    """Tell whether two immutable values cannot be told apart (1 and true, 0.0 and -0.0 can)."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right) or kind not in SCALARS or left != right:
        return False
    return kind is not float or left != 0.0 or copysign(1.0, left) == copysign(1.0, right)


def containers_in(values: Any) -> set[int]:
    """Identities of all containers in a plain value, itself included; only while the value lives."""
    seen: set[int] = set()
    work = [values]
    while work:
        value = work.pop()
        if type(value) in CONTAINERS and id(value) not in seen:
            seen.add(id(value))
            work += parts_of(value, CONTAINERS)
    return seen


class FunctionStamp:
    """What an action was when a task was made of it: its descriptor is a map that programs could change."""

    __slots__ = ("bytecode", "params", "size")

    def __init__(self, function: dict[str, Any]) -> None:
        self.bytecode = function["bytecode"]
        self.params = tuple(function.get("params") or function.get("parameters") or ())
        self.size = len(function)

    def holds(self, function: dict[str, Any]) -> bool:
        """Tell whether it is still the same action."""
        return (
            len(function) == self.size
            and is_function(function)
            and function["bytecode"] is self.bytecode
            and tuple(function.get("params") or function.get("parameters") or ()) == self.params
        )
