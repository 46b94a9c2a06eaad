"""Longest common subsequence of two generated strings, with the full table."""

from __future__ import annotations


def letters(count, seed):
    alphabet = "acgt"
    made = ""
    while len(made) < count:
        seed = (seed * 1103515245 + 12345) % 2147483648
        made += alphabet[seed // 65536 % 4]
    return made


def main():
    length_a = 280
    length_b = 300
    a = letters(length_a, 1)
    b = letters(length_b, 2)
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            if a[i - 1] == b[j - 1]:
                table[i][j] = table[i - 1][j - 1] + 1
            elif table[i - 1][j] >= table[i][j - 1]:
                table[i][j] = table[i - 1][j]
            else:
                table[i][j] = table[i][j - 1]
    x = len(a)
    y = len(b)
    common = ""
    while x > 0 and y > 0:
        if a[x - 1] == b[y - 1]:
            common = a[x - 1] + common
            x -= 1
            y -= 1
        elif table[x - 1][y] >= table[x][y - 1]:
            x -= 1
        else:
            y -= 1
    print(table[len(a)][len(b)])
    print(common)


main()
