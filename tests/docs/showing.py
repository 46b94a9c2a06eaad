"""What a program shows, as the pages write it."""

from __future__ import annotations

from tests.differential.outcome import VALUE, Outcome

START = "Executing on VM...\n"
FALLBACK = "🔄 Falling back to interpreter execution...\n"


def shown(outcome: Outcome, *, gas: bool = False) -> str:
    """What was printed; then the line of the host's command about a failure; then gas, if asked for."""
    assert outcome.reached_vm, outcome
    lines = outcome.stdout
    if outcome.kind != VALUE:
        lines += f"VM Execution error: {outcome.text}\n"
    if gas:
        lines += f"gas: {outcome.gas_used}, operations: {outcome.operation_count}\n"
    return lines


def shown_by_command(stdout: str) -> str:
    """What ``zexus run`` printed after it began to execute, without blank lines at the end.

    The beginning is the command's notice that its VM executes the program, which is not shown, or that its
    interpreter does, which is.
    """
    before, _, after = stdout.partition(START)
    if not after:
        assert FALLBACK in before, stdout
        after = FALLBACK + before.partition(FALLBACK)[2]
    return after.rstrip("\n") + "\n"
