"""Which version of the host is installed, and whether it is one that was verified."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["DISTRIBUTION", "VERIFIED_VERSIONS", "host_version"]

DISTRIBUTION = "zexus"

VERIFIED_VERSIONS = ("2.0.0",)
"""Versions that the differential suite has passed on. (``zexus.__version__`` says 1.8.4 in 2.0.0.)"""


def host_version() -> str | None:
    """The installed version of the host; None if it is not installed.

    Read from the name of the metadata directory beside the imported package, which takes a tenth of a
    millisecond; ``importlib.metadata`` (10 to 20 ms for its import alone) is asked only where that does not
    answer.
    """
    package = sys.modules.get(DISTRIBUTION)
    if package is not None and package.__file__:
        found = list(Path(package.__file__).parent.parent.glob(f"{DISTRIBUTION}-*.dist-info"))
        if len(found) == 1:
            return found[0].name.removeprefix(f"{DISTRIBUTION}-").removesuffix(".dist-info")
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
