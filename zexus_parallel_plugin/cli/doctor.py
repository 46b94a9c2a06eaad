"""``zexus-parallel doctor``: is everything in place, and does the backend agree with the host?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from zexus_parallel_plugin.cli.checks import all_checks

if TYPE_CHECKING:
    from zexus_parallel_plugin.cli.checks import Check

__all__ = ["doctor_command"]

_MARKS = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "failed": ("FAIL", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="Do not compare with the host, which takes some seconds.")
def doctor_command(as_json: bool, quick: bool) -> None:
    """Check the installation, and the backend against the host.

    The exit code is 0 if every check is ok or a note, and 1 if one failed.
    """
    checks: list[Check] = []
    for check in all_checks(compare=not quick):
        checks.append(check)
        if not as_json:
            mark, color = _MARKS[check.status]
            click.echo(f"{click.style(mark, fg=color)}  {check.name}: {check.text}")
            if check.hint:
                click.echo(f"      {check.hint}")
    healthy = all(check.status != "failed" for check in checks)
    if as_json:
        document = {
            "healthy": healthy,
            "checks": [
                {
                    "name": check.name,
                    "status": check.status,
                    "text": check.text,
                    "hint": check.hint,
                    "facts": check.facts,
                }
                for check in checks
            ],
        }
        click.echo(json.dumps(document, indent=2))
    sys.exit(0 if healthy else 1)
