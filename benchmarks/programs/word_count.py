"""Counts the words of a text in a dict and prints the most frequent ones."""

from __future__ import annotations

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps on.",
    "A fox is a small animal; a dog is often larger than a fox.",
    "Over the hills and far away the brown bear watches the quick fox.",
    "To be or not to be, that is the question of the lazy bear.",
]


def clean(word):
    kept = ""
    for ch in word:
        if ch.isalpha():
            kept += ch
    return kept.lower()


REPETITIONS = 360
counts = {}
for _ in range(REPETITIONS):
    for sentence in SENTENCES:
        for raw in sentence.split(" "):
            w = clean(raw)
            if w in counts:
                counts[w] += 1
            else:
                counts[w] = 1

words = sorted(counts)
print(f"different words: {len(words)}")
for _ in range(5):
    best = ""
    for w in words:
        if best == "" or counts[w] > counts[best]:
            best = w
    print(f"{best}: {counts[best]}")
    counts[best] = 0
