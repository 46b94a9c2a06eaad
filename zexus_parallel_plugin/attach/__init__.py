"""Attaches to the host's command line. Nothing here yet but the entry of the path files."""


def install() -> None:
    """Entry of ``zexus_parallel_plugin.pth`` and ``.start``."""
