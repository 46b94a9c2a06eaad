"""The part of the application that reads: which run, how far, and how a replay is played."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App

from zexus_parallel_plugin.errors import ZexusParallelError
from zexus_parallel_plugin.journal import catalog
from zexus_parallel_plugin.monitor.feeds import Feed, LiveFeed, ReplayFeed
from zexus_parallel_plugin.monitor.ink import UNICODE, Look
from zexus_parallel_plugin.monitor.tui.bars import ReplayBar
from zexus_parallel_plugin.monitor.tui.screens import RunsScreen
from zexus_parallel_plugin.monitor.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zexus_parallel_plugin.monitor.tui.paint import Palette

__all__ = ["ReadingApp"]

_READ_SECONDS = 0.06
"""How long one look may take; what is left is read at once afterwards, between the keys."""
_CATCHING_UP_SECONDS = 0.5
"""Seconds between two pictures while there is more to read."""
_REST_SECONDS = 10.0
_SEARCH_SECONDS = 1.0
"""How often a newer run is looked for."""


class ReadingApp(App[None]):
    """Follows runs and plays replays.

    ``path`` is the journal; without it, the newest run is followed. ``replay`` is a speed, None to show the
    run as it is. ``problem`` is, after the end, why it could not go on. ``until`` ends it when it is true.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        replay: float | None = None,
        look: Look = UNICODE,
        find_runs: Callable[[], list[catalog.Run]] = catalog.runs,
        until: Callable[[], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
        **given: Any,
    ) -> None:
        super().__init__(**given)
        self.look = look
        self.problem = ""
        self.feed: Feed | None = None
        self.paused = False
        self._find_runs = find_runs
        self._until = until
        self._clock = clock
        self._replay = replay
        self._follows = path is None
        self._first_path = path
        self._searched = -1e9
        self._empty = Watch()
        self._touched: dict[str, set[int] | None] = {}
        self._reading_on = False
        self._drawn_at = -1e9

    def draw(self) -> None:
        """Show what has changed."""
        raise NotImplementedError

    def palette(self) -> Palette:
        """The colours of the theme."""
        raise NotImplementedError

    @property
    def is_replay(self) -> bool:
        """Whether a journal is played, and not just shown."""
        return self._replay is not None

    @property
    def model(self) -> Watch:
        """The run that is shown, an empty one if there is none."""
        return self.feed.watch if self.feed is not None else self._empty

    def open_first(self) -> None:
        """Open the journal that was asked for."""
        if self._first_path is not None:
            self.open(self._first_path)

    def take_touched(self, view: str) -> set[int] | None:
        """Tasks that have changed since this view asked last; None for all."""
        touched = self._touched.get(view)
        self._touched[view] = set()
        return touched

    def on_unmount(self) -> None:
        """Close the file."""
        gc.enable()
        if self.feed is not None:
            self.feed.close()

    def open(self, path: Path) -> None:
        """Show another run."""
        if self.feed is not None:
            self.feed.close()
        gc.unfreeze()
        self.feed = LiveFeed(path) if self._replay is None else ReplayFeed(path, self._replay)
        self.screen.set_class(self.is_replay, "replay")
        self._touched.clear()
        if not self._reading_on:
            self._read()  # at once: whatever is drawn next is this run
        self.call_after_refresh(self.tick)

    def tick(self) -> None:
        """Look for what is new, and show it."""
        if self._until is not None and self._until():
            self.exit()
            return
        self._look_for_newer()
        if not self._reading_on:
            self._read()
        if not self._reading_on or self._clock() - self._drawn_at >= _CATCHING_UP_SECONDS:
            self._drawn_at = self._clock()
            self.draw()

    def _read_on(self) -> None:
        self._reading_on = False
        self._read()

    def _read(self) -> None:
        feed = self.feed
        if feed is None or (self.paused and not self.is_replay):
            return
        try:
            feed.step(_READ_SECONDS)
        except ZexusParallelError as error:
            self.problem = str(error)
            self.exit(return_code=2)
            return
        self._collect_later(behind=feed.behind)
        if feed.behind:
            self._reading_on = True
            self.set_timer(0.01, self._read_on)
        touched = feed.watch.touched
        if touched:
            for known in self._touched.values():
                if known is not None:
                    known.update(touched)
            touched.clear()

    def _collect_later(self, *, behind: bool) -> None:
        """What is read from a journal stays, so looking through it for garbage is a waste of time."""
        if behind:
            gc.disable()
        elif not gc.isenabled():
            gc.freeze()
            gc.enable()

    def read_rest(self) -> None:
        """After the end of the screen: read what the run has written since, for a summary."""
        if self.feed is None and (found := self._find_runs()):
            self.feed = LiveFeed(found[0].path)
        if self.feed is not None:
            self.feed.step(_REST_SECONDS)
            self.feed.close()

    def _look_for_newer(self) -> None:
        if not self._follows or self._clock() - self._searched < _SEARCH_SECONDS:
            return
        self._searched = self._clock()
        if self.feed is not None and self.model.status in {"running", "waiting"}:
            return
        found = self._find_runs()
        if found and (self.feed is None or found[0].path != self.feed.path):
            self.open(found[0].path)

    # Replays, and other runs

    def action_pause(self) -> None:
        """Pause the view, or the replay."""
        if isinstance(self.feed, ReplayFeed):
            if not self.feed.playing and self.feed.position >= self.feed.duration:
                self.feed.seek(0.0)
            self.feed.playing = not self.feed.playing
        else:
            self.paused = not self.paused
        self.tick()

    def action_step(self, by: int) -> None:
        """To the next event of a replay, or to the one before."""
        if isinstance(self.feed, ReplayFeed):
            if by > 0:
                self.feed.next_event()
            else:
                self.feed.previous_event()
            self.tick()

    def action_seek(self, by: int) -> None:
        """Back or on in a replay."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(self.feed.position + by * self.feed.duration / 20)
            self.tick()

    @on(ReplayBar.Sought)
    def _sought(self, event: ReplayBar.Sought) -> None:
        if isinstance(self.feed, ReplayFeed):
            self.feed.seek(event.share * self.feed.duration)
            self.tick()

    def action_speed(self, by: int) -> None:
        """Make a replay slower or faster."""
        if isinstance(self.feed, ReplayFeed):
            self.feed.speed = max(1 / 64, min(4096.0, self.feed.speed * 2.0**by))
            self.draw()

    def action_runs(self) -> None:
        """Choose among the runs."""
        current = self.feed.path if self.feed is not None else None
        self.push_screen(RunsScreen(self.look, self.palette, self._find_runs, current), self._run_chosen)

    def _run_chosen(self, path: Path | None) -> None:
        if path is not None:
            self._follows = False
            self.open(path)

    def action_follow(self) -> None:
        """Show the newest run, and the next one when it starts."""
        self._follows, self._searched = True, -1e9
        found = self._find_runs()
        if found and (self.feed is None or found[0].path != self.feed.path):
            self.open(found[0].path)
        self.notify("Following the newest run.", markup=False)
