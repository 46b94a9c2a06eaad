"""Tables of results, in Markdown, which reads well on a terminal too."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of numbers above zero; nan of none."""
    logarithms = [log(value) for value in values]
    return exp(sum(logarithms) / len(logarithms)) if logarithms else float("nan")


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column is text, the others are numbers."""
    lines = [headings, *rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(headings))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def text(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    return "\n".join([text(headings), text(rule), *(text(row) for row in rows)])


def in_process(document: dict[str, Any]) -> str:
    """What ``in_process.py`` measured."""
    headings = [
        "milliseconds", "host", "first run", "later runs", "Python", "host ÷ first", "host ÷ later",
        "later ÷ Python",
    ]  # fmt: skip
    rows = [
        [
            item["name"] if item["same"] else f"{item['name']} (DIFFERS)",
            _number(item["host"], 1000),
            _number(item["backend_first"], 1000, 2),
            _number(item["backend"], 1000, 2),
            _number(item["python"], 1000, 2),
            _number(item["host_over_first"]),
            _number(item["host_over_backend"]),
            _number(item["backend_over_python"], 1, 2),
        ]
        for item in document["programs"]
    ]
    means = document["geometric_means"]
    ratios = [_number(means["host_over_first"]), _number(means["host_over_backend"])]
    ratios.append(_number(means["backend_over_python"], 1, 2))
    rows.append(["geometric mean", "", "", "", "", *ratios])
    return markdown(headings, rows)


def processes(documents: Sequence[dict[str, Any]]) -> str:
    """What ``run.py`` measured: one record of ``zexus-parallel bench`` for each program.

    Times are medians. ``least`` is the ratio of the shortest times, where there are several: other guests of
    the same computer take more from a program on two cores than from one on one core.
    """
    names = [variant["name"] for variant in documents[0]["variants"]]
    several = min(len(variant["runs"]) for variant in documents[0]["variants"]) > 1
    kinds = ("speedup", "net", "least") if several else ("speedup", "net")
    others = [name for name in _OVER if name in names[:-1]]
    headings = ["seconds", *(_label(name) for name in names)]
    for other in others:
        headings += [f"{_label(other)} ÷ {_label(names[-1])}", *kinds[1:]]
    gains = [[_gain(document, other, kind) for other in others for kind in kinds] for document in documents]
    if any(document.get("machine") for document in documents):
        headings.append("the machine")
        for document, row in zip(documents, gains, strict=True):
            row.append(document.get("machine"))
    rows = []
    for document, row in zip(documents, gains, strict=True):
        name = document["name"] if document["same_output"] else f"{document['name']} (DIFFERS)"
        seconds = [f"{variant['median']:.2f}" for variant in document["variants"]]
        rows.append([name, *seconds, *(_number(gain, 1, 2) for gain in row)])
    known = [[gain for gain in column if gain] for column in zip(*gains, strict=True)]
    means = [geometric_mean(column) if column else None for column in known]
    rows.append(["geometric mean", *("" for _ in names), *(_number(mean, 1, 2) for mean in means)])
    return markdown(headings, rows)


_OVER = {"host": "speedup_over_host", "workers-1": "speedup_over_one_worker"}


def _gain(document: dict[str, Any], other: str, kind: str) -> float | None:
    """How many times as fast the last variant is as another one; None where that is not known."""
    found = {variant["name"]: variant for variant in document["variants"]}
    last = document["variants"][-1]
    if kind == "least":
        return float(found[other]["min"] / last["min"])
    gain: float | None = last[_OVER[other] if kind == "speedup" else f"net_{_OVER[other]}"]
    return gain


def _label(name: str) -> str:
    if name == "host":
        return "host"
    count = name.partition("-")[2]
    return "1 worker" if count == "1" else f"{count} workers"


def _number(value: float | None, factor: float = 1, digits: int = 1) -> str:
    return "–" if value is None else f"{value * factor:.{digits}f}"
