"""The results as JUnit XML, which every CI system reads."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from pathlib import Path

    from zexus_parallel_plugin.suites.runner import Report

__all__ = ["write_junit"]


def write_junit(report: Report, path: Path) -> None:
    """Write a report.

    :raises OSError: the file cannot be written.
    """
    root = ET.Element("testsuites", name="zexus-parallel test")
    for suite in report.suites:
        states = [result.state for result in suite.results]
        element = ET.SubElement(
            root, "testsuite", name=suite.path.as_posix(), tests=str(len(states)), errors="0",
            failures=str(states.count("failed")), skipped=str(states.count("skipped")),
            time=f"{suite.seconds:.3f}",
        )  # fmt: skip
        share = suite.seconds / max(1, len(states))
        for result in suite.results:
            case = ET.SubElement(
                element, "testcase", classname=suite.path.with_suffix("").as_posix().replace("/", "."),
                name=result.name, file=suite.path.as_posix(), line=str(result.line), time=f"{share:.3f}",
            )  # fmt: skip
            if result.state == "failed":
                failure = ET.SubElement(case, "failure", message=_clean(result.message.partition("\n")[0]))
                failure.text = _clean(result.message)
            elif result.state == "skipped":
                ET.SubElement(case, "skipped", message=_clean(result.message))
            if result.output:
                ET.SubElement(case, "system-out").text = _clean(result.output)
        if suite.stderr and suite.failed:
            ET.SubElement(element, "system-err").text = _clean(suite.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """Without characters that XML cannot have."""
    return "".join(
        one if one in "\t\n" or " " <= one < "\ud800" or "\ue000" <= one not in "\ufffe\uffff" else "\ufffd"
        for one in text
    )
