"""``python -m zexus_parallel_plugin``: the same as ``zexus-parallel``."""

from __future__ import annotations

from zexus_parallel_plugin.cli import main

if __name__ == "__main__":
    main()
