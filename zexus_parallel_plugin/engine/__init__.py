"""Executes Zexus code objects exactly as the host's VM does: frames, names, gas, and the tiers that run
them.
"""
