"""One run: workers, tasks run ahead, and their commit in program order.

Like every library, it logs to nobody until somebody asks for it.
"""

from __future__ import annotations

import logging

logging.getLogger("zexus_parallel_plugin").addHandler(logging.NullHandler())
