"""Loops on all cores: sub-ranges go to workers, and are committed in the order of the program."""
