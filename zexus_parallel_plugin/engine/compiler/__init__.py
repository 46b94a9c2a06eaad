"""The compiled tier: code objects and loops become Python functions.

The passes, in order: ``names`` (who can see which variable, over the whole program), ``control`` (structured
control flow from jumps), ``expressions`` (pure expressions from stack code), ``emitter`` (Python source with
exact gas and exits), ``unit`` (the compiled function, its entry and its exits), ``tier`` (what is compiled,
and when).
"""
