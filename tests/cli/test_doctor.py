from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import REPOSITORY
from zexus_parallel_plugin.cli import checks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

START = ("-m", "zexus_parallel_plugin", "doctor")


def status_by_name(result: Finished) -> dict[str, str]:
    document: dict[str, Any] = json.loads(result.stdout)
    assert document["healthy"] == all(check["status"] != "failed" for check in document["checks"])
    assert result.code == (0 if document["healthy"] else 1)
    return {check["name"]: check["status"] for check in document["checks"]}


def test_a_good_installation_passes_and_agrees_with_the_host(command: Callable[..., Finished]) -> None:
    result = command(*START)
    assert "FAIL" not in result.stdout
    assert "comparison: 3 programs: same output as the host" in result.stdout
    assert result.stderr == ""
    assert result.code == 0


def test_as_json_it_is_one_document(command: Callable[..., Finished]) -> None:
    status = status_by_name(command(*START, "--json", "--quick"))
    assert list(status) == [
        "python", "host", "hook", "command", "cores", "workers", "configuration", "cache", "plugins",
    ]  # fmt: skip
    assert status["host"] == status["hook"] == status["command"] == "ok"


def test_it_tells_where_translations_are(command: Callable[..., Finished], tmp_path: Path) -> None:
    result = command(*START, "--quick", env={"ZEXUS_PARALLEL_CACHE": str(tmp_path)})
    assert f"cache: 0 programs, 0 KiB, in {tmp_path / 'zexus-parallel'}" in result.stdout
    result = command(*START, "--quick", env={"ZEXUS_PARALLEL_CACHE": "off"})
    assert "cache: off" in result.stdout


def test_switched_off_is_a_note(command: Callable[..., Finished]) -> None:
    status = status_by_name(command(*START, "--json", "--quick", env={"ZEXUS_PARALLEL_DISABLE": "1"}))
    assert (status["hook"], status["command"]) == ("note", "note")


def test_a_start_without_path_files_fails(command: Callable[..., Finished]) -> None:
    import zexus

    path = [str(REPOSITORY), zexus.__path__[0].rpartition("zexus")[0]]
    code = f"import sys; sys.path[:0] = {path!r}\nfrom zexus_parallel_plugin.cli import main\n"
    result = command("-S", "-c", code + "main(['doctor', '--quick', '--json'])")
    status = status_by_name(result)
    assert status["hook"] == "failed"
    assert status["host"] == "ok"


def test_a_wrong_setting_fails_and_a_stray_variable_is_a_note(command: Callable[..., Finished]) -> None:
    wrong = command(*START, "--json", "--quick", env={"ZEXUS_PARALLEL_WORKERS": "none"})
    assert status_by_name(wrong)["configuration"] == "failed"
    stray = command(*START, "--json", "--quick", env={"ZEXUS_PARALLEL_WORKRS": "1"})
    assert status_by_name(stray)["configuration"] == "note"
    assert "did you mean ZEXUS_PARALLEL_WORKERS?" in stray.stdout


def test_a_host_that_was_not_verified_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "host_version", lambda: "2.0.7")
    check = checks._host()
    assert check.status == "failed"
    assert check.text == "zexus 2.0.7 is not a verified version"
    assert "2.0.0" in check.hint


def test_without_a_host_the_other_checks_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "host_version", lambda: None)
    found = list(checks.all_checks(compare=True))
    assert [check.name for check in found] == ["python", "host"]
    assert "pip install" in found[-1].hint


def test_another_output_than_the_hosts_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(path: Path, backend: str) -> tuple[bytes, bytes, int]:
        return (b"3" if backend == "host" or path.stem != "values" else b"4"), b"", 0

    monkeypatch.setattr(checks, "_run", run)
    check = checks._comparison()
    assert check.status == "failed"
    assert check.facts["different"] == ["values"]


@pytest.mark.parametrize(
    ("name", "printed"), [("calls", "144\n"), ("values", "text 2.5 1\n"), ("errors", "caught\nbefore\n")]
)
def test_the_programs_really_run_on_the_host(tmp_path: Path, name: str, printed: str) -> None:
    # Two that fail in the same way would agree, too.
    path = tmp_path / "program.zx"
    path.write_text(checks.PROGRAMS[name], encoding="utf-8")
    stdout, _, code = checks._run(path, "host")
    assert printed in stdout.decode()
    assert code == (1 if name == "errors" else 0)


def test_every_program_is_compared() -> None:
    assert list(checks.PROGRAMS) == ["calls", "values", "errors"]
