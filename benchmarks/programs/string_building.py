"""Builds a long text piece by piece, and then counts what is in it."""

from __future__ import annotations

pieces = 32000
text = ""
for i in range(pieces):
    if i % 15 == 0:
        text += "fizzbuzz "
    elif i % 5 == 0:
        text += "buzz "
    elif i % 3 == 0:
        text += "fizz "
    else:
        text += f"{i} "
digits = 0
spaces = 0
for ch in text:
    if ch == " ":
        spaces += 1
    elif "0" <= ch <= "9":
        digits += 1
print(f"length {len(text)}")
print(f"digits {digits}")
print(f"spaces {spaces}")
print(text[0:60])
