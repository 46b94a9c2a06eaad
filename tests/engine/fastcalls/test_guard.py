"""Direct forms stand for the host's own builtins only, and for none that has an effect."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import random
import sys
from typing import Any

import pytest
from zexus.object import Builtin, Integer

from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.engine import fastcalls

from .calls import machine


def test_a_builtin_of_somebody_else_has_no_direct_form() -> None:
    vm = machine()
    vm.builtins["abs"] = Builtin(lambda *args: Integer(0), "abs")
    vm.builtins["sqrt"] = abs
    vm.builtins["sort"] = vm.builtins["size"]
    del vm.builtins["keys"]
    forms = fastcalls.bind(vm)
    assert not {"abs", "sqrt", "sort", "keys"} & set(forms)
    assert {"size", "values"} <= set(forms)
    assert not fastcalls.verified(vm, "abs")
    assert not fastcalls.verified(vm, "print")


def test_a_subclass_or_a_copy_of_the_function_is_somebody_elses() -> None:
    vm = machine()
    original = vm.builtins["abs"].fn

    class Mine(Builtin):  # type: ignore[misc]
        pass

    def _abs(*args: Any) -> Any:
        return original(*args)

    place: dict[str, Any] = {}
    exec("def _abs(*args):\n    return 0", original.__globals__, place)
    for replacement in (Mine(original, "abs"), Builtin(_abs, "abs"), Builtin(place["_abs"], "abs")):
        vm.builtins["abs"] = replacement
        assert not fastcalls.verified(vm, "abs")
    vm.builtins["abs"] = Builtin(original, "abs")
    assert fastcalls.verified(vm, "abs")


def test_builtins_of_another_evaluator_are_the_hosts_as_well() -> None:
    vm, other = machine(), machine()
    vm.builtins["abs"] = other.builtins["abs"]
    assert fastcalls.verified(vm, "abs")


def test_only_builtins_without_effects_have_direct_forms() -> None:
    # Free of effects as well, but some show addresses of objects.
    in_place = {"extend", "hash", "keccak256", "sanitize_input", "verify", "verify_password"}
    assert set(fastcalls.BUILTINS) <= PURE_BUILTINS | in_place


WATCHED = ("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "urllib.", "sqlite3.")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_direct_form_has_an_effect() -> None:
    vm = machine()
    forms = fastcalls.bind(vm)
    samples: list[list[Any]] = [
        [], [1], [2.5], ["text"], [True], [None], [[3, 1]], [{"a": [1]}], ["a,b", ","], [[1, 2], 0, 1],
        ["abc", 1, 4], [0, 9, 2], [[1], [2]], [{}, 1, 2, 3],
    ]  # fmt: skip
    events: list[str] = []
    watching = False

    def hook(event: str, _args: Any) -> None:
        if watching and event.startswith(WATCHED):
            events.append(event)

    def call_all() -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            for form in forms.values():
                for sample in samples:
                    arguments = copy.deepcopy(sample)
                    form(*arguments)
                    assert arguments == sample
        return out.getvalue()

    call_all()  # the first calls import modules
    sys.addaudithook(hook)

    def state() -> tuple[Any, ...]:
        meter = vm.gas_metering
        return (
            dict(vm.env), dict(vm.builtins), vm._env_version, vm._call_depth, meter.gas_used,
            meter.operation_count, dict(os.environ), random.getstate(),
        )  # fmt: skip

    before = state()
    watching = True
    printed = call_all()
    watching = False
    assert printed == ""
    assert events == []
    assert state() == before
    with contextlib.suppress(OSError):
        watching = True
        open(os.devnull).close()  # noqa: PTH123 - shows that the hook sees such things
        watching = False
    assert events == ["open"]
