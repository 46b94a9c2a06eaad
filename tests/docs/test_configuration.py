"""The page of settings has what the configuration has, word by word; so has the short table of the README."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from zexus_parallel_plugin.config import ENVIRONMENT, ParallelConfig, read_config_file, settings
from zexus_parallel_plugin.errors import ConfigError

from .pages import DOCS, REPOSITORY, blocks, table

PAGE = DOCS / "configuration.md"


def test_every_setting_is_on_the_page() -> None:
    expected = [
        [
            f"`{setting.name}`",
            f"`{setting.option}`",
            ", ".join(f"`{name}`" for name in setting.variables),
            setting.default_text,
            setting.kind.expected,
            setting.help,
        ]
        for setting in settings()
    ]
    assert table(PAGE, "setting") == expected


def test_every_other_variable_is_on_the_page() -> None:
    assert table(PAGE, "variable") == [[f"`{name}`", text] for name, text in ENVIRONMENT.items()]


def test_every_remark_is_about_a_setting() -> None:
    names = {field.name for field in dataclasses.fields(ParallelConfig)}
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("- **")]
    assert {name for line in lines for name in re.findall(r"\*\*(\w+)\*\*", line)} <= names


def test_the_example_file_is_right(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "zexus-plugin.toml"
    path.write_text("\n".join(line.strip() for line in text.splitlines()), encoding="utf-8")
    values = {setting.name: value for setting, value in read_config_file(path)}
    assert ParallelConfig(**values).gas_limit == "unlimited"  # type: ignore[arg-type]


def test_the_example_in_python_is_right() -> None:
    (example,) = [block for block in blocks(PAGE) if block.words == ("python",)]
    names: dict[str, object] = {}
    exec(example.text, names)
    assert isinstance(names["config"], ParallelConfig)


def test_the_example_errors_are_what_is_said() -> None:
    (errors,) = [block for block in blocks(PAGE) if block.words == ("text",)]
    with pytest.raises(ConfigError) as found:
        ParallelConfig(chunk_size=0, origins={"chunk_size": "ZEXUS_PARALLEL_CHUNK_SIZE"})
    assert str(found.value).removesuffix("0") + "'0'" in errors.text


def test_the_settings_in_the_readme_are_those_of_the_page() -> None:
    by_option = {setting.option: setting for setting in settings()}
    rows = table(REPOSITORY / "README.md", "option")
    assert len(rows) >= 5
    for option, variable, key, *_ in rows:
        setting = by_option[option.strip("`")]
        assert variable.strip("`") in setting.variables
        assert key.strip("`") == setting.name
