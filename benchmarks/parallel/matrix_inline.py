"""S6 at the top level: a matrix product without a single call, row by row."""

from __future__ import annotations

scale = 22000

inner = 40
rows = 2 * scale
a = [[(i * 31 + j * 17) % 23 for j in range(inner)] for i in range(rows)]
b = [[(i * 13 + j * 7) % 19 for j in range(inner)] for i in range(inner)]
c = []
for i in range(rows):
    out = []
    for j in range(inner):
        cell = 0
        for k in range(inner):
            cell += a[i][k] * b[k][j]
        out.append(cell)
    c.append(out)
print(c[0][0:5])
print(c[rows - 1][0:5])
print(len(c))
