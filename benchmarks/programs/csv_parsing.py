"""Reads a table in comma-separated form, field by field, and sums it up."""

from __future__ import annotations


def make_table(lines):
    cities = ["Oslo", "Lima", "Cairo", "Quito", "Hanoi"]
    table = "city,day,rain,sun\n"
    for day in range(lines):
        table += f"{cities[day * 7 % 5]},{day},{day * 37 % 23},{day * 13 % 11}\n"
    return table


def parse_line(text):
    fields = []
    field = ""
    for ch in text:
        if ch == ",":
            fields.append(field)
            field = ""
        else:
            field += ch
    fields.append(field)
    return fields


LINE_COUNT = 7000
records = []
header = []
for row in make_table(LINE_COUNT).split("\n"):
    if row:
        cells = parse_line(row)
        if not header:
            header = cells
        else:
            record = {}
            for c in range(len(header)):
                record[header[c]] = cells[c]
            records.append(record)

rain = {}
days = {}
for entry in records:
    city = entry["city"]
    if city not in rain:
        rain[city] = 0
        days[city] = 0
    rain[city] += int(entry["rain"])
    days[city] += 1
for name in sorted(rain):
    print(f"{name}: {rain[name]} mm in {days[name]} days")
print(f"records: {len(records)}")
