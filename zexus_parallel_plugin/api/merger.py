"""Puts the results of chunks together in the order of the chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zexus_parallel_plugin.api.records import ExecutionResult

__all__ = ["ResultMerger"]


class ResultMerger:
    """Collects results of chunks, in any order, and merges them in the order of the chunks.

    >>> from zexus_parallel_plugin import ExecutionResult
    >>> merger = ResultMerger()
    >>> merger.add_result(ExecutionResult(1, True, result=7, variables_modified={"x": 2}))
    >>> merger.add_result(ExecutionResult(0, True, variables_modified={"x": 1, "y": 5}))
    >>> merger.merge(2)
    (True, 7, {'x': 2, 'y': 5})
    """

    def __init__(self) -> None:
        self.results: dict[int, ExecutionResult] = {}

    def add_result(self, result: ExecutionResult) -> None:
        """Add the result of a chunk; a second one for the same chunk replaces the first."""
        self.results[result.chunk_id] = result

    def merge(self, expected_chunks: int) -> tuple[bool, Any, dict[str, Any]]:
        """Whether all went well, the value, and all variables.

        The value is that of the last chunk that has one, else the variables, as the host's class has it. With
        missing results it is ``(False, None, {})``; with failed ones the value says which.
        """
        if len(self.results) != expected_chunks:
            return False, None, {}
        ordered = [self.results[number] for number in sorted(self.results)]
        failed = [result.chunk_id for result in ordered if not result.success]
        if failed:
            return False, f"Failed chunks: {failed}", {}
        variables: dict[str, Any] = {}
        value = None
        for result in ordered:
            variables.update(result.variables_modified)
            value = value if result.result is None else result.result
        if value is None and variables:
            value = variables
        return True, value, variables

    def get_statistics(self) -> dict[str, Any]:
        """Number of results and their times in seconds; empty without results."""
        if not self.results:
            return {}
        times = [result.execution_time for result in self.results.values()]
        total, longest = sum(times), max(times)
        return {
            "total_chunks": len(times),
            "total_time": total,
            "average_time": total / len(times),
            "max_time": longest,
            "parallel_efficiency": total / longest if longest > 0 else 0,
        }
