"""Conway's game of life on a torus, a glider among random cells."""

from __future__ import annotations

WIDTH = 32
HEIGHT = 18
GENERATIONS = 96


def random_board(seed):
    board = []
    for _ in range(HEIGHT):
        cells = []
        for _ in range(WIDTH):
            seed = (seed * 1103515245 + 12345) % 2147483648
            cells.append(1 if seed % 7 < 2 else 0)
        board.append(cells)
    return board


def step(world):
    next_world = []
    for r in range(HEIGHT):
        next_row = []
        for c in range(WIDTH):
            up = (r + HEIGHT - 1) % HEIGHT
            down = (r + 1) % HEIGHT
            left = (c + WIDTH - 1) % WIDTH
            right = (c + 1) % WIDTH
            around = world[up][left] + world[up][c] + world[up][right]
            around += world[r][left] + world[r][right]
            around += world[down][left] + world[down][c] + world[down][right]
            alive = around == 3 or (around == 2 and world[r][c] == 1)
            next_row.append(1 if alive else 0)
        next_world.append(next_row)
    return next_world


current = random_board(2024)
for _ in range(GENERATIONS):
    current = step(current)
for cell_row in current:
    picture = ""
    for cell in cell_row:
        picture += "#" if cell == 1 else "."
    print(picture)
