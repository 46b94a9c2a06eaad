"""A script that prints a monthly table of generated temperatures: means, extremes, a bar."""

from __future__ import annotations

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
NORMAL = [-2.0, -1.0, 3.5, 8.0, 13.0, 16.5, 18.5, 18.0, 14.0, 9.0, 3.5, 0.0]
YEARS = 10
seed = 1999
warmest = -99.0
coldest = 99.0
for month in range(12):
    total = 0.0
    hours = YEARS * 30 * 24
    frost = 0
    for hour in range(hours):
        seed = (seed * 1103515245 + 12345) % 2147483648
        noise = seed / 2147483648.0 * 10.0 - 5.0
        of_day = hour % 24
        swing = 4.0 - (of_day - 14) * (of_day - 14) / 24.0
        degrees = NORMAL[month] + noise + swing
        total += degrees
        if degrees < 0.0:
            frost += 1
        warmest = max(warmest, degrees)
        coldest = min(coldest, degrees)
    mean = total / hours
    bar = ""
    mark = -8.0
    while mark < mean:
        bar += "="
        mark += 1.0
    print(f"{MONTHS[month]} {bar}")
    print(f"    mean {mean}, frost hours {frost}")
print(f"warmest {warmest}")
print(f"coldest {coldest}")
