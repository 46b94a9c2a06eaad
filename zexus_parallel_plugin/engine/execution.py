"""One execution of a program: the state that all its frames share, and calls of actions."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.engine.code import Code, CodeCache
from zexus_parallel_plugin.engine.compiler.tier import Tier
from zexus_parallel_plugin.engine.compiler.translator import Translator
from zexus_parallel_plugin.engine.frame import CallerNames, Frame
from zexus_parallel_plugin.engine.interpreter import interpret
from zexus_parallel_plugin.host import vm as host
from zexus_parallel_plugin.host.values import EntityDefinition
from zexus_parallel_plugin.metrics import Translation
from zexus_parallel_plugin.room import with_room

if TYPE_CHECKING:
    from zexus_parallel_plugin.engine.fastcalls import Forms
    from zexus_parallel_plugin.engine.parallel import Cooperation
    from zexus_parallel_plugin.engine.position import RunAhead
    from zexus_parallel_plugin.engine.profile import GasProfile

_HOST_DEPTH_RESERVE = 90
"""Calls before the host's recursion limit from which on the host runs the frames itself: there its
optimisers begin to fail and every Python frame counts, which nobody but the host reproduces."""


class Execution:
    """What all frames of a run share.

    ``meter`` is the host's own gas meter, so that nested host code and ours charge the same account.
    ``frame`` is the innermost frame that compiled code may be called from. ``residue`` holds operands that a
    failed loop unit leaves to its frame's stack. ``counters`` counts decisions by reason code.
    ``cooperation``: what forks and shared variables are, None if there are none. ``failure``: the latest
    error that left a frame, and the instruction that it came from. ``translation``: what was compiled.
    ``profile``: keeps gas by operation, None if nobody does.
    """

    __slots__ = (
        "_direct", "_translator", "ahead", "builtins", "code", "cooperation", "counters", "deepest",
        "failure", "frame", "gas_limit", "hidden_levels", "meter", "operation_limit", "profile",
        "recursion_limit", "residue", "root", "tier", "tier_name", "translation", "vm",
    )  # fmt: skip

    def __init__(self, vm: Any, tier: str = "interpreter") -> None:
        self.vm = vm
        self.builtins: dict[str, Any] = vm.builtins
        self.meter = vm.gas_metering
        limit = self.meter.gas_limit
        self.gas_limit: float = float("inf") if limit is None else limit
        self.operation_limit: float = self.meter.max_operations
        self.code = CodeCache(vm)
        self.root = Frame(vm.env, None)
        self.frame = self.root
        self.recursion_limit = sys.getrecursionlimit()
        self.deepest = host.deepest_call(self.recursion_limit) - _HOST_DEPTH_RESERVE
        self.hidden_levels: int | None = None
        self.tier_name = tier
        self.residue: list[Any] = []
        self._direct: Forms | None = None
        self.tier: Tier | None = None
        self.counters: Counter[str] = Counter()
        self.ahead: RunAhead | None = None
        self.cooperation: Cooperation | None = None
        self.failure: tuple[Exception, Code, int] | None = None
        self.translation = Translation()
        self._translator: Translator | None = None
        self.profile: GasProfile | None = None

    @property
    def direct(self) -> Forms:
        """Direct forms of builtins and methods."""
        if self._direct is None:
            from zexus_parallel_plugin.engine.fastcalls import Forms

            self._direct = Forms(self.vm)
        return self._direct

    def run(self, bytecode: Any) -> Any:
        """Execute top-level code; its result is the returned value or the top of the leftover operand
        stack.
        """
        code = self.code.get(bytecode, "<main>")
        if code.refusal:
            self.counters["host-only-code"] += 1
            return host.run_top_level(self.vm, bytecode)
        if self.tier_name in {"auto", "compiled"}:
            self.tier = self.make_tier(bytecode)
        # Our frames are deeper in Python than the host's: one call may take four. The host's limit is kept by
        # `deepest`.
        sys.setrecursionlimit(self.recursion_limit + 5 * max(self.deepest, 0))
        try:
            return with_room(interpret, self, code, self.root)
        finally:
            sys.setrecursionlimit(self.recursion_limit)

    def keep_profile(self) -> None:
        """Keep gas and counts of each operation in the meter, as the host does; before anything runs, and in
        the interpreter tier only.
        """
        from zexus_parallel_plugin.engine.profile import GasProfile, ProfiledCode

        self.profile = GasProfile(self.meter)
        self.code = ProfiledCode(self.vm, self.profile)

    @property
    def translator(self) -> Translator:
        """What compiles generated source; made at the first use."""
        if self._translator is None:
            self._translator = self.make_translator()
        return self._translator

    @property
    def remembers(self) -> bool:
        """Whether the translator may know something of earlier runs."""
        return False

    def make_translator(self) -> Translator:
        """A translator that keeps nothing."""
        return Translator()

    def make_tier(self, bytecode: Any) -> Tier:
        """The compiled tier for a program."""
        return Tier(self, bytecode, eager=self.tier_name == "compiled")

    def call(self, frame: Frame, function: Any, args: list[Any]) -> Any:
        """Call anything from a frame, as the host's call instructions do (vm.py 3853 and 5845)."""
        if type(function) is dict and "bytecode" in function:
            return self.call_action(frame, function, args)
        if type(function) is EntityDefinition:
            return self.vm._construct_entity(function, args)
        real = function.fn if hasattr(function, "fn") else function
        if callable(real) and not host.is_coroutine_function(real):
            return self.call_builtin(function, args)
        vm = self.vm
        call = vm._invoke_callable_or_funcdesc(function, args)
        if host.is_coroutine_function(real):
            return self.await_on_loop(call)
        return host.drive(vm, call)

    def call_action(
        self, frame: Frame, descriptor: dict[str, Any], args: list[Any], depth: int | None = None
    ) -> Any:
        """Call an action with a new frame whose caller is ``frame``; arguments too many are dropped, missing
        ones unbound.

        :param depth: depth of the new frame, where compiled frames stand between it and ``frame``.
        """
        if depth is None:
            depth = frame.depth + 1
        tier = self.tier
        if tier is not None and depth <= self.deepest and tier.enterable():
            bytecode = descriptor["bytecode"]
            unit = tier.ready.get(id(bytecode))
            if unit is None:
                unit = tier.warm(self.code.get(bytecode, descriptor.get("name", "")))
            if unit is not None and len(args) >= unit.parameters:
                return tier.call(unit, frame, args, depth)
        return self.call_interpreted(frame, descriptor, args, depth)

    def call_interpreted(self, frame: Frame, descriptor: dict[str, Any], args: list[Any], depth: int) -> Any:
        """Call an action in the interpreter, or on the host where only the host will do."""
        code = self.code.get(descriptor["bytecode"], descriptor.get("name", ""))
        if depth > self.deepest:
            return self.call_on_host(frame, descriptor, args, depth, "depth")
        if code.refusal or "closure_snapshot" in descriptor or "parent_vm" in descriptor:
            return self.call_on_host(frame, descriptor, args, depth, "host-only-code")
        params = descriptor.get("params") or descriptor.get("parameters") or ()
        return interpret(self, code, Frame(dict(zip(params, args, strict=False)), frame, depth))

    def call_value(self, depth: int, function: Any, name: str | None, args: list[Any]) -> Any:
        """Call a value from compiled code: by a name that has been looked up, or (``name`` None) from the
        operand stack.
        """
        if type(function) is dict and "bytecode" in function:
            return self.call_action(self.frame, function, args, depth)
        if function is None and name is not None:
            return self.vm._call_fallback_builtin(name, args)
        return self.call(self.frame, function, args)

    def call_on_host(
        self, frame: Frame, descriptor: dict[str, Any], args: list[Any], depth: int, reason: str
    ) -> Any:
        """Leave one action, with everything that it calls, to the host's VM."""
        self.counters[reason] += 1
        if self.hidden_levels is None:
            self.hidden_levels = host.hidden_levels()
        return host.run_action(
            self.vm, descriptor, args, CallerNames(frame), depth,
            limit=self.recursion_limit, hidden=self.hidden_levels,
        )  # fmt: skip

    def call_builtin(self, function: Any, args: list[Any]) -> Any:
        """Call a builtin or another Python callable the way the host does: failures are warned about and
        yield null.
        """
        vm = self.vm
        version = vm._env_version
        result = vm._invoke_callable_sync(function, args)
        if vm._env_version != version:
            # An import has written into the root variables.
            self.root.version += 1
        return result

    def await_on_loop(self, awaitable: Any) -> Any:
        """Wait for a coroutine on the host's event loop."""
        return self.vm.await_on_loop(awaitable)

    def cooperate(self) -> Cooperation:
        """What executes forks, barriers and shared variables.

        :raises VMRuntimeError: nothing does.
        """
        if self.cooperation is None:
            raise host.VMRuntimeError("forks and shared variables need a VM of the backend parallel")
        return self.cooperation

    def parallel_map(self, frame: Frame, function: Any, xs: Any) -> list[Any]:
        """``parallel_map(function, xs)`` of the language, in place if nothing runs ahead.

        :raises VMRuntimeError: the arguments are not a function and a list.
        """
        if not (type(function) is dict and "bytecode" in function) and not hasattr(function, "fn"):
            shown = host.format_print_value(function)
            raise host.VMRuntimeError(f"parallel_map(function, list): {shown} is not a function")
        if type(xs) is not list:
            shown = host.format_print_value(xs)
            raise host.VMRuntimeError(f"parallel_map(function, list): {shown} is not a list")
        if self.ahead is not None:
            return self.ahead.map(frame, function, xs)
        return [self.call(frame, function, [x]) for x in xs]

    def operation_name(self, code: Code, index: int) -> str:
        """Name of the instruction for error texts."""
        return code.operation(index)
