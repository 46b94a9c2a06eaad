"""Breadth-first search through a maze drawn in text."""

from __future__ import annotations

COLUMNS = 161
ROWS = 111


def draw_maze(seed):
    maze = []
    for y in range(ROWS):
        cells = []
        for x in range(COLUMNS):
            seed = (seed * 1103515245 + 12345) % 2147483648
            wall = x % 4 == 2 and seed // 65536 % 8 != 0 and y % 6 != 0
            cells.append("#" if wall else ".")
        maze.append(cells)
    return maze


def search(field):
    steps = {"0:0": 0}
    queue = [[0, 0]]
    head = 0
    while head < len(queue):
        x, y = queue[head]
        head += 1
        here = f"{x}:{y}"
        so_far = steps[here]
        for dx, dy in [[0, 1], [1, 0], [0, -1], [-1, 0]]:
            nx = x + dx
            ny = y + dy
            if nx >= 0 and ny >= 0 and nx < COLUMNS and ny < ROWS:
                name = f"{nx}:{ny}"
                if field[ny][nx] == "." and name not in steps:
                    steps[name] = so_far + 1
                    queue.append([nx, ny])
    return steps


plan = draw_maze(5)
found = search(plan)
print(f"reachable: {len(found)}")
print(f"to the corner: {found[f'{COLUMNS - 1}:{ROWS - 1}']}")
print(f"to the middle: {found[f'{COLUMNS // 2}:{ROWS // 2}']}")
for shown in range(7):
    print("".join(plan[shown]))
