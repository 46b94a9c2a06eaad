"""What of a program runs in parallel, and why the rest does not: the report of ``zexus-parallel explain``.

``subject`` has the host compile a program, ``verdicts`` says what the run time would do with its calls and
loops, ``build`` makes the report of it, and ``render`` and ``record`` show it. Nothing of the program is
executed.
"""

from __future__ import annotations
