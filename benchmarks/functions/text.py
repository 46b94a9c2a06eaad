"""A string that grows by pieces of text and numbers."""

from __future__ import annotations


def build(pieces):
    text = ""
    i = 0
    while i < pieces:
        if i % 4 == 0:
            text = text + "item " + str(i) + "; "
        else:
            text += "., "
        i += 1
    return text


built = build(5000)
print(len(built))
