"""The records that plugins contribute: opcodes, backends, command-line options.

Apart from ``hookspecs``, which needs pluggy, so that the host's command line can be extended without
importing it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BackendSpec", "CliOption", "OpcodeSpec"]

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class OpcodeSpec:
    """An opcode in a domain of the host's kernel.

    Attributes:
        number: its number, which no other domain may own. name: its name, in capitals. domain: the kernel's
        domain that it is registered in. handler: ``handler(vm, stack, operand)`` executes it: takes from
        and appends to the operand stack ``stack``. operand: what the operand is; empty if there is none.
        stack_effect: by how many entries the operand stack grows. gas: gas of the instruction itself. help:
        one sentence.
    """

    number: int
    name: str
    domain: str
    handler: Callable[[Any, list[Any], Any], None]
    operand: str = ""
    stack_effect: int = 0
    gas: int = 5
    help: str = ""


def _plain_options(options: Mapping[str, object], _program: str | None) -> object:
    """The configuration of a backend that has none of its own: the options that were given."""
    return dict(options)


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """Something that can execute a program: a choice of ``zexus run --backend``.

    Attributes:
        name: lower case, as typed after ``--backend``.
        help: one sentence.
        create_vm: ``create_vm(config, **host_arguments)`` returns an instance of the host's VM class or of a
            subclass; the arguments are those that the host gives to its own VM. If the VM has a method
            ``close``, it is called when the command is over. If this raises, the host's VM runs the
            program, with a notice.
        configure: ``configure(options, program)`` makes the ``config``. ``options`` has the values of those
        of this
            backend's :class:`CliOption` that were given, by ``dest``, as text; ``program`` is the path of the
            program. It raises a ``ZexusParallelError`` for a wrong value.
        host_versions: versions of the host that this backend was verified with; on any other it leaves the
        run to
            the host's VM, with a notice. Empty means any version.
    """

    name: str
    help: str
    create_vm: Callable[..., Any]
    configure: Callable[[Mapping[str, object], str | None], object] = field(default=_plain_options)
    host_versions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name == "host":
            raise PluginError(f"a backend cannot be named {self.name!r}; use lower-case letters, not `host`")


@dataclass(frozen=True, slots=True)
class CliOption:
    """An option of ``zexus run`` that belongs to one backend.

    Attributes:
        flag: as typed, for example ``--workers``.
        dest: name under which ``configure`` gets the value.
        backend: name of the backend that takes it.
        help: one sentence.
        metavar: what stands for the value in the help.
        is_flag: takes no value; ``--no-…`` switches it off.
        flag_value: takes no value; giving it is the same as giving this to the option of the same ``dest``.
    """

    flag: str
    dest: str
    backend: str
    help: str
    metavar: str = "TEXT"
    is_flag: bool = False
    flag_value: str = ""

    def __post_init__(self) -> None:
        if not self.flag.startswith("--") or not _NAME.fullmatch(self.flag[2:]):
            raise PluginError(f"an option cannot be named {self.flag!r}; write it as --lower-case-words")
