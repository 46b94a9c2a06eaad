"""The Python API: a drop-in for the host's own ``zexus.vm.parallel_vm``, on this project's engine and pool.

The public names are those of the package ``zexus_parallel_plugin``, which imports them at their first use.
"""
