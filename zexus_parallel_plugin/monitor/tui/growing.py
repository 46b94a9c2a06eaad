"""Content that grows, without a new layout of the whole screen each time, and tells when it was scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message
from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from textual.geometry import Size

__all__ = ["Moved", "grow_to"]


class Moved(Message):
    """Other lines of a view are in sight, or it follows what is new, or does not any more."""

    def can_replace(self, message: Message) -> bool:
        """One is enough."""
        return isinstance(message, Moved)


def grow_to(view: ScrollView, size: Size) -> None:
    """Give the content of a view another size.

    The library lays out the whole screen for that, which is half of what a frame costs while rows come in.
    It is needed only if a scroll bar comes or goes, or the view has to scroll.
    """
    before, room = view.virtual_size, view.size.height
    if before == size:
        return
    has_bar, needs_bar = view.show_vertical_scrollbar, size.height > room
    still = before.width == size.width and room > 0 and view.scroll_offset.y <= max(0, size.height - room)
    if still and has_bar == needs_bar == (before.height > room):
        view.set_reactive(ScrollView.virtual_size, size)
        if has_bar:
            view.vertical_scrollbar.window_virtual_size = size.height
    else:
        view.virtual_size = size
