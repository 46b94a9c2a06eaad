from __future__ import annotations

import re

import pytest

from zexus_parallel_plugin.opcodes import OPCODES, ParallelOpcode
from zexus_parallel_plugin.reasons import REASONS, reason


def test_the_six_opcodes_are_300_to_305() -> None:
    assert [int(opcode) for opcode in OPCODES] == list(range(300, 306))
    assert set(OPCODES) == set(ParallelOpcode)


def test_the_other_names_of_the_numbers_are_those_of_the_host() -> None:
    from zexus.vm.bytecode import Opcode

    assert {int(opcode): info.host_name for opcode, info in OPCODES.items()} == {
        number: Opcode(number).name for number in range(300, 306)
    }


def test_a_reason_is_a_sentence_with_a_stable_code() -> None:
    for code, item in REASONS.items():
        assert code == item.code
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert item.sentence.endswith(".")
        assert not item.hint or item.hint.endswith(".")
        assert "\n" not in item.sentence + item.hint


def test_no_code_is_defined_twice() -> None:
    from zexus_parallel_plugin import reasons

    assert len(reasons._TABLE) == len(REASONS)


def test_an_unknown_code_is_an_error_that_says_where_codes_are() -> None:
    assert reason("host-version").category == "run"
    with pytest.raises(KeyError, match=r"reasons\.py"):
        reason("no-such-code")
