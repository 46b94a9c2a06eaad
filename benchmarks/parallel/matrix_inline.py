"""S6 at the top level: a matrix product without a single call, row by row."""

scale = 2200

inner = 40
rows = 2 * scale
a = []
for i in range(rows):
    line = []
    for j in range(inner):
        line.append((i * 31 + j * 17) % 23)
    a.append(line)
b = []
for i in range(inner):
    line = []
    for j in range(inner):
        line.append((i * 13 + j * 7) % 19)
    b.append(line)
c = []
for i in range(rows):
    out = []
    for j in range(inner):
        cell = 0
        for k in range(inner):
            cell += a[i][k] * b[k][j]
        out.append(cell)
    c.append(out)
print(c[0][0:5])
print(c[rows - 1][0:5])
print(len(c))
