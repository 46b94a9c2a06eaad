"""Checks that each program prints what its Python twin, or the file beside it, says.

    python benchmarks/verify.py [SET|NAME|FILE ...] [--backend parallel]

By default all programs of all sets, on the bare host, which takes some minutes. Programs of the sets
`programs` and `parallel` have small sizes here (sizes.py), because of the host's time and of its gas. The
exit code is 1 if something differs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import suite
from zexus_parallel_plugin.cli.measure import Variant, backend, bare_host

# The last line that the host prints before the program does.
BANNER = "Executing on VM...\n"


def problem(program: suite.Program, variant: Variant) -> str | None:
    """What is wrong with the output of a program; None if nothing is."""
    if variant.workers is None and "S10" in program.shapes:
        return None
    with tempfile.TemporaryDirectory(prefix="zexus-verify-") as directory:
        copy = Path(directory) / program.path.name
        copy.write_text(program.small(program.path), encoding="utf-8")
        done = _run(variant.command(copy), env=variant.full_environment())
        if done.returncode != 0:
            return f"exit code {done.returncode}"
        banner, _, found = done.stdout.partition(BANNER)
        if not found or "fallback" in banner or "Falling back" in done.stdout:
            return "not executed by the VM"
        if program.expected is not None:
            expected = program.expected.read_text(encoding="utf-8")
        elif program.twin is not None:
            expected = _run([sys.executable, "-c", program.small(program.twin)]).stdout
        else:
            return "nothing to compare with"
    if found == expected:
        return None
    pairs = zip(found.split("\n"), expected.split("\n"), strict=False)
    at = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), "last")
    return f"line {at} of the output differs"


def _run(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, encoding="utf-8", env=env
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="SET|NAME|FILE")
    parser.add_argument("--backend", choices=("host", "parallel"), default="host")
    arguments = parser.parse_args()
    variant = bare_host() if arguments.backend == "host" else backend(2)
    wrong = 0
    for program in suite.select(arguments.what or list(suite.SETS)):
        found = problem(program, variant)
        wrong += found is not None
        print(f"{program.path.parent.name}/{program.name}: {found or 'ok'}", flush=True)
    print("all as expected" if not wrong else f"{wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
