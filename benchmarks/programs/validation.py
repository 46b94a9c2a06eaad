"""Checks orders with exceptions, and counts what went wrong."""

from __future__ import annotations


def require(condition, message):
    if not condition:
        raise ValueError(f"Requirement failed: {message}")


def divide(a, b):
    if b == 0:
        raise ValueError("Division by zero")
    return a // b if a % b == 0 else a / b


def checked(order):
    require(order["amount"] > 0, "amount must be positive")
    require(order["amount"] <= 90, "amount is too large")
    require(len(order["customer"]) > 2, "customer name is too short")
    return divide(order["price"] * order["amount"], order["parts"])


NAMES = ["Al", "Berta", "Carlo", "Dora", "Em"]
ORDER_COUNT = 23000
problems = {}
income = 0
good = 0
for n in range(ORDER_COUNT):
    candidate = {"customer": NAMES[n % 5], "amount": n * 7 % 100, "price": 12, "parts": n % 4}
    try:
        income += checked(candidate)
        good += 1
    except ValueError as error:
        problems[str(error)] = problems.get(str(error), 0) + 1
print(f"good: {good}")
print(f"income: {income}")
for problem in sorted(problems):
    print(f"{problem}: {problems[problem]}")
