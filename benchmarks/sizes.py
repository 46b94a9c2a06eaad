"""Small sizes of the programs that are shipped with large ones, by set and program.

With its small size a program needs a few seconds at most on the bare host. The names are those of constants
in the program and, in capitals or not, in its twin.
"""

from __future__ import annotations

import re

# Every program of the set `parallel` begins with a constant of this name.
_SCALE = "scale"
_SMALL_SCALE = 2
_SMALL_SCALES = {"printed_report": 1, "queens_by_column": 6}

_PROGRAMS = {
    "all_pairs": {"n": 34},
    "bank": {"payments": 2500},
    "binary_tree": {"insertions": 1200},
    "bubble_sort": {"amount": 280},
    "calculator": {"repetitions": 14},
    "checkout_queue": {"open_minutes": 700},
    "cipher": {"lines": 90},
    "collatz": {"limit": 1100},
    "common_divisors": {"limit": 120},
    "common_subsequence": {"length_a": 150, "length_b": 160},
    "csv_parsing": {"line_count": 700},
    "game_of_life": {"generations": 9},
    "hanoi": {"discs": 12},
    "inventory": {"order_count": 4000},
    "knapsack": {"copies_each": 3},
    "linear_system": {"n": 30},
    "mandelbrot": {"rows": 22, "columns": 60, "limit": 45},
    "matrix_power": {"size_n": 16, "exponent": 100},
    "maze": {"columns": 41, "rows": 31},
    "memo_paths": {"size": 30},
    "merge_sort": {"amount": 1500},
    "monte_carlo": {"darts_each": 3500},
    "n_queens": {"largest": 7},
    "pascal": {"depth_limit": 190},
    "planets": {"ticks": 900},
    "prime_factors": {"numbers": 450},
    "priority_queue": {"job_count": 900},
    "quick_sort": {"amount": 2400},
    "run_lengths": {"rounds": 12},
    "shortest_path": {"towns": 90},
    "sieve": {"top": 15000},
    "string_building": {"pieces": 9000},
    "temperatures": {"years": 1},
    "validation": {"order_count": 3000},
    "word_count": {"repetitions": 60},
}


def small_sizes(place: str, name: str) -> dict[str, int]:
    """The constants of a program of a set, with their small values; none if it is small as it is."""
    if place == "parallel":
        return {_SCALE: _SMALL_SCALES.get(name, _SMALL_SCALE)}
    return _PROGRAMS.get(name, {}) if place == "programs" else {}


def value(text: str, name: str) -> int:
    """What a constant is set to in the text of a program or of its twin."""
    return int(_constant(text, name)[1])


def resized(text: str, sizes: dict[str, int]) -> str:
    """The text of a program or of its twin, with other constants; each must be set in it, to a number."""
    for name, number in sizes.items():
        begin, end = _constant(text, name).span(1)
        text = f"{text[:begin]}{number}{text[end:]}"
    return text


def _constant(text: str, name: str) -> re.Match[str]:
    found = re.search(rf"^[ \t]*(?:let )?{name} = (\d+)", text, re.MULTILINE | re.IGNORECASE)
    if found is None:
        raise ValueError(f"no constant {name}")
    return found
