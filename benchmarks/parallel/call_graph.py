"""S1 inside a function: a small graph of calls, in main()."""

from __future__ import annotations

scale = 3300


def checksum(seed, rounds):
    for _ in range(rounds):
        seed = (seed * 69069 + 12345) % 4294967296
    return seed


def main():
    rounds = 3000 * scale
    north = checksum(1, rounds)
    south = checksum(2, rounds)
    east = checksum(3, rounds)
    west = checksum(4, rounds)
    vertical = checksum(north + south, rounds)
    horizontal = checksum(east + west, rounds)
    print(f"vertical {vertical}")
    print(f"horizontal {horizontal}")
    print(f"all {vertical + horizontal}")


main()
