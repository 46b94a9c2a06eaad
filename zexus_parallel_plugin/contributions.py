"""What this project contributes to the host, as records: the backend ``parallel``, its options, its opcodes.

Apart from ``plugin``, which hands these to pluggy, because the backend of this project is found without a
search for plugins: importing pluggy and reading the metadata of all installed packages takes longer than a
small program.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from zexus_parallel_plugin.config import resolve_config, settings
from zexus_parallel_plugin.errors import BackendError, ConfigError
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS
from zexus_parallel_plugin.opcodes import DOMAIN, OPCODES, ParallelOpcode
from zexus_parallel_plugin.specs import BackendSpec, CliOption, OpcodeSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zexus_parallel_plugin.config import ParallelConfig

__all__ = ["BACKEND", "backend", "execute_opcode", "opcodes", "options"]

BACKEND = "parallel"


def backend() -> BackendSpec:
    """The backend ``parallel``."""
    return BackendSpec(
        name=BACKEND,
        help="Runs ahead on all cores and commits in order; same output as the host.",
        create_vm=_create_vm,
        configure=_configure,
        host_versions=VERIFIED_VERSIONS,
    )


def options(*, all_settings: bool = False) -> list[CliOption]:
    """The settings that ``zexus run`` offers as options, or all of them."""
    found = []
    for setting in settings():
        if not all_settings and not setting.on_host_run:
            continue
        kind = setting.kind
        found.append(
            CliOption(
                flag=setting.option,
                dest=setting.name,
                backend=BACKEND,
                help=f"{setting.help}  [default: {setting.default_text}]",
                metavar=kind.metavar,
                is_flag=kind.is_flag,
            )
        )
        if kind.off:
            flag, text = f"--no-{setting.option[2:]}", f"Same as {setting.option} {kind.off}."
            found.append(CliOption(flag, setting.name, BACKEND, text, flag_value=kind.off))
    return found


def opcodes() -> list[OpcodeSpec]:
    """The six opcodes."""
    return [
        OpcodeSpec(
            number=int(opcode),
            name=info.name,
            domain=DOMAIN,
            handler=partial(execute_opcode, opcode),
            operand=info.operand,
            stack_effect=info.stack_effect,
            gas=info.gas,
            help=info.help,
        )
        for opcode, info in OPCODES.items()
    ]


def execute_opcode(opcode: ParallelOpcode, vm: Any, stack: list[Any], operand: Any) -> None:
    """Execute one of the six opcodes on a VM of this backend; the handler in the host's kernel.

    Raises:
        BackendError: the VM is not one of this backend, which alone can execute them.
    """
    execute = getattr(vm, "execute_parallel_opcode", None)
    if execute is None:
        raise BackendError(f"{opcode.name} needs a VM of the backend parallel, not {type(vm).__name__}")
    execute(opcode, stack, operand)


def _configure(given: Mapping[str, object], program: str | None) -> ParallelConfig:
    config = resolve_config(program=program, options=given)
    if config.journal not in {"auto", "off"}:
        _check_journal(config)
    if config.log_level is not None:
        _log_to_stderr(config.log_level)
    return config


def _check_journal(config: ParallelConfig) -> None:
    from zexus_parallel_plugin.journal.writer import check_target

    try:
        check_target(config.journal)
    except ValueError as error:
        raise ConfigError(f"{config.origin('journal')}: {error}") from None


def _log_to_stderr(level: str) -> None:
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("zexus_parallel_plugin")
    logger.addHandler(handler)
    logger.setLevel(level.upper())


def _create_vm(config: ParallelConfig, **host_arguments: Any) -> Any:
    from zexus_parallel_plugin.runtime.machine import create_vm

    return create_vm(config, **host_arguments)
