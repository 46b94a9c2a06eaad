"""Records in dicts: orders are joined with products, grouped and reported."""

from __future__ import annotations

PRODUCTS = {
    "P1": {"name": "lamp", "price": 25, "group": "home"},
    "P2": {"name": "desk", "price": 140, "group": "office"},
    "P3": {"name": "chair", "price": 75, "group": "office"},
    "P4": {"name": "rug", "price": 60, "group": "home"},
    "P5": {"name": "rake", "price": 18, "group": "garden"},
}


def make_orders(amount):
    return [
        {"id": n, "product": f"P{n * 7 % 5 + 1}", "quantity": n * 13 % 4 + 1, "paid": n % 9 != 0}
        for n in range(amount)
    ]


def discount(quantity):
    if quantity >= 4:
        return 10
    if quantity >= 3:
        return 5
    return 0


def quotient(a, b):
    return a // b if a % b == 0 else a / b


ORDER_COUNT = 25000
by_group = {}
by_product = {}
open_orders = 0
for order in make_orders(ORDER_COUNT):
    product = PRODUCTS[order["product"]]
    quantity = order["quantity"]
    amount_due = quotient(product["price"] * quantity * (100 - discount(quantity)), 100)
    if not order["paid"]:
        open_orders += 1
        continue
    entry = by_group.setdefault(product["group"], {"orders": 0, "income": 0})
    entry["orders"] += 1
    entry["income"] += amount_due
    by_product[product["name"]] = by_product.get(product["name"], 0) + quantity
for g in sorted(by_group):
    print(f"{g}: {by_group[g]['orders']} orders, income {by_group[g]['income']}")
for item in sorted(by_product):
    print(f"  {item} sold {by_product[item]}")
print(f"open: {open_orders}")
