"""What generated code raises to leave itself; apart from the compiler, which start-up does not load."""

from __future__ import annotations


class Trap(Exception):  # noqa: N818 - raised by generated code to leave itself
    """The unit gives up at this line; the interpreter goes on."""


class RangeStopped(Exception):  # noqa: N818 - raised by generated code to leave itself
    """A range unit cannot finish an iteration; ``iteration`` ones are complete."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)
        self.iteration = iteration
