"""Run-length encoding and decoding of generated bitmaps."""

from __future__ import annotations


def bitmap(n, seed):
    bits = ""
    on = True
    while len(bits) < n:
        seed = (seed * 1103515245 + 12345) % 2147483648
        stretch = seed // 65536 % 9 + 1
        for _ in range(stretch):
            bits += "X" if on else "_"
        on = not on
    return bits


def encode(plain):
    packed = []
    i = 0
    while i < len(plain):
        ch = plain[i]
        run_length = 1
        while i + run_length < len(plain) and plain[i + run_length] == ch:
            run_length += 1
        packed.append([ch, run_length])
        i += run_length
    return packed


def decode(pairs):
    plain = ""
    for ch, run_length in pairs:
        plain += ch * run_length
    return plain


ROUNDS = 44
same = 0
saved = 0
for round_number in range(ROUNDS):
    original = bitmap(2500, round_number * 31 + 7)
    packed = encode(original)
    if decode(packed) == original:
        same += 1
    saved += len(original) - 2 * len(packed)
print(f"round trips: {same}")
print(f"saved: {saved}")
print(encode("XXXX__X_____XX"))
