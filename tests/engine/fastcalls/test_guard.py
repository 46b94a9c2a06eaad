"""Direct forms stand for the host's own builtins only, and for none that has an effect."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from zexus.object import Builtin, Integer

from zexus_parallel_plugin.analysis.effects import PURE_BUILTINS
from zexus_parallel_plugin.engine import fastcalls

from .calls import direct_builtins, machine


def test_a_builtin_of_somebody_else_has_no_direct_form() -> None:
    vm = machine()
    vm.builtins["abs"] = Builtin(lambda *args: Integer(0), "abs")
    vm.builtins["sqrt"] = abs
    vm.builtins["sort"] = vm.builtins["size"]
    del vm.builtins["keys"]
    forms = direct_builtins(vm)
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


def test_no_direct_form_has_an_effect() -> None:
    # In a process of its own: an audit hook stays for ever, and is called at every look at a frame.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.engine.fastcalls.watched"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
