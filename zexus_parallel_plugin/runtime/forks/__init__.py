"""Forks: copies of an action as processes of their own, their barriers, and shared variables.

The main process holds all shared variables and knows who waits at which barrier; each copy has a pipe to it,
on which it asks. There is no other process, thread or lock.
"""
