"""The examples in the docstrings of the API and of the suites' modules, and on the page about the API."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tests.docs.pages import DOCS, blocks

MODULES = [
    f"zexus_parallel_plugin.{package}.{module.name}"
    for package in ("api", "suites")
    for module in iter_modules(import_module(f"zexus_parallel_plugin.{package}").__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    with_examples = [name for name in MODULES if doctest.DocTestFinder().find(import_module(name))]
    assert len(with_examples) > 8


def test_examples_on_the_page(caplog: pytest.LogCaptureFixture) -> None:
    import_module("zexus.cli.main")  # prints a warning when it is first imported
    caplog.set_level("INFO", "zexus_parallel_plugin")  # as the page does; undone after the test
    globs: dict[str, object] = {}
    runner = doctest.DocTestRunner(verbose=False)
    found = [block for block in blocks(DOCS / "api.md") if block.words[:1] == ("python",)]
    assert len(found) > 5
    for block in found:
        test = doctest.DocTestParser().get_doctest(block.text, globs, block.place, "api.md", 0)
        assert test.examples, f"{block.place} has no examples"
        runner.run(test, clear_globs=False)
        globs.update(test.globs)
    assert runner.summarize(verbose=False).failed == 0
