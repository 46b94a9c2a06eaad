"""Solves a system of linear equations by Gaussian elimination with pivoting."""

from __future__ import annotations


def magnitude(x):
    if x < 0:
        return -x
    return x


def main():
    n = 80
    a = []
    for i in range(n):
        row = [(i * j * 7 + i * 3 + j * 5) % 19 + 1.0 for j in range(n + 1)]
        row[i] += 40.0
        a.append(row)
    for col in range(n):
        pivot = col
        for r in range(col + 1, n):
            if magnitude(a[r][col]) > magnitude(a[pivot][col]):
                pivot = r
        a[col], a[pivot] = a[pivot], a[col]
        for r in range(col + 1, n):
            factor = a[r][col] / a[col][col]
            for c in range(col, n + 1):
                a[r][c] -= factor * a[col][c]
    solution = [0.0] * n
    for back in range(n - 1, -1, -1):
        total = a[back][n]
        for known in range(back + 1, n):
            total -= a[back][known] * solution[known]
        solution[back] = total / a[back][back]
    check = 0.0
    for value in solution:
        check += value
    print(solution[0])
    print(solution[n - 1])
    print(f"sum {check}")


main()
