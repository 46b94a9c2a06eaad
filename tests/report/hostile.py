"""A run whose program, names, output and errors try to break out of whatever shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zexus_parallel_plugin.journal import events as ev
from zexus_parallel_plugin.journal.codec import encode

if TYPE_CHECKING:
    from pathlib import Path

MARKUP = (
    "</script></pre><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
)
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202eright to left\u2066\x00\r\b\ud800"
NASTY = f"{MARKUP}{ESCAPES}${{title}} $title ' & \\ \n\t"


def hostile(path: Path) -> Path:
    """Write its journal."""
    events = [
        ev.RunStart(
            t=0, v=1, run=NASTY, time=1e9, pid=1, started="gone/1", program=NASTY, path=NASTY, workers=2,
            config={NASTY: NASTY}, versions={NASTY: NASTY}, system=NASTY,
        ),
        ev.Source(t=0, path=NASTY, sha256="", lines=["print(1);", NASTY]),
        ev.Worker(t=0, id=1, state="ready", slot=0, pid=7),
        ev.Chunk(
            t=0, id=1, what=NASTY, name=NASTY, inside=NASTY, line=2, end_line=2, verdict="parallel",
            reason=NASTY, reads=[NASTY], writes=[NASTY], depends=[{"on": 2, "name": NASTY, "type": NASTY}],
        ),
        ev.Chunk(
            t=0, id=2, name=NASTY, line=1, verdict="in-place", depends=[{"on": [1], NASTY: 1}, {"on": 2}]
        ),
        ev.Task(
            t=1, id=1, state="committed", what=NASTY, name=NASTY, chunk=1, line=2, worker=1, attempt=1,
            queued=0.1, begun=0.2, ended=0.8, settled=0.9, seconds=[0.2, 0.3], calls=2, committed=1,
            thrown={NASTY: 1},
            cause=NASTY, detail=NASTY,
        ),
        ev.Attempt(
            t=1, task=1, attempt=1, worker=1, begun=0.2, cause=NASTY, detail=NASTY, error=NASTY,
            traceback=NASTY,
        ),
        ev.Shared(t=1, name=NASTY, value=NASTY),
        ev.Metrics(t=1, counts={NASTY: 1}, reasons={NASTY: 3}),
        ev.Warn(t=1, text=NASTY),
        ev.Log(t=1, level=NASTY, text=NASTY, logger=NASTY),
        ev.Output(t=1, text=NASTY * 3),
        ev.Worker(t=1.5, id=1, state="dead", expected=False, signal=NASTY, reason=NASTY),
        ev.RunEnd(t=2, state="failed", code=1, error=NASTY),
    ]  # fmt: skip
    path.write_text("".join(map(encode, events)), encoding="ascii")
    return path
