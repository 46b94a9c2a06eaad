"""Decides which calls are worth planning, and records their inputs."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.analysis.cfg import Flow
from zexus_parallel_plugin.analysis.footprint import Descriptor, Footprint, Footprints, is_function
from zexus_parallel_plugin.runtime.knowledge import UNKNOWN
from zexus_parallel_plugin.runtime.snapshot import SCALARS, NotPlainError, dumps
from zexus_parallel_plugin.runtime.stream import descriptors
from zexus_parallel_plugin.runtime.task import PlannedCall, difference, plan
from zexus_parallel_plugin.runtime.visible import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zexus_parallel_plugin.engine.code import Code
    from zexus_parallel_plugin.engine.execution import Execution
    from zexus_parallel_plugin.runtime.lookout import Found
    from zexus_parallel_plugin.runtime.sites import Site, Sites
    from zexus_parallel_plugin.runtime.stream import Source

_INLINE_SECONDS = 0.0002
_KEPT_PICKLES = 256


class Planner:
    """Plans calls; the scout asks it what to look for (`scout.Lookout`).

    ``bold`` is set while a call has been running for long: then actions that have never been measured are
    worth a try if they contain a loop or recursion.
    """

    def __init__(
        self, execution: Execution, sites: Sites, pure: Callable[[], frozenset[str]], threshold: float
    ) -> None:
        self._execution = execution
        self._sites = sites
        self._find_pure = pure
        self._threshold = threshold
        self._made_footprints: Footprints | None = None
        self._of_calls: dict[tuple[int, ...], tuple[Footprint, list[Descriptor]]] = {}
        self._known_pure: frozenset[str] | None = None
        self._flows: dict[int, Flow] = {}
        self._pickles: dict[tuple[int, ...], bytes] = {}
        self._kept: list[Any] = []
        self.bold = False

    @property
    def _pure(self) -> frozenset[str]:
        if self._known_pure is None:
            self._known_pure = self._find_pure()
        return self._known_pure

    @property
    def _footprints(self) -> Footprints:
        if self._made_footprints is None:
            self._made_footprints = Footprints(self.code_of, self._execution.builtins, self._pure)
        return self._made_footprints

    # -- what the scout asks

    def wanted(self, code: Code, ip: int, function: Descriptor) -> bool:
        """Whether calls of this action at this instruction are looked for."""
        key = id(code), ip
        site = self._sites.table.get(key)
        if site is not None and site.refusal:
            return False
        if self._threshold <= 0:
            return True
        seconds = self._sites.expected(key, function)
        if seconds is None:
            return self.bold and self._heavy(function)
        return seconds >= self._threshold

    def cheap(self, function: Descriptor) -> bool:
        """Whether the scout may execute calls of this action itself."""
        seconds = self._sites.cost_of(function).seconds
        return (
            seconds < _INLINE_SECONDS if seconds is not None else not self._footprints.summary(function).loops
        )

    def code_of(self, function: Descriptor) -> Code:
        """Prepared code of an action."""
        return self._execution.code.get(function["bytecode"], str(function.get("name") or ""))

    def may_write(self, function: Descriptor) -> tuple[Iterable[str], bool]:
        """Names that a call may assign outside of itself, and whether it may change containers."""
        key = (id(function),)
        known = self._of_calls.get(key)
        if known is None or known[0].function is not function:
            root = self._execution.root.env
            known = self._footprints.of_call(function, 1 << 30, (), root.get), []
            self._of_calls[key] = known
        return known[0].writes, known[0].mutates

    def flow_of(self, code: Code) -> Flow:
        """Control flow of a code object."""
        flow = self._flows.get(id(code))
        if flow is None:
            flow = self._flows[id(code)] = Flow(code.instructions)
        return flow

    def is_builtin(self, name: str) -> bool:
        """Whether the name is that of a builtin."""
        return name in self._execution.builtins

    def builtin(self, name: str, args: list[Any]) -> Any:
        """Value of a pure builtin on scalars; what the host says about failures is not shown."""
        if name not in self._pure:
            return UNKNOWN
        with contextlib.redirect_stderr(io.StringIO()) as said:
            value = self._execution.call_builtin(self._execution.builtins[name], args)
        return value if type(value) in SCALARS and not said.tell() else UNKNOWN

    def native(self, name: str, args: list[Any]) -> Any:
        """Value of one of the VM's natives."""
        return self._execution.vm._vm_native_call(name, args)

    # -- planning

    def begin(self) -> None:
        """Begin to plan: the program has run meanwhile, so containers may have changed."""
        self._pickles.clear()
        self._kept.clear()

    def plan(self, found: Found, source: Source, site: Site) -> PlannedCall | str:
        """Record the inputs of a call that was found; or the reason code why it cannot be run ahead."""
        footprint = self.footprint(found.function, found.args, source.visible)
        if footprint.effect:
            site.refuse(footprint.effect)
            return footprint.effect
        if any(source.visible(name) is not ABSENT for name in footprint.own_writes):
            site.refuse("writes-caller-variable")
            return "writes-caller-variable"

        def lookup(name: str) -> Any:
            value = source.visible(name)
            if value is not ABSENT and not source.known(value):
                if name in footprint.reads:
                    raise NotPlainError("unknown-input", name)
                return None
            return value

        def pickle_group(group: tuple[Any, ...]) -> bytes:
            return self._pickle(group, source)

        try:
            return plan(found.ip, footprint, found.args, lookup, pickle_group)
        except NotPlainError as error:
            if error.reason != "unknown-input":
                site.useless(error.reason)
            return error.reason

    def _pickle(self, group: tuple[Any, ...], source: Source) -> bytes:
        if not group:
            return b""
        if any(map(source.own, group)):
            return dumps(group)
        key = tuple(map(id, group))
        data = self._pickles.get(key)
        if data is None:
            data = dumps(group)
            if len(self._pickles) >= _KEPT_PICKLES:
                self.begin()
            self._pickles[key] = data
            self._kept.append(group)
        return data

    def footprint(self, function: Descriptor, args: list[Any], lookup: Callable[[str], Any]) -> Footprint:
        """What the call may touch, by the actions that names mean now."""
        extra = descriptors(args)
        key = (id(function), len(args), *map(id, extra))
        known = self._of_calls.get(key)
        if known is not None and known[0].function is function and _still_holds(known[0], lookup):
            return known[0]
        found = self._footprints.of_call(function, len(args), extra, lookup)
        # The actions among the arguments are kept alive, so that their identities stay their own.
        self._of_calls[key] = found, extra
        return found

    def difference(
        self, call: PlannedCall, function: Descriptor, args: list[Any], lookup: Callable[[str], Any]
    ) -> str:
        """Why a planned call is not the one that is made now; empty if it is."""

        def pickle_group(group: tuple[Any, ...]) -> bytes:
            return dumps(group) if group else b""

        try:
            return difference(call, function, args, lookup, pickle_group)
        except NotPlainError as error:
            return error.reason

    def _heavy(self, function: Descriptor) -> bool:
        return self._footprints.of_call(function, 1 << 30, (), self._execution.root.env.get).heavy


def _still_holds(footprint: Footprint, lookup: Callable[[str], Any]) -> bool:
    functions = dict(footprint.resolved)
    for name in footprint.reads:
        value = lookup(name)
        known = functions.get(name)
        if (value is not known) if known is not None else is_function(value):
            return False
    return True
