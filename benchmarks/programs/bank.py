"""A bank with accounts as records: transfers, fees, refused payments, a statement at the end."""

from __future__ import annotations

from typing import NamedTuple


class Account(NamedTuple):
    owner: str
    balance: int = 0
    movements: int = 0


OWNERS = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn"]
OPENING = 10000
PAYMENTS = 13000
accounts = [Account(owner, OPENING) for owner in OWNERS]


def moved(account, amount):
    return Account(account.owner, account.balance + amount, account.movements + 1)


def transfer(source, target, amount):
    if accounts[source].balance < amount + 1:
        return False
    accounts[source] = moved(accounts[source], -amount - 1)
    accounts[target] = moved(accounts[target], amount)
    return True


refused = 0
fees = 0
state = 31
for _ in range(PAYMENTS):
    state = (state * 1103515245 + 12345) % 2147483648
    source = state // 1024 % 6
    target = (source + 1 + state % 5) % 6
    amount = state // 4096 % 400
    if transfer(source, target, amount):
        fees += 1
    else:
        refused += 1

total = 0
for account in accounts:
    print(f"{account.owner}: {account.balance} after {account.movements} movements")
    total += account.balance
print(f"refused: {refused}")
if total + fees != len(OWNERS) * OPENING:
    raise SystemExit("money was lost")
print("balanced")
