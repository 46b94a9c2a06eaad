from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zexus_parallel_plugin.runtime.pool.errors import TransitionError
from zexus_parallel_plugin.runtime.pool.states import (
    TASK_FINISHED,
    TASK_TRANSITIONS,
    WORKER_TRANSITIONS,
    TaskEvent,
    TaskState,
    WorkerEvent,
    WorkerState,
    next_task_state,
    next_worker_state,
)


def reachable(table, start):
    found, todo = {start}, [start]
    while todo:
        state = todo.pop()
        for (before, _), after in table.items():
            if before == state and after not in found:
                found.add(after)
                todo.append(after)
    return found


def test_every_state_of_a_task_can_be_reached_and_left():
    assert reachable(TASK_TRANSITIONS, TaskState.QUEUED) == set(TaskState)
    for state in TaskState:
        leaves = [event for before, event in TASK_TRANSITIONS if before == state]
        assert bool(leaves) == (state not in TASK_FINISHED)
        assert state in TASK_FINISHED or reachable(TASK_TRANSITIONS, state) & TASK_FINISHED == TASK_FINISHED


def test_every_unfinished_task_can_be_cancelled():
    for state in set(TaskState) - TASK_FINISHED:
        assert next_task_state(state, TaskEvent.CANCEL) is TaskState.CANCELLED


def test_only_a_running_task_can_take_the_blame_of_an_attempt():
    assert [before for before, event in TASK_TRANSITIONS if event is TaskEvent.DELAY] == [TaskState.RUNNING]
    assert (TaskState.SENT, TaskEvent.FAIL) not in TASK_TRANSITIONS


def test_every_worker_can_die_and_none_comes_back():
    assert reachable(WORKER_TRANSITIONS, WorkerState.STARTING) == set(WorkerState)
    for state in set(WorkerState) - {WorkerState.DEAD}:
        assert next_worker_state(state, WorkerEvent.EXIT) is WorkerState.DEAD
    assert not [before for before, _ in WORKER_TRANSITIONS if before is WorkerState.DEAD]


def test_after_a_signal_there_is_no_way_back_to_work():
    for state in (WorkerState.TERMINATING, WorkerState.KILLED, WorkerState.LOST, WorkerState.STOPPING):
        assert not reachable(WORKER_TRANSITIONS, state) & {WorkerState.IDLE, WorkerState.BUSY}


@given(st.sampled_from(TaskState), st.sampled_from(TaskEvent))
def test_what_the_task_table_lacks_is_refused(state, event):
    if (state, event) in TASK_TRANSITIONS:
        assert next_task_state(state, event) is TASK_TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionError, match=state.name):
            next_task_state(state, event)


@given(st.sampled_from(WorkerState), st.sampled_from(WorkerEvent))
def test_what_the_worker_table_lacks_is_refused(state, event):
    if (state, event) in WORKER_TRANSITIONS:
        assert next_worker_state(state, event) is WORKER_TRANSITIONS[state, event]
    else:
        with pytest.raises(TransitionError, match=state.name):
            next_worker_state(state, event)
