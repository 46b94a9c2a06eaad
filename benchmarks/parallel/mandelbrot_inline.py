"""S6 inside a function: the Mandelbrot set, inline arithmetic in three nested loops."""

from __future__ import annotations

scale = 6100


def main():
    rows = scale
    columns = 150
    inside = 0
    picture = []
    for row in range(rows):
        line = ""
        for column in range(columns):
            cr = column / columns * 3.0 - 2.2
            ci = row / rows * 2.4 - 1.2
            zr = 0.0
            zi = 0.0
            n = 0
            while n < 200 and zr * zr + zi * zi < 4.0:
                zr, zi = zr * zr - zi * zi + cr, 2.0 * zr * zi + ci
                n += 1
            if n == 200:
                inside += 1
                line += "#"
            else:
                line += "."
        picture.append(line)
    print(f"inside: {inside}")
    print(len(picture))
    print(picture[rows - 1])


main()
