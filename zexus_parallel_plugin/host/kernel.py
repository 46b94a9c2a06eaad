"""Registers opcodes in the host's kernel, where the host's command ``zexus kernel`` shows them.

The kernel keeps a registry of domains (name, version, number -> name of the opcodes) and a table of
handlers. The host's VM never asks it for either, so registering changes nothing about how programs run. A
program can look at the kernel, though (``use "kernel"``), so during a run it must be as the host left it:
nothing is registered then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zexus.kernel import get_kernel

from zexus_parallel_plugin.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["handler_of", "register_domain", "unregister_domain"]


def register_domain(
    name: str,
    version: str,
    opcodes: Mapping[int, tuple[str, Callable[..., Any]]],
    description: str = "",
) -> None:
    """Register a domain with its opcodes, number -> (name, handler). Doing it again replaces it.

    Raises:
        HostError: another domain owns one of the numbers.
    """
    kernel = get_kernel().boot()
    kernel.registry.unregister_domain(name)
    try:
        kernel.registry.register_domain(
            name,
            version=version,
            opcodes={number: opcode for number, (opcode, _) in opcodes.items()},
            description=description,
        )
    except ValueError as error:
        raise HostError(f"the kernel refuses the domain {name}: {error}") from None
    for number, (_, handler) in opcodes.items():
        kernel.register_opcode_handler(number, handler)


def unregister_domain(name: str) -> None:
    """Remove a domain and its handlers; nothing happens if it is not registered."""
    kernel = get_kernel()
    domain = kernel.registry.get_domain(name)
    if domain is None:
        return
    for number in domain.opcodes:
        # The kernel has no call for this.
        kernel._opcode_handlers.pop(number, None)
    kernel.registry.unregister_domain(name)


def handler_of(number: int) -> Callable[..., Any] | None:
    """The handler that is registered for an opcode."""
    handler: Callable[..., Any] | None = get_kernel().get_opcode_handler(number)
    return handler
