"""Attaches to the host's command line when, and only when, a process imports ``zexus.cli.main``.

``install`` runs at every start of Python: by ``zexus_parallel_plugin.pth`` (twice in a virtual
environment), from Python 3.15 on by ``zexus_parallel_plugin.start``. So this module imports nothing that is
not loaded anyway, and nothing in it may stop Python or the host. Not even ``from __future__`` is imported,
which would be a file look-up.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any

TARGET = "zexus.cli.main"
"""The module that is waited for."""

ACTIVATION = "zexus_parallel_plugin.activation"
"""The module whose ``activate`` extends the target. Named, not imported: it is a layer above this one."""

WORKER_VARIABLE = "ZEXUS_PARALLEL_WORKER"
"""Set to 1 in worker processes, which never attach."""

DISABLE_VARIABLE = "ZEXUS_PARALLEL_DISABLE"

# What `python -m zexus.cli.main` runs instead of the module's own code: runpy takes a module's code and
# executes it itself, so the module would run without having been imported, and nothing could be added to
# it.
_MAIN = f"from {TARGET} import cli\nif __name__ == '__main__':\n    cli()\n"


class State:
    """What happened in this process so far, for ``zexus-parallel doctor``."""

    installed = False
    attached = False
    error = ""


class Finder:
    """A meta-path finder that lets the other finders work, and watches the loader of the target."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """The target's own spec with a watched loader; None for every other module."""
        if name != TARGET:
            return None
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec(name, path, target) if find_spec else None
            if spec is not None:
                try:
                    _watch(spec.loader)
                except Exception as error:  # noqa: BLE001 - a loader that cannot be watched works without us
                    State.error = f"{type(error).__name__}: {error}"
                return spec
        return None


def install() -> None:
    """Wait for the target, or extend it at once if it is loaded already. Doing it again does nothing."""
    if State.installed or os.environ.get(DISABLE_VARIABLE, "") not in ("", "0"):
        return
    if os.environ.get(WORKER_VARIABLE):
        return
    State.installed = True
    module = sys.modules.get(TARGET)
    if module is None:
        sys.meta_path.insert(0, Finder())
    else:
        attach(module)


def attach(module: "ModuleType") -> None:
    """Extend the loaded target. An error is remembered, never raised: the host goes on without us."""
    try:
        __import__(ACTIVATION)
        sys.modules[ACTIVATION].activate(module)
        State.attached = True
    except (Exception, SystemExit) as error:  # noqa: BLE001 - nothing of ours may stop the host
        State.error = f"{type(error).__name__}: {error}"


def _watch(loader: "Any") -> None:
    """Replace two methods of this one loader object until it has executed the module."""
    execute = loader.exec_module

    def exec_module(module: "ModuleType") -> None:
        del loader.exec_module, loader.get_code
        execute(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Finder)]
        attach(module)

    def get_code(name: str) -> "CodeType":
        return compile(_MAIN, f"<python -m {name}>", "exec")

    loader.exec_module = exec_module
    loader.get_code = get_code
