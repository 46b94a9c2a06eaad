"""S4 inside a function: a dict filled with the results of calls."""

from __future__ import annotations

scale = 3600


def order_of(base, modulus):
    power = base % modulus
    exponent = 1
    while power != 1:
        power = power * base % modulus
        exponent += 1
        if exponent > modulus:
            return 0
    return exponent


def table_of_orders(moduli):
    table = {}
    for m in moduli:
        table[f"m{m}"] = order_of(10, m)
    return table


def main():
    moduli = []
    candidate = 20001
    while len(moduli) < 2 * scale:
        if candidate % 5 != 0:
            moduli.append(candidate)
        candidate += 2
    orders = table_of_orders(moduli)
    print(len(orders))
    print(orders["m20001"])
    print(orders["m20003"])
    longest = 0
    for value in orders.values():
        longest = max(longest, value)
    print(f"longest {longest}")


main()
