"""The snapshot that copies get: an action and all variables that it can see, as they are at the fork."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from zexus_parallel_plugin.engine.parallel import is_action, shown
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.runtime.snapshot import SCALARS, NotPlainError, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.engine.frame import Frame
    from zexus_parallel_plugin.runtime.pool.frames import Bytes
    from zexus_parallel_plugin.runtime.snapshot import CodeKey, Library

_KINDS = {
    "value-function": "an action",
    "value-not-plain": "something that is neither text, number, list nor map",
}


class Visible(NamedTuple):
    """What a copy begins with.

    ``main`` is the program's code object, None if it cannot be sent; ``depth`` that of the forking frame;
    ``gas`` and ``operations`` what the program had used.
    """

    function: dict[str, Any]
    variables: dict[str, Any]
    main: Any
    depth: int
    gas: int
    operations: int


class Unsent:
    """Stands in a copy for the value of a variable that could not be sent: whatever is done with it fails."""

    def __init__(self, name: str, what: str) -> None:
        object.__setattr__(self, "_unsent", (name, what))

    def __repr__(self) -> str:
        return f"<not sent: {self._unsent[0]}>"

    def __getattr__(self, name: str) -> NoReturn:
        self._use()

    def _use(self, *_others: Any) -> NoReturn:
        name, what = object.__getattribute__(self, "_unsent")
        raise host.VMRuntimeError(f"the variable {name} was not sent to this copy of a fork: it is {what}")


_OPERATIONS = (
    "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv",
    "mod", "rmod", "pow", "rpow", "neg", "eq", "ne", "lt", "le", "gt", "ge", "bool", "len", "iter",
    "contains", "getitem", "setitem", "hash", "str", "call", "index", "int", "float",
)  # fmt: skip
for _operation in _OPERATIONS:
    setattr(Unsent, f"__{_operation}__", Unsent._use)


def visible_variables(frame: Frame) -> dict[str, Any]:
    """Names and values that a callee of this frame sees."""
    found: dict[str, Any] = {}
    for current in frame.chain():
        for name in current.env:
            if name not in found:
                found[name] = current.env[name]
    return found


def encode(
    frame: Frame, function: dict[str, Any], main: Any, used: tuple[int, int], library: Library
) -> tuple[bytes, dict[bytes, bytes]]:
    """The snapshot as bytes, and the code that it needs: blobs by key.

    Values that cannot be sent are left out, and named.

    :param used: gas and operations so far.
    :raises NotPlainError: the action itself cannot be sent.
    """
    library.start()
    variables = visible_variables(frame)
    missing: dict[str, str] = {}
    rest = function, main, frame.depth, *used
    try:
        data = dumps((variables, missing, rest), library.key_of)
    except NotPlainError:
        for name, value in list(variables.items()):
            reason = _reason_against(value, library.key_of)
            if reason:
                missing[name] = reason
                del variables[name]
        data = dumps((variables, missing, rest), library.key_of)
    return data, library.needed()


def _reason_against(value: Any, key_of: CodeKey) -> str:
    try:
        dumps(value, key_of)
    except NotPlainError as error:
        return f"{shown(value)}, {_KINDS.get(error.reason, error.reason)}"
    return ""


def restored(data: Bytes, resolve: Callable[[bytes], Any]) -> Visible:
    """The inverse of :func:`encode`, in the copy."""
    variables, missing, (function, main, depth, gas, operations) = loads(data, resolve)
    variables |= {name: Unsent(name, what) for name, what in missing.items()}
    return Visible(function, variables, main, depth, gas, operations)


def sent(value: Any) -> bytes:
    """A value as bytes.

    :raises NotPlainError: it cannot be sent; the text says what it is.
    """
    if type(value) in SCALARS:
        return pickle.dumps(value, 5)
    try:
        return dumps(value)
    except NotPlainError as error:
        kind = _KINDS.get(error.reason, error.reason)
        inside = type(value) in {list, dict} and not is_action(value)
        text = f"{shown(value)} contains {kind}" if inside else f"{shown(value)} is {kind}"
        raise UnsendableError(error.reason, text) from None


def sendable(function: str, value: Any) -> bytes:
    """A value for a shared variable.

    :raises VMRuntimeError: it cannot be shared.
    """
    try:
        return sent(value)
    except NotPlainError as error:
        raise host.VMRuntimeError(
            f"{function}: {error}; only text, numbers, lists and maps can be shared"
        ) from None


def inside_update(function: str, name: str) -> str:
    """The error text of a use of shared state inside the function of ``shared_update``."""
    return f"{function}: not inside the function of shared_update({name!r}, …), which must only compute"


class UnsendableError(NotPlainError):
    """A :class:`NotPlainError` whose text is for the author of the program."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason, text)
        self.args = (text,)
