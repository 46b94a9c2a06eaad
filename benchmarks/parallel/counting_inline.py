"""S6 at the top level: counts in nested loops, no list and no call."""

from __future__ import annotations

scale = 4100

triples = 0
for a in range(1, 4 * scale + 1):
    for b in range(a, a + 61):
        for c in range(b + 1, b + 60):
            if a * a + b * b == c * c:
                triples += 1
print(f"triples {triples}")
