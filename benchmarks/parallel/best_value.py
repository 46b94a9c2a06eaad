"""S8 inside a function and at the top level: the best of many costly values."""

from __future__ import annotations

scale = 2000


def score(route, towns):
    length = 0
    here = route % towns
    for visited in range(300):
        there = (here * 37 + route * 11 + visited * 5) % towns
        gap = there - here
        if gap < 0:
            gap = -gap
        length += gap * gap % 97
        here = there
    return length


def shortest_route(routes):
    best = 999999999
    best_route = -1
    for r in range(routes):
        v = score(r, 101)
        if v < best:
            best = v
            best_route = r
    return f"route {best_route} with {best}"


print(shortest_route(30 * scale))
most = 0
for candidate in range(20 * scale):
    value = score(candidate, 89)
    most = max(most, value)
print(f"most {most}")
