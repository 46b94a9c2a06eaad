from __future__ import annotations

import copy
import dataclasses
import os
import pickle
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

from zexus_parallel_plugin.config import (
    CONFIG_FILE,
    ENV_PREFIX,
    ENVIRONMENT,
    ParallelConfig,
    available_cores,
    resolve_config,
    settings,
    unknown_variables,
)
from zexus_parallel_plugin.errors import ConfigError, ZexusParallelError

if TYPE_CHECKING:
    from pathlib import Path

WRONG_VALUES = [
    ("worker_count", 0),
    ("worker_count", -1),
    ("worker_count", 1025),
    ("worker_count", 2.0),
    ("worker_count", True),
    ("worker_count", "4"),
    ("chunk_size", 0),
    ("chunk_size", None),
    ("min_chunk_size", 0),
    ("timeout_seconds", 0),
    ("timeout_seconds", -0.5),
    ("timeout_seconds", float("nan")),
    ("timeout_seconds", float("inf")),
    ("timeout_seconds", "30"),
    ("retry_attempts", -1),
    ("enable_metrics", 1),
    ("enable_fallback", "yes"),
    ("max_queue_size", 0),
    ("gas_limit", 0),
    ("gas_limit", "lots"),
    ("gas_limit", 1.5),
    ("mode", "fast"),
    ("tier", None),
    ("start_method", "fork"),
    ("min_task_seconds", -1),
    ("max_forks", 0),
    ("log_level", "loud"),
]


class Mode(Enum):
    PARALLEL = "parallel"


def test_the_defaults_are_those_of_the_host() -> None:
    config = ParallelConfig()
    assert config.worker_count == available_cores()
    assert (config.chunk_size, config.timeout_seconds, config.retry_attempts) == (50, 30.0, 3)
    assert (config.enable_metrics, config.enable_fallback, config.max_queue_size) == (True, True, 1000)
    assert config.mode == "hybrid"
    assert config.gas_limit_value == 100_000_000


def test_the_first_fields_can_be_given_by_position_as_to_the_host() -> None:
    config = ParallelConfig(4, 60, 5.0, 1, False, False, 20)
    assert config.worker_count == 4
    assert config.chunk_size == 60
    assert config.timeout_seconds == 5.0
    assert config.retry_attempts == 1
    assert config.enable_metrics is False
    assert config.enable_fallback is False
    assert config.max_queue_size == 20


def test_no_worker_count_means_the_cores_of_this_process() -> None:
    nothing: Any = None
    assert ParallelConfig(worker_count=nothing).worker_count == available_cores()
    assert ParallelConfig(worker_count="auto").worker_count == available_cores()  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_cores_are_those_of_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert available_cores() == 1
        assert ParallelConfig().worker_count == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_wrong_value_is_an_error_that_names_field_and_value(name: str, value: object) -> None:
    fields: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name) as caught:
        ParallelConfig(**fields)
    message = str(caught.value)
    assert repr(value) in message
    assert "must be" in message
    assert "\n" not in message
    assert isinstance(caught.value, ZexusParallelError)


def test_it_cannot_be_changed_but_copied_with_a_change() -> None:
    config = ParallelConfig(worker_count=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.worker_count = 3  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        config.wrokers = 3  # type: ignore[attr-defined]
    changed = dataclasses.replace(config, worker_count=3)
    assert (config.worker_count, changed.worker_count) == (2, 3)


def test_it_is_a_value() -> None:
    config = resolve_config(environ={"ZEXUS_PARALLEL_WORKERS": "3"})
    assert config == ParallelConfig(worker_count=3)
    assert hash(config) == hash(ParallelConfig(worker_count=3))
    restored = pickle.loads(pickle.dumps(config))
    assert restored == config
    assert restored.origin("worker_count") == "ZEXUS_PARALLEL_WORKERS"
    assert copy.deepcopy(config) == config


def test_words_may_come_in_any_case_and_as_members_of_an_enumeration() -> None:
    assert ParallelConfig(mode="Parallel").mode == "parallel"  # type: ignore[arg-type]
    assert ParallelConfig(mode=Mode.PARALLEL).mode == "parallel"  # type: ignore[arg-type]


def test_the_smallest_chunk_is_never_above_the_chunk_size() -> None:
    assert ParallelConfig(chunk_size=4).min_chunk_size == 4
    assert ParallelConfig(chunk_size=50, min_chunk_size=20).min_chunk_size == 20


@pytest.mark.parametrize(
    ("given", "limit"), [(None, 100_000_000), ("host", 100_000_000), (7, 7), ("unlimited", None)]
)
def test_the_gas_limit_as_a_number(given: Any, limit: int | None) -> None:
    assert ParallelConfig(gas_limit=given).gas_limit_value == limit


def test_to_dict_has_every_setting_and_nothing_else() -> None:
    assert list(ParallelConfig().to_dict()) == [setting.name for setting in settings()]


class TestLayers:
    def write(self, directory: Path, text: str) -> Path:
        (directory / CONFIG_FILE).write_text(text, encoding="utf-8")
        return directory / "program.zx"

    def test_each_layer_wins_over_those_below(self, tmp_path: Path) -> None:
        program = self.write(
            tmp_path, "[backend.parallel]\nworker_count = 2\nchunk_size = 20\nmode = 'parallel'\n"
        )
        environ = {"ZEXUS_PARALLEL_WORKERS": "3", "ZEXUS_PARALLEL_CHUNK_SIZE": "30"}
        config = resolve_config(program=program, environ=environ, options={"worker_count": "4"})
        assert (config.worker_count, config.chunk_size, config.mode) == (4, 30, "parallel")
        assert config.retry_attempts == 3
        assert config.origin("worker_count") == "--workers"
        assert config.origin("chunk_size") == "ZEXUS_PARALLEL_CHUNK_SIZE"
        assert config.origin("mode") == f"{tmp_path / CONFIG_FILE}: [backend.parallel] mode"
        assert config.origin("retry_attempts") == "default"

    def test_without_anything_there_are_the_defaults(self, tmp_path: Path) -> None:
        assert resolve_config(program=tmp_path / "program.zx", environ={}) == ParallelConfig()
        assert resolve_config(program=tmp_path / "program.zx", environ={}).origins == {}

    def test_an_option_that_was_not_given_and_an_empty_variable_say_nothing(self) -> None:
        config = resolve_config(environ={"ZEXUS_PARALLEL_WORKERS": ""}, options={"worker_count": None})
        assert config.origin("worker_count") == "default"

    def test_a_value_from_a_lower_layer_is_checked_even_if_it_does_not_win(self) -> None:
        with pytest.raises(ConfigError, match=r"^ZEXUS_PARALLEL_WORKERS must be .*, got 'many'$"):
            resolve_config(environ={"ZEXUS_PARALLEL_WORKERS": "many"}, options={"worker_count": "1"})

    @pytest.mark.parametrize(
        ("name", "text", "value"),
        [
            ("enable_metrics", "no", False),
            ("enable_metrics", "ON", True),
            ("gas_limit", "unlimited", "unlimited"),
            ("gas_limit", "5_000", 5000),
            ("start_method", "auto", None),
            ("start_method", "spawn", "spawn"),
            ("timeout_seconds", "2.5", 2.5),
            ("log_level", "INFO", "info"),
            ("worker_count", "auto", available_cores()),
        ],
    )
    def test_text_is_read_by_the_kind_of_the_setting(self, name: str, text: str, value: object) -> None:
        (setting,) = [item for item in settings() if item.name == name]
        for variable in setting.variables:
            assert getattr(resolve_config(environ={variable: text}), name) == value
        assert getattr(resolve_config(environ={}, options={name: text}), name) == value

    def test_an_option_is_named_by_its_error(self) -> None:
        with pytest.raises(ConfigError, match=r"^--timeout must be a number of seconds above 0, got '0'$"):
            resolve_config(environ={}, options={"timeout_seconds": "0"})

    def test_a_file_and_key_are_named_by_their_error(self, tmp_path: Path) -> None:
        program = self.write(tmp_path, "[backend.parallel]\nworker_count = 0\n")
        with pytest.raises(ConfigError) as caught:
            resolve_config(program=program, environ={})
        where = f"{tmp_path / CONFIG_FILE}: [backend.parallel] worker_count"
        assert str(caught.value) == f"{where} must be a whole number from 1 to 1024, or auto, got 0"

    @pytest.mark.parametrize(
        ("key", "meant"),
        [("worker_cuont", "worker_count"), ("workers", "worker_count"), ("timeout", "timeout_seconds")],
    )
    def test_an_unknown_key_gets_a_suggestion(self, tmp_path: Path, key: str, meant: str) -> None:
        program = self.write(tmp_path, f"[backend.parallel]\n{key} = 1\n")
        with pytest.raises(ConfigError, match=f"has no setting '{key}'; did you mean {meant}\\?"):
            resolve_config(program=program, environ={})

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[backend.parallel\n", "not valid TOML"),
            ("backend = 3\n", "must be a table"),
            ("[backend]\nparallel = 3\n", "must be a table"),
            ("[backend.parallel]\nfrobnicate = 1\n", "has no setting 'frobnicate'"),
        ],
    )
    def test_a_broken_file_is_one_line_that_names_it(self, tmp_path: Path, text: str, problem: str) -> None:
        program = self.write(tmp_path, text)
        with pytest.raises(ConfigError, match=problem) as caught:
            resolve_config(program=program, environ={})
        assert str(caught.value).startswith(f"{tmp_path / CONFIG_FILE}: ")
        assert "\n" not in str(caught.value)

    def test_a_file_that_is_not_text_is_one_line_that_names_it(self, tmp_path: Path) -> None:
        (tmp_path / CONFIG_FILE).write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match="cannot be read"):
            resolve_config(program=tmp_path / "program.zx", environ={})

    def test_tables_of_others_are_not_read(self, tmp_path: Path) -> None:
        program = self.write(tmp_path, "[backend.other]\nx = 1\n[tool]\ny = 2\n")
        assert resolve_config(program=program, environ={}) == ParallelConfig()


def test_every_setting_has_a_name_of_its_own_everywhere() -> None:
    options = [setting.option for setting in settings()]
    variables = [name for setting in settings() for name in setting.variables]
    assert len(set(options)) == len(options)
    assert len(set(variables)) == len(variables)
    assert not set(variables) & set(ENVIRONMENT)
    assert all(name.startswith(ENV_PREFIX) for name in variables)
    assert all(setting.help and setting.default_text for setting in settings())


def test_every_field_is_a_setting() -> None:
    names = {item.name for item in dataclasses.fields(ParallelConfig)} - {"origins", "program"}
    assert names == {setting.name for setting in settings()}


def test_a_misspelled_variable_is_found() -> None:
    environ = {
        "ZEXUS_PARALLEL_WORKRS": "3",
        "ZEXUS_PARALLEL_DISABLE": "1",
        "PATH": "",
        "ZEXUS_VM_TIMEOUT": "1",
    }
    (line,) = unknown_variables(environ)
    assert "ZEXUS_PARALLEL_WORKRS" in line
    assert line.endswith("did you mean ZEXUS_PARALLEL_WORKERS?")
