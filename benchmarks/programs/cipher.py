"""Vigenere cipher: encrypts, decrypts, compares, counts letters."""

from __future__ import annotations

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
PLACES = {letter: place for place, letter in enumerate(ALPHABET)}


def shift_text(text, key, direction):
    out = ""
    used = 0
    for ch in text:
        if ch in PLACES:
            by = PLACES[key[used % len(key)]] * direction
            out += ALPHABET[(PLACES[ch] + by + 26) % 26]
            used += 1
        else:
            out += ch
    return out


LINES = 1080
message = ""
for line_number in range(LINES):
    message += f"attack at dawn, column {line_number} holds the river; "
hidden = shift_text(message, "lemon", 1)
shown = shift_text(hidden, "lemon", -1)
print(hidden[0:70])
print(shown[0:70])
print(f"same again: {shown == message}")
vowels = 0
for ch in hidden:
    if ch in "aeiou":
        vowels += 1
print(f"vowels in the cipher: {vowels}")
