from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from zexus.kernel import get_kernel

from zexus_parallel_plugin.backends import register_opcodes
from zexus_parallel_plugin.errors import BackendError, HostError
from zexus_parallel_plugin.host.kernel import handler_of, register_domain, unregister_domain
from zexus_parallel_plugin.manager import load_plugins
from zexus_parallel_plugin.opcodes import DOMAIN, OPCODES, ParallelOpcode

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    for name in (DOMAIN, "other"):
        unregister_domain(name)
    assert handler_of(300) is None


def nothing(*_: Any) -> None:
    pass


def test_the_domain_owns_the_six_opcodes_and_each_has_a_handler() -> None:
    register_opcodes(load_plugins({}))
    kernel = get_kernel()
    domain = kernel.registry.get_domain(DOMAIN)
    assert domain.opcodes == {int(opcode): opcode.name for opcode in OPCODES}
    for opcode in OPCODES:
        assert kernel.resolve_opcode_domain(int(opcode)) == DOMAIN
        assert callable(kernel.get_opcode_handler(int(opcode)))


def test_registering_again_changes_nothing() -> None:
    plugins = load_plugins({})
    register_opcodes(plugins)
    before = get_kernel().status()
    register_opcodes(plugins)
    assert get_kernel().status() == before


def test_a_handler_executes_on_a_vm_of_the_backend() -> None:
    class Machine:
        def execute_parallel_opcode(self, opcode: ParallelOpcode, stack: list[Any], operand: Any) -> None:
            stack.append((opcode, operand))

    register_opcodes(load_plugins({}))
    handler = handler_of(304)
    assert handler is not None
    stack: list[Any] = []
    handler(Machine(), stack, "total")
    assert stack == [(ParallelOpcode.SHARED_READ, "total")]


def test_a_handler_refuses_another_vm() -> None:
    register_opcodes(load_plugins({}))
    handler = handler_of(302)
    assert handler is not None
    with pytest.raises(BackendError, match="PARALLEL_MAP needs a VM of the backend parallel, not object"):
        handler(object(), [], None)


def test_a_number_that_is_taken_is_an_error() -> None:
    register_domain("other", "1.0", {300: ("MINE", nothing)})
    with pytest.raises(HostError, match=r"the kernel refuses the domain parallel: .*other"):
        register_opcodes(load_plugins({}))
