"""A search tree whose nodes are dicts: insert, height, sum, walk in order."""

from __future__ import annotations


def make_node(key):
    return {"key": key, "left": None, "right": None}


def insert(root, key):
    if root is None:
        return make_node(key)
    node = root
    while True:
        if key == node["key"]:
            return root
        side = "left" if key < node["key"] else "right"
        if node[side] is None:
            node[side] = make_node(key)
            return root
        node = node[side]


def height(node):
    if node is None:
        return 0
    return 1 + larger(height(node["left"]), height(node["right"]))


def larger(a, b):
    return max(b, a)


def total(node):
    if node is None:
        return 0
    return node["key"] + total(node["left"]) + total(node["right"])


def walk(node, out):
    if node is not None:
        walk(node["left"], out)
        out.append(node["key"])
        walk(node["right"], out)
    return out


INSERTIONS = 4000
KEY_LIMIT = 20000
tree = None
number = 12345
for _ in range(INSERTIONS):
    number = (number * 69069 + 1) % 4294967296
    tree = insert(tree, number // 1024 % KEY_LIMIT)
in_order = walk(tree, [])
print(f"nodes: {len(in_order)}")
print(f"height: {height(tree)}")
print(f"total: {total(tree)}")
print(in_order[0:10])
