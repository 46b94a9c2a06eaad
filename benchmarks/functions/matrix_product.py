"""Three nested while loops over lists of lists."""

from __future__ import annotations


def matrix(n, seed):
    rows = []
    i = 0
    while i < n:
        row = []
        j = 0
        while j < n:
            row.append((i * 29 + j * 13 + seed) % 17)
            j += 1
        rows.append(row)
        i += 1
    return rows


def product(a, b, n):
    out = []
    r = 0
    while r < n:
        line = []
        c = 0
        while c < n:
            cell = 0
            k = 0
            while k < n:
                cell += a[r][k] * b[k][c]
                k += 1
            line.append(cell)
            c += 1
        out.append(line)
        r += 1
    return out


result = product(matrix(24, 3), matrix(24, 5), 24)
print(result[7])
