"""The host's command line as a module, for commands of this project that run programs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import HostError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load_command_module"]


def load_command_module() -> ModuleType:
    """Import ``zexus.cli.main``. The import itself prints a warning on standard output, as on every start.

    Raises:
        HostError: the host is not installed, or cannot be imported.
    """
    try:
        import zexus.cli.main
    except ImportError as error:
        raise HostError(f"the host cannot be imported ({error}); pip install 'zexus>=2.0,<2.1'") from error
    return zexus.cli.main  # type: ignore[no-any-return]
