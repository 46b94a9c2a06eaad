"""Three bodies and their gravity, stepped with dicts as records."""

from __future__ import annotations

from math import sqrt

bodies = [
    {"name": "sun", "m": 1000.0, "x": 0.0, "y": 0.0, "vx": 0.0, "vy": 0.0},
    {"name": "earth", "m": 1.0, "x": 100.0, "y": 0.0, "vx": 0.0, "vy": 3.1},
    {"name": "mars", "m": 0.5, "x": 0.0, "y": 150.0, "vx": 2.5, "vy": 0.0},
]


def accelerate(all_bodies, dt):
    for i, a in enumerate(all_bodies):
        for j, b in enumerate(all_bodies):
            if i != j:
                dx = b["x"] - a["x"]
                dy = b["y"] - a["y"]
                square = dx * dx + dy * dy + 0.01
                pull = b["m"] / (square * sqrt(square))
                a["vx"] += dx * pull * dt
                a["vy"] += dy * pull * dt


def drift(all_bodies, dt):
    for body in all_bodies:
        body["x"] += body["vx"] * dt
        body["y"] += body["vy"] * dt


TICKS = 4800
for _ in range(TICKS):
    accelerate(bodies, 0.05)
    drift(bodies, 0.05)
for one in bodies:
    print(f"{one['name']} at {one['x']}, {one['y']}")
