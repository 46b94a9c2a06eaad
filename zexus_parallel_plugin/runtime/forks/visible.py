"""The snapshot that copies get: an action and all variables that it can see, as they are at the fork."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zexus_parallel_plugin.engine.parallel import is_action, shown
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.runtime.snapshot import NotPlainError, dumps, loads

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


class PartialVariables(dict[str, Any]):
    """Variables of which some could not be sent: reading one of those is an error of the program.

    ``missing``: name -> what its value was.
    """

    __slots__ = ("missing",)

    def __init__(self, values: dict[str, Any], missing: dict[str, str]) -> None:
        super().__init__(values)
        self.missing = missing

    def _check(self, name: Any) -> None:
        if name in self.missing:
            raise host.VMRuntimeError(
                f"the variable {name} was not sent to this copy of a fork: it is {self.missing[name]}"
            )

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or name in self.missing

    def __getitem__(self, name: str) -> Any:
        self._check(name)
        return dict.__getitem__(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a name.

        :raises VMRuntimeError: it could not be sent.
        """
        self._check(name)
        return dict.get(self, name, default)

    def __setitem__(self, name: str, value: Any) -> None:
        self.missing.pop(name, None)
        dict.__setitem__(self, name, value)


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
    if missing:
        variables = PartialVariables(variables, missing)
    return Visible(function, variables, main, depth, gas, operations)


def sent(value: Any) -> bytes:
    """A value as bytes.

    :raises NotPlainError: it cannot be sent; the text says what it is.
    """
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
