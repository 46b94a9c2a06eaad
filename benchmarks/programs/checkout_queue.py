"""Simulates the tills of a shop: customers arrive, wait, are served; records in dicts."""

from __future__ import annotations


def next_random(seed):
    return (seed * 1103515245 + 12345) % 2147483648


def shortest(tills):
    best = 0
    for t in range(1, len(tills)):
        if len(tills[t]["waiting"]) < len(tills[best]["waiting"]):
            best = t
    return best


def simulate(minutes, till_count):
    tills = [{"waiting": [], "busy": 0, "served": 0} for _ in range(till_count)]
    seed = 4711
    waited = 0
    arrived = 0
    for minute in range(minutes):
        seed = next_random(seed)
        if seed // 65536 % 10 < 7:
            line = tills[shortest(tills)]["waiting"]
            line.append({"since": minute, "items": seed % 9 + 1})
            arrived += 1
        for till in tills:
            if till["busy"] > 0:
                till["busy"] -= 1
            elif len(till["waiting"]) > 0:
                customer = till["waiting"][0]
                till["waiting"] = till["waiting"][1:]
                till["busy"] = customer["items"]
                till["served"] += 1
                waited += minute - customer["since"]
    served = 0
    left = 0
    for till in tills:
        served += till["served"]
        left += len(till["waiting"])
    return {"arrived": arrived, "served": served, "left": left, "waited": waited}


def quotient(a, b):
    return a // b if a % b == 0 else a / b


OPEN_MINUTES = 2700
for count in range(3, 7):
    outcome = simulate(OPEN_MINUTES, count)
    print(f"{count} tills: {outcome['served']} of {outcome['arrived']} served, {outcome['left']} left")
    print(f"  mean wait {quotient(outcome['waited'], outcome['served'])}")
