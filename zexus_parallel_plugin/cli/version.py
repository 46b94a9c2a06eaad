"""``zexus-parallel version``."""

from __future__ import annotations

import platform

import click

from zexus_parallel_plugin import __version__
from zexus_parallel_plugin.host.version import VERIFIED_VERSIONS, host_version

__all__ = ["show_versions", "version_command"]


@click.command("version")
def version_command() -> None:
    """Show the versions of the plugin, the host and Python."""
    show_versions()


def show_versions() -> None:
    """Print them."""
    host = host_version()
    verified = "verified" if host in VERIFIED_VERSIONS else "not a verified version"
    click.echo(f"zexus-parallel-plugin {__version__}")
    click.echo(f"zexus {host} ({verified})" if host else "zexus is not installed")
    click.echo(f"Python {platform.python_version()} ({platform.python_implementation()})")
