"""The keys of the monitor that work in all views."""

from __future__ import annotations

from textual.binding import Binding

__all__ = ["KEYS"]

KEYS = (
    Binding("question_mark,f1", "help", "Help", key_display="?"),
    Binding("slash", "filter", "Filter", key_display="/"),
    Binding("s", "order(1)", "Sort", show=False),
    Binding("S", "reverse", "Reverse", show=False),
    Binding("d", "details", "Details"),
    Binding("space", "pause", "Pause"),
    Binding("r", "runs", "Runs"),
    Binding("f", "follow", "Follow", show=False),
    Binding("c", "cancel", "Cancel"),
    Binding("x", "kill", "Kill"),
    Binding("t", "theme", "Theme", show=False),
    Binding("escape", "close", "Close", show=False),
    Binding("full_stop", "step(1)", "Step", show=False),
    Binding("comma", "step(-1)", "Step back", show=False),
    Binding("less_than_sign", "seek(-1)", "Back", show=False),
    Binding("greater_than_sign", "seek(1)", "On", show=False),
    Binding("left_square_bracket", "speed(-1)", "Slower", show=False),
    Binding("right_square_bracket", "speed(1)", "Faster", show=False),
    *(Binding(f"{(n + 1) % 10}", f"view({n})", f"View {n + 1}", show=False) for n in range(10)),
    Binding("q", "quit", "Quit"),
)
