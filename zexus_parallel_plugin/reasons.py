"""Why something ran where it ran: the registry of reason codes.

Every decision carries one of these codes in the journal, in the metrics and in ``zexus-parallel explain``.
To add a code, add one line to the table; its words are what people read, so write them for the author of a
Zexus program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["REASONS", "Category", "Reason", "reason"]

Category = Literal["run", "code", "task", "pool"]
"""What a code speaks of: the whole run, a piece of code, one task, or the worker processes."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        code: short, stable, in lower case with hyphens.
        category: what it speaks of.
        sentence: one sentence that says what happened.
        hint: what the author of the program can do about it; empty if nothing needs to be done.
    """

    code: str
    category: Category
    sentence: str
    hint: str = ""


_TABLE = (
    # The whole run.
    Reason(
        "host-version",
        "run",
        "This version of the host has not been verified, so its own VM runs the program.",
        "Install a verified version of zexus; `zexus-parallel doctor` names them.",
    ),
    Reason(
        "host-mode",
        "run",
        "The program asked for a VM mode or setting of the host that only the host's VM has.",
        "Leave out --vm-mode, --no-optimize and the vm_config file flag.",
    ),
    Reason(
        "host-tracing",
        "run",
        "A tracing or profiling variable of the host is set, so the host's VM runs the program.",
        "Unset ZEXUS_VM_TRACE_* and ZEXUS_VM_PROFILE_*.",
    ),
    Reason("tier-host", "run", "The configuration leaves everything to the host's VM.", "Set tier to auto."),
    Reason("mode-sequential", "run", "The configuration asks for no workers.", "Set mode to hybrid."),
    Reason(
        "gas-profile",
        "run",
        "Gas and counts of each operation are kept, so the program is interpreted, and nothing runs ahead.",
        "Leave out --exact-gas-profile.",
    ),
    Reason(
        "cache-damaged",
        "run",
        "A file of translations, or a part of it, was damaged; it was thrown away, and compiled anew.",
    ),
    Reason(
        "cache-not-read",
        "run",
        "Translations of earlier runs cannot be read, or are not a file of this user alone.",
        "See the setting cache; `zexus-parallel doctor` shows where they are.",
    ),
    Reason(
        "cache-not-written",
        "run",
        "Translations could not be written for later runs.",
        "See the setting cache, and whether there is room; --no-cache does not try.",
    ),
    Reason(
        "one-worker", "run", "There is only one worker, so nothing runs ahead.", "Raise the worker count."
    ),
    Reason(
        "short-run",
        "run",
        "The program had ended, or its gas would have, before worker processes could be of any use.",
        "Raise the gas limit with --gas-limit if the program needs more time.",
    ),
    Reason(
        "not-bytecode",
        "run",
        "What is to be executed is no bytecode of the host's compiler.",
    ),
    Reason(
        "inside-worker",
        "run",
        "A worker process has no workers of its own.",
    ),
    Reason(
        "pool-failed",
        "pool",
        "No worker process could be started, so everything was executed in place.",
        "`zexus-parallel doctor` tells why.",
    ),
    Reason(
        "not-joined",
        "run",
        "The program ended while copies of a fork were running, so they were ended.",
        "Call join_workers().",
    ),
    # Pieces of code.
    Reason(
        "cheap",
        "code",
        "The calls here take so little time that sending them to a worker would cost more.",
        "Put more work into each call, or lower min_task_seconds.",
    ),
    Reason(
        "depth",
        "code",
        "The call was so deep that the host's limit was near, so the host's VM executed it.",
        "Use a loop instead of deep recursion.",
    ),
    Reason(
        "host-only-code",
        "code",
        "The action contains something that only the host's VM executes.",
        "Move it into an action of its own.",
    ),
    Reason(
        "compiler-failed",
        "code",
        "The compiled tier failed on a piece of code, so the interpreter executed it.",
        "Nothing is wrong with the program; please report it with the log (--log-level error).",
    ),
    Reason(
        "effect-time", "code", "The action asks for the time or waits.", "Ask for the time outside of it."
    ),
    Reason(
        "effect-random",
        "code",
        "The action uses random numbers of the host.",
        "Compute them in the program from a seed that is an argument.",
    ),
    Reason("effect-input", "code", "The action asks the person at the terminal.", "Ask outside of it."),
    Reason(
        "effect-files",
        "code",
        "The action reads or writes files.",
        "Read them before and pass the contents as an argument.",
    ),
    Reason(
        "effect-builtin",
        "code",
        "The action calls a builtin that does more than compute a value.",
        "Call it outside of the action.",
    ),
    Reason(
        "effect-method", "code", "The action calls a method that belongs to Python itself.", "Do without it."
    ),
    Reason(
        "effect-opcode",
        "code",
        "The action uses transactions, audit, contracts, entities or waiting: these stay in place.",
        "Move that out of the action.",
    ),
    Reason(
        "effect-shared",
        "code",
        "The action forks, joins, waits at a barrier or uses a shared variable: that stays in place.",
        "Pass values as arguments and return results instead.",
    ),
    Reason(
        "writes-caller-variable",
        "code",
        "The action assigns a variable that its caller has too: in Zexus that is the same variable.",
        "Give the variable of the action another name, or return the value.",
    ),
    Reason(
        "large-inputs",
        "code",
        "The lists and maps that the call gets are so large that sending them costs more than the call.",
        "Pass only the part that it needs.",
    ),
    Reason(
        "nothing-ahead",
        "code",
        "Behind this call nothing was found that could be done at the same time.",
        "Make calls that do not need each other's results follow each other.",
    ),
    Reason(
        "unpredictable",
        "code",
        "The next calls were foreseen wrongly again and again.",
        "Compute the arguments without using results of the loop.",
    ),
    Reason(
        "loop-carried",
        "code",
        "An iteration of the loop needs a value that the iteration before it has computed.",
        "Compute it from the loop variable; or put the loop into an action, whose call can run beside"
        " other calls.",
    ),
    Reason(
        "loop-changes-object",
        "code",
        "The loop changes a list or map that was made outside of it: iterations may see the changes.",
        "Make a new list or map in each iteration, and add it to a result at the end.",
    ),
    Reason(
        "loop-changes-source",
        "code",
        "The loop changes the list that it goes through.",
        "Collect what is to be added in a second list.",
    ),
    Reason(
        "loop-leaves",
        "code",
        "The loop may end early by break, return or throw, so later iterations may never happen.",
        "Go through all elements, and pick from the results behind the loop.",
    ),
    Reason(
        "loop-count",
        "code",
        "How often the loop runs cannot be told before it runs.",
        "Count with `for each`, or with a variable that the same number is added to in each iteration.",
    ),
    Reason(
        "loop-handler",
        "code",
        "A jump in the loop leaves a `try` open, and the host goes on using its `catch`.",
        "Put continue, break and return behind the `catch`.",
    ),
    Reason(
        "loop-unknown-call",
        "code",
        "What is called here cannot be told from the program text.",
        "Call an action by its name.",
    ),
    Reason(
        "loop-short",
        "code",
        "All iterations of the loop together take less time than a worker needs to begin.",
    ),
    Reason(
        "loop-scoping",
        "code",
        "An action called in the loop may see or assign a variable of the loop that has the same name.",
        "Give the variables of the action other names: it sees all variables of its caller.",
    ),
    Reason(
        "loop-aliases",
        "code",
        "A list or map that the loop adds to is also read in the loop, under another name.",
        "Add to a new list or map.",
    ),
    Reason("loop-not-compiled", "code", "The loop is in code that cannot be compiled."),
    Reason(
        "length-unknown",
        "code",
        "The iterations are independent; only when the loop runs will it show whether they take long enough.",
    ),
    Reason(
        "float-order",
        "code",
        "The sum of floats depends on the order of the additions, so partial sums would give another result.",
        "Compute the terms in an action: its calls run ahead, and the sum is made in order.",
    ),
    Reason(
        "parallel-ranges",
        "code",
        "The iterations of the loop are independent, so ranges of them can run at the same time.",
    ),
    Reason(
        "parallel-calls",
        "code",
        "The calls in this code do not need each other's results, so they can run at the same time.",
    ),
    Reason(
        "parallel-forks",
        "code",
        "The program itself starts copies of an action here, each in a process of its own.",
    ),
    Reason(
        "recursive-call",
        "code",
        "The action calls itself: calls of an action that is being executed are not run ahead.",
        "Give the first level of the recursion an action of its own, and call that from outside.",
    ),
    Reason(
        "no-calls",
        "code",
        "There is neither a call of an action here nor a loop, so there is nothing to give away.",
    ),
    Reason("undecided", "code", "The run was over before any call here was given to a worker."),
    Reason("site-refused", "code", "Tasks of this call were useless too often, so no more are made."),
    Reason("scout-unverified", "code", "The operand stack of this code has no bounds that can be told."),
    Reason("scout-error", "code", "Looking ahead met something that would be an error."),
    Reason("scout-frame-end", "code", "Looking ahead reached the end of the action or program."),
    Reason("scout-unknown-callee", "code", "Looking ahead met a call of something that depends on a result."),
    Reason("scout-unknown-branch", "code", "Looking ahead met a condition whose sides do not meet again."),
    Reason("scout-budget", "code", "Looking ahead found no further call for too long."),
    # Tasks.
    Reason("wrong-prediction", "task", "Another call was made than the one that was foreseen."),
    Reason(
        "internal-error",
        "run",
        "A mistake in this project; everything was executed in place from then on.",
        "Please report it with the log (--log-level debug).",
    ),
    Reason("not-sent", "task", "The call was made before it was sent to a worker."),
    Reason("not-started", "task", "No worker had begun with the call yet, so it was executed in place."),
    Reason("not-reached", "task", "The program did not make a call that was already sent."),
    Reason("dropped", "task", "The program went another way than foreseen."),
    Reason("changed-callee", "task", "The action was another one than when the task was made."),
    Reason("changed-arguments", "task", "The arguments were others than when the task was made."),
    Reason(
        "changed-names", "task", "A variable that the action may read had changed since the task was made."
    ),
    Reason(
        "changed-containers",
        "task",
        "A list or map that the action may read had changed since the task was made.",
        "Do not change lists and maps in a loop whose calls read them.",
    ),
    Reason("unknown-input", "task", "The call depends on a result that was not there yet."),
    Reason(
        "value-not-plain",
        "task",
        "An argument or result was neither text, number, list nor map, and cannot be sent.",
        "Pass plain values instead of entities, contracts or dates.",
    ),
    Reason("value-function", "task", "A list, map or result contained an action."),
    Reason("value-error", "task", "A builtin answered with an error value."),
    Reason("unlisted-name", "task", "The action read a variable that it was not expected to read."),
    Reason(
        "changes-input",
        "task",
        "The action changed a list or map that it was given or that its caller has.",
        "Make a new list or map and return it.",
    ),
    Reason(
        "shares-input",
        "task",
        "The result contained a list or map that the action was given, not a copy of it.",
        "Return a copy.",
    ),
    Reason("warned", "task", "The host warned about something in the call."),
    Reason("unprintable", "task", "The text that was printed cannot be written as UTF-8."),
    Reason("raised", "task", "The call failed on the worker, so it was executed in place to fail there."),
    Reason(
        "loop-stopped",
        "task",
        "An iteration could not be finished on the worker, so it was executed in place.",
    ),
    Reason("loop-left", "task", "An iteration left the loop, so it was executed in place."),
    Reason("near-limit", "task", "The call would have exceeded the limit of gas or operations."),
    Reason("worker-failed", "task", "Tasks of this call failed on their workers again and again."),
    Reason("worker-died", "task", "The worker process ended while it had the task."),
    Reason(
        "worker-timeout",
        "task",
        "The task took longer than the setting timeout allows.",
        "Raise the timeout.",
    ),
    Reason("worker-error", "task", "The worker failed in a way that is not the program's."),
    Reason("worker-memory", "task", "The worker had no memory left for the task."),
    Reason("worker-unsendable", "task", "The task or its result cannot be sent."),
    Reason("worker-undecodable", "task", "The task or its result cannot be read."),
    Reason("worker-cancelled", "task", "The task was given up."),
    Reason("worker-broken", "task", "No worker can be started any more."),
)

REASONS: dict[str, Reason] = {item.code: item for item in _TABLE}


def reason(code: str) -> Reason:
    """The reason with this code.

    Raises:
        KeyError: there is no such code; it must be added to the table of this module.
    """
    try:
        return REASONS[code]
    except KeyError:
        raise KeyError(f"no reason code {code!r}: add it to zexus_parallel_plugin/reasons.py") from None
