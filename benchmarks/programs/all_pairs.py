"""Floyd-Warshall: shortest distances between all pairs, top level only."""

from __future__ import annotations

n = 56
far = 999999
d = []
for i in range(n):
    row = []
    for j in range(n):
        if i == j:
            row.append(0)
        elif (i * 7 + j * 11) % 5 == 0:
            row.append((i * 13 + j * 17) % 29 + 1)
        else:
            row.append(far)
    d.append(row)
for k in range(n):
    for i in range(n):
        for j in range(n):
            through = d[i][k] + d[k][j]
            d[i][j] = min(d[i][j], through)
total = 0
longest = 0
for i in range(n):
    for j in range(n):
        if d[i][j] < far:
            total += d[i][j]
            longest = max(longest, d[i][j])
print(f"sum {total}")
print(f"longest {longest}")
print(d[3])
