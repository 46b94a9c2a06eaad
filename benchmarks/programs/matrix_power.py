"""Powers of a matrix modulo a prime, by repeated squaring."""

from __future__ import annotations


def multiply(a, b, n):
    product = []
    for i in range(n):
        line = []
        for j in range(n):
            cell = 0
            for k in range(n):
                cell += a[i][k] * b[k][j]
            line.append(cell % 1000003)
        product.append(line)
    return product


def main():
    size_n = 20
    base = []
    answer = []
    for row in range(size_n):
        base.append([(row * 7 + col * 3 + 1) % 11 for col in range(size_n)])
        answer.append([1 if row == col else 0 for col in range(size_n)])
    exponent = 1000000
    while exponent > 0:
        if exponent % 2 == 1:
            answer = multiply(answer, base, size_n)
        base = multiply(base, base, size_n)
        exponent //= 2
    print(answer[0])
    print(answer[size_n - 1])


main()
