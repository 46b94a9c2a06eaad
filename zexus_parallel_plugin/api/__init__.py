"""The Python API: a drop-in for the host's own ``zexus.vm.parallel_vm``, on this project's engine and pool.

The public names are those of the package ``zexus_parallel_plugin``, which imports them at their first use.
Like every library, it logs to nobody until somebody asks for it.
"""

from __future__ import annotations

import logging

logging.getLogger("zexus_parallel_plugin").addHandler(logging.NullHandler())
