"""What the scout knows of values: unknown ones, containers that it has made, containers whose contents are
unknown.

Containers of the program are only read. One that the program is going to change is *tainted*: its contents
are unknown from there on. A container that the scout has made may have *holes*: unknown values in it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from zexus_parallel_plugin.analysis.effects import PURE_METHODS
from zexus_parallel_plugin.analysis.footprint import is_function
from zexus_parallel_plugin.engine import isa, operators
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import PLAIN
from zexus_parallel_plugin.runtime.snapshot import SCALARS

UNKNOWN: Final = type("Unknown", (), {"__repr__": lambda _self: "<unknown>"})()

_MUTATORS = frozenset({"push", "append", "pop", "set", "delete", "remove"})
_LARGE = 200_000
"""Elements of a list that the scout would make at most."""
_COPIED = 1000
"""Elements of a list that it copies at most, to slice or extend it."""
_LONG_NUMBER = 1 << 2048
NUMBERS = frozenset({int, float})
ARITHMETIC = {
    isa.ADD: operator.add, isa.SUB: operator.sub, isa.LT: operator.lt, isa.GT: operator.gt, isa.LTE:
    operator.le, isa.GTE: operator.ge, isa.EQ: operator.eq, isa.NEQ: operator.ne,
}  # fmt: skip
"""On numbers these are Python's own."""


class Knowledge:
    """Values of one scout, and the operations on them."""

    def __init__(self, call_native: Callable[[str, list[Any]], Any]) -> None:
        self._call_native = call_native
        self._own: dict[int, Any] = {}
        self._holed: set[int] = set()
        self._tainted: dict[int, Any] = {}

    def known(self, value: Any) -> bool:
        """Tell whether a value can be sent: it is known, and so are the contents of a container."""
        if value is UNKNOWN:
            return False
        return type(value) in SCALARS or not (id(value) in self._tainted or id(value) in self._holed)

    def own(self, value: Any) -> bool:
        """Tell whether the scout has made this container."""
        return id(value) in self._own

    def made(self, value: Any, *, holed: bool = False) -> Any:
        """Take a container as the scout's own."""
        self._own[id(value)] = value
        if holed:
            self._holed.add(id(value))
        return value

    def taint(self, value: Any) -> None:
        """The contents of a container are unknown from now on."""
        if type(value) not in SCALARS and value is not UNKNOWN and not is_function(value):
            self._tainted[id(value)] = value  # kept alive, so that its identity stays its own

    def readable(self, value: Any) -> bool:
        """Tell whether a plain value can be read: its contents are not unknown as a whole."""
        kind = type(value)
        return kind in SCALARS or (kind in PLAIN and id(value) not in self._tainted)

    def native(self, name: str, args: list[Any]) -> Any:
        """One of the VM's natives, or the host's mark for a miss."""
        if name in {"append", "push"} and len(args) == 2:
            target, item = args
            if type(target) is not list:
                return UNKNOWN
            if name == "append":
                self.change(target, [item], name)
                return target
            if not self.readable(target) or len(target) > _COPIED:
                return UNKNOWN
            return self.made([*target, item], holed=not self.known(item) or id(target) in self._holed)
        if name in {"len", "length"} and len(args) == 1:
            return operators.length(args[0]) if self.readable(args[0]) else UNKNOWN
        if name == "range":
            if not all(type(arg) in {int, float} for arg in args) or not args:
                return UNKNOWN
            if abs(args[-1] - (args[0] if len(args) > 1 else 0)) > _LARGE:
                return UNKNOWN
            value = self._call_native(name, args)
            return self.made(value) if type(value) is list else UNKNOWN
        if not all(type(arg) in SCALARS for arg in args):
            return UNKNOWN
        return self._call_native(name, args)

    def method(self, target: Any, name: str, args: list[Any]) -> Any:
        """``target.name(args…)``."""
        if target is None:
            return None
        if type(target) not in PLAIN:
            return UNKNOWN
        if name in PURE_METHODS:
            return self._pure_method(target, name, args)
        return self.change(target, args, name)

    def _pure_method(self, target: Any, name: str, args: list[Any]) -> Any:
        kind = type(target)
        if not self.readable(target) or not all(type(arg) in SCALARS for arg in args):
            return UNKNOWN
        if kind is dict and name == "get":
            return target.get(args[0]) if args else UNKNOWN
        if kind is list:
            if name in {"size", "length", "is_empty", "isEmpty", "first", "last"} or (
                name == "count" and not args
            ):
                return host.LIST_METHODS[name](target, args)
            return UNKNOWN
        if kind is dict:
            if name in {"has", "contains", "size", "length", "count"}:
                return host.DICT_METHODS[name](target, args)
            if name in {"keys", "values"} and len(target) <= _COPIED and id(target) not in self._holed:
                return self.made(host.DICT_METHODS[name](target, args))
            return UNKNOWN
        if kind is str and name in host.STR_METHODS and len(target) <= _COPIED and name != "repeat":
            value = host.STR_METHODS[name](target, args)
            return value if type(value) in SCALARS else self.made(value)
        return UNKNOWN

    def change(self, target: Any, args: list[Any], name: str) -> Any:
        """A call that may change its target: done on the scout's own containers, else the contents become
        unknown.
        """
        if type(target) in SCALARS:
            return UNKNOWN
        if name not in _MUTATORS or id(target) not in self._own or id(target) in self._tainted:
            self.taint(target)
            return target if type(target) is list and name in {"push", "append"} else UNKNOWN
        if name == "set":
            if len(args) < 2 or not self.known(args[0]):
                self.taint(target)
                return UNKNOWN
            target[args[0]] = args[1]
            if not self.known(args[1]):
                self._holed.add(id(target))
            return args[1]
        if type(target) is list and name in {"push", "append"}:
            if args and not self.known(args[0]):
                self._holed.add(id(target))
            return host.LIST_METHODS[name](target, args)
        if type(target) is list and name == "pop":
            return host.LIST_METHODS[name](target, args)
        self.taint(target)
        return UNKNOWN

    def binary(self, op: int, left: Any, right: Any) -> Any:
        """A binary operator."""
        kinds = type(left), type(right)
        if kinds[0] in SCALARS and kinds[1] in SCALARS:
            if op in {isa.MUL, isa.POW} and not _small(left, right):
                return UNKNOWN
            if op == isa.ADD and str in kinds and len(str(left)) + len(str(right)) > 10 * _COPIED:
                return UNKNOWN
            return operators.BINARY[op](left, right)
        if op == isa.AND and (left is False or right is False):
            return False
        if op == isa.OR and (left is True or right is True):
            return True
        if op != isa.ADD or kinds != (list, list) or not (self.readable(left) and self.readable(right)):
            return UNKNOWN
        if len(left) + len(right) > _COPIED:
            return UNKNOWN
        return self.made(left + right, holed=id(left) in self._holed or id(right) in self._holed)

    def index(self, target: Any, key: Any) -> Any:
        """``target[key]``."""
        if target is None:
            return None
        if type(target) is list and type(key) is int and id(target) not in self._tainted:
            return target[key] if -len(target) <= key < len(target) else None
        if key is UNKNOWN or not self.readable(target) or type(key) not in SCALARS:
            return UNKNOWN
        if type(target) is dict and type(key) is int and key not in target and len(target) > _COPIED:
            return UNKNOWN
        return operators.index(target, key)

    def slice(self, target: Any, start: Any, stop: Any) -> Any:
        """``target[start:stop]``."""
        if start is UNKNOWN or stop is UNKNOWN or not self.readable(target):
            return UNKNOWN
        if type(target) is list and len(target) <= _COPIED:
            value = operators.cut(target, start, stop)
            return self.made(value, holed=id(target) in self._holed) if type(value) is list else value
        return operators.cut(target, start, stop) if type(target) is str else UNKNOWN


def _small(left: Any, right: Any) -> bool:
    for value in (left, right):
        kind = type(value)
        if kind is str or (kind is int and not -_LONG_NUMBER < value < _LONG_NUMBER):
            return False
    return True
