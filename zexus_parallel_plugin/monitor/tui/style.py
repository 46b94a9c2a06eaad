"""How the monitor's screen is laid out, in the style sheets of the library."""

from __future__ import annotations

__all__ = ["SHEET"]

SHEET = """
#head { height: 4; background: $surface; }
#tabs { height: 1; background: $panel; }
#body { height: 1fr; layout: horizontal; }
#views { width: 1fr; height: 1fr; }
View { height: 1fr; width: 1fr; padding: 0 0 0 1; }
#detail { width: 42%; max-width: 76; height: 1fr; display: none; padding: 0 0 0 1;
    border-left: solid $secondary 40%; }
.-narrow #body { layout: vertical; }
.-narrow #detail { width: 1fr; max-width: 1000; height: 45%; border-left: none;
    border-top: solid $secondary 40%; }
.details #detail { display: block; }
.panel { padding: 0; border-top: solid $secondary 40%; border-title-color: $secondary;
    border-title-style: bold; }
.panel:focus-within { border-top: solid $primary; border-title-color: $primary; }
.panel PlaceBar { display: none; }
.note { height: 1; }
#replay { display: none; height: 1; background: $panel; }
.replay #replay { display: block; }
#filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
.filtering #filter { display: block; }
Footer { background: $surface; }
.ascii .panel { border-top: ascii $secondary 40%; }
.ascii .panel:focus-within { border-top: ascii $primary; }
.ascii #detail { border-left: ascii $secondary 40%; }
.ascii.-narrow #detail { border-left: none; border-top: ascii $secondary 40%; }
"""
