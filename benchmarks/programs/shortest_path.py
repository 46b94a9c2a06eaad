"""Dijkstra on a generated road map, with neighbour lists in dicts."""

from __future__ import annotations

TOWNS = 285
roads = {}
for town in range(TOWNS):
    neighbours = []
    for hop in range(1, 7):
        to_town = (town * hop + hop * 13 + 1) % TOWNS
        neighbours.append([to_town, (town * 17 + hop * 29) % 23 + 1])
    roads[f"t{town}"] = neighbours


def distances(start, n):
    dist = [1000000] * n
    done = [False] * n
    dist[start] = 0
    while True:
        here = -1
        for i in range(n):
            if not done[i] and dist[i] < 1000000 and (here == -1 or dist[i] < dist[here]):
                here = i
        if here == -1:
            return dist
        done[here] = True
        for road in roads[f"t{here}"]:
            length = dist[here] + road[1]
            dist[road[0]] = min(dist[road[0]], length)


for start_town in [0, 17, 42]:
    away = distances(start_town, TOWNS)
    farthest = 0
    reached = 0
    for t in range(TOWNS):
        if away[t] < 1000000:
            reached += 1
            if away[t] > away[farthest]:
                farthest = t
    print(f"from {start_town}: {reached} reached, farthest {farthest} at {away[farthest]}")
