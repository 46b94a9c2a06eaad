"""The Mandelbrot set in text, all at the top level."""

from __future__ import annotations

SHADES = " .:-=+*#%@"
rows = 32
columns = 90
limit = 220
for row in range(rows):
    line = ""
    for column in range(columns):
        cr = column / columns * 3.0 - 2.2
        ci = row / rows * 2.4 - 1.2
        zr = 0.0
        zi = 0.0
        n = 0
        while n < limit and zr * zr + zi * zi < 4.0:
            zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
            n += 1
        line += SHADES[n % 10]
    print(line)
