"""The part of the application that acts on a run: it asks first, then it sends a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal import control
from zexus_parallel_plugin.monitor.tui.reading import ReadingApp
from zexus_parallel_plugin.monitor.tui.screens import ConfirmScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from zexus_parallel_plugin.journal.workers import WorkerInfo
    from zexus_parallel_plugin.monitor.details import Selection

__all__ = ["ActingApp"]


class ActingApp(ReadingApp):
    """Cancels a run, and kills workers."""

    @property
    def chosen(self) -> Selection:
        """What is selected."""
        raise NotImplementedError

    @property
    def can_act(self) -> bool:
        """Whether there is a run that is going on, and not just played."""
        return self.model.status == "running" and not self.is_replay

    def action_cancel(self) -> None:
        """Cancel the run, after a question."""
        start = self.model.state.start
        if start is None or not self.can_act:
            self.notify("There is no running program to cancel.", severity="warning", markup=False)
            return
        watch = self.model

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(lambda: control.cancel(watch.state), "The run was asked to end.")

        program = start.program or "The program"
        text = f"{program} (process {start.pid}) is ended, as Ctrl-C in its terminal does."
        self.push_screen(
            ConfirmScreen(self.look, self.palette, "Cancel the run?", text, "Cancel it"), answered
        )

    def action_kill(self) -> None:
        """Kill the selected worker, after a question."""
        watch, worker = self.model, self._chosen_worker()
        if worker is None or not worker.alive or not self.can_act:
            self.notify("Select a worker of a running program first.", severity="warning", markup=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(lambda: control.kill_worker(watch.state, worker), f"Worker {worker.id} was killed.")

        text = (
            f"Worker {worker.id} (process {worker.pid}) is killed at once. The run replaces it, and does its"
            " task again or in place: what the program prints does not change."
        )
        self.push_screen(ConfirmScreen(self.look, self.palette, "Kill a worker?", text, "Kill it"), answered)

    def _chosen_worker(self) -> WorkerInfo | None:
        """The worker that is selected, or that has the task that is."""
        kind, key = self.chosen
        state = self.model.state
        if kind == "task" and isinstance(key, int):
            task = state.tasks.get(key)
            if task is None or task.state != "running" or task.worker is None:
                return None
            return state.workers.get(task.worker)
        return state.workers.get(key) if kind == "worker" and isinstance(key, int) else None

    def _act(self, step: Callable[[], None], done: str) -> None:
        try:
            step()
        except ZexusParallelError as error:
            self.notify(self.look.clean(str(error)), severity="error", markup=False)
        else:
            self.notify(done, markup=False)
