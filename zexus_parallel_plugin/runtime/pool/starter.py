"""Which start method is used, and which one comes next when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .errors import LaunchError
from .forking import ForkedTemplate, FreshTemplate, TemplateLauncher
from .launch import methods
from .spawning import SpawnLauncher

if TYPE_CHECKING:
    from .launch import Launcher, LaunchEvents
    from .settings import PoolSettings
    from .waiter import Waiter

Emit = Callable[..., None]


class Starter:
    """Makes launchers, best start method first, never going back to one that has failed."""

    def __init__(self, settings: PoolSettings, waiter: Waiter, events: LaunchEvents, emit: Emit) -> None:
        self._settings = settings
        self._waiter = waiter
        self._events = events
        self._emit = emit
        self._prepared: ForkedTemplate | None = None
        self._methods: list[str] | None = None
        self._lost: list[Launcher] = []
        self.launcher: Launcher | None = None
        self.reason = ""  # why the latest attempt to get a launcher failed

    def prepare(self) -> str:
        """Fork the template; empty, or why there is none."""
        if self._settings.start_method not in {None, "template"}:
            return f"the start method is {self._settings.start_method}"
        if self._prepared is None:
            try:
                self._prepared = ForkedTemplate(self._preload(), self._settings.env)
            except LaunchError as error:
                return str(error)
        return ""

    def _preload(self) -> tuple[str, ...]:
        return (*self._settings.preload, self._settings.handler.partition(":")[0])

    def choose(self) -> Launcher | None:
        """The launcher in use, or the next one; None if all have failed (see :attr:`reason`)."""
        if self._methods is None:
            wanted = self._settings.start_method
            self._methods = methods(wanted, self._prepared is not None)
            if wanted not in {None, self._methods[0]}:
                self._emit("pool.fallback", method=self._methods[0], reason=f"{wanted} is not available")
        while self.launcher is None and self._methods:
            method = self._methods.pop(0)
            try:
                self.launcher = self._make(method)
            except LaunchError as error:
                self.reason = str(error)
        return self.launcher

    def _make(self, method: str) -> Launcher:
        env = self._settings.env
        if method == "spawn":
            return SpawnLauncher(env, self._waiter, self._events)
        if method == "forkserver":
            return TemplateLauncher(FreshTemplate(self._preload(), env), method, self._waiter, self._events)
        template, self._prepared = self._prepared, None
        assert template is not None
        return TemplateLauncher(template, method, self._waiter, self._events)

    def lose(self, reason: str) -> Launcher | None:
        """Give the launcher in use up and kill its workers; returns it."""
        launcher, self.launcher = self.launcher, None
        if launcher is not None:
            self._lost.append(launcher)
            launcher.abandon()
            self.reason = reason
            self._emit("pool.fallback", method=(self._methods or ["none"])[0], reason=reason)
        return launcher

    def close(self) -> None:
        """End all launchers, and with them what is left of their workers."""
        if self._prepared is not None:
            self._prepared.kill()
            self._prepared = None
        for launcher in (*self._lost, self.launcher):
            if launcher is not None:
                launcher.close()
        self._lost.clear()
        self.launcher = None
