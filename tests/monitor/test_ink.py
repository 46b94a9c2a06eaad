"""Text for a terminal: harmless, and exactly as wide as it should be."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.report.hostile import NASTY
from zexus_parallel_plugin.monitor.figures import count, duration, percent, rate, size
from zexus_parallel_plugin.monitor.ink import ASCII, UNICODE, clean, cut, fit, width


@given(st.text())
def test_clean_text_cannot_do_anything(text: str) -> None:
    shown = clean(text)
    assert not [char for char in shown if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029"]
    assert clean(shown) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=20))
def test_ordinary_text_stays(text: str) -> None:
    assert clean(text) == "".join(char for char in text if not "\ufe00" <= char <= "\ufe0f")


def test_what_hostile_text_becomes() -> None:
    assert clean("\x1b[31m\x9b2J\t\u202e\ud800\r\n") == r"\x1b[31m\x9b2J \u202e\ud800\r\n"
    assert clean(NASTY, ascii_only=True).isascii()
    assert UNICODE.clean("é…") == "é…"
    assert ASCII.clean("é…") == r"\xe9\u2026"


@given(st.text(max_size=30), st.integers(0, 40), st.sampled_from("<>^"))
def test_fitted_text_has_its_width(text: str, room: int, align: str) -> None:
    assert width(fit(clean(text), room, align)) == room
    assert width(cut(clean(text), room)) <= room


USUAL = st.one_of(
    st.characters(max_codepoint=0x10FF, exclude_categories=["C", "M"]), st.sampled_from("日本語한글，━▁●")
)


@given(st.text(alphabet=USUAL, max_size=20))
def test_widths_are_those_of_the_library_that_draws(text: str) -> None:
    assert width(clean(text)) == cell_len(clean(text))


def test_wide_characters_are_not_cut_in_two() -> None:
    assert fit("日本語", 4) == "日… "
    assert fit("日本語", 6) == "日本語"
    assert fit("abcdef", 3) == "ab…"
    assert fit("abcdef", 3, more="~") == "ab~"
    assert fit("ab", 5, ">") == "   ab"
    assert fit("ab", 5, "^") == " ab  "
    assert cut("abc", 0) == ""


def test_bars() -> None:
    assert UNICODE.bar_of(0.5, 4) == ("━━", "──")
    assert UNICODE.bar_of(0.625, 4) == ("━━╸", "─")
    assert ASCII.bar_of(0.5, 4) == ("##", "..")
    assert UNICODE.bar_of(7, 2) == ("━━", "")
    assert UNICODE.bar_of(-1, 2) == ("", "──")


@given(st.floats(allow_nan=False), st.integers(1, 80))
def test_a_bar_has_its_width(share: float, room: int) -> None:
    for look in (UNICODE, ASCII):
        filled, empty = look.bar_of(share, room)
        assert len(filled) + len(empty) == room


def test_sparklines() -> None:
    assert UNICODE.spark([0, 1, 4, 8], 6) == "   ▁▄█"
    assert UNICODE.spark([], 3) == "   "
    assert UNICODE.spark([0, 0], 2) == "  "
    assert UNICODE.spark([1, 2, 3], 2) == "▅█"
    assert ASCII.spark([1, 8], 2) == ".@"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0, "0 s"), (0.0000421, "42 us"), (0.00123, "1.2 ms"), (0.0821, "82 ms"),
        (1.254, "1.25 s"), (12.34, "12.3 s"), (59.96, "1:00"), (187, "3:07"), (7500, "2:05:00"),
        (-1, "-1.00 s"),
    ],
)  # fmt: skip
def test_times(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_other_figures() -> None:
    assert [size(value) for value in (None, 0, 999, 48 << 10, 1300 << 10, 3 << 30)] == [
        "-", "0 B", "999 B", "48 K", "1.3 M", "3.0 G",
    ]  # fmt: skip
    assert [count(value) for value in (None, 0, 12345, 12_345_678)] == ["-", "0", "12 345", "12.3 M"]
    assert [percent(value) for value in (None, 0.421)] == ["-", "42 %"]
    assert [rate(value) for value in (None, 0.42, 33.3, 1250)] == ["-", "0.4/s", "33/s", "1 250/s"]
