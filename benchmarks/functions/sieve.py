"""A list of flags, written with a growing stride."""

from __future__ import annotations


def sieve(top):
    flags = []
    i = 0
    while i <= top:
        flags.append(True)
        i += 1
    count = 0
    p = 2
    while p <= top:
        if flags[p]:
            count += 1
            q = p + p
            while q <= top:
                flags[q] = False
                q += p
        p += 1
    return count


print(sieve(3000))
