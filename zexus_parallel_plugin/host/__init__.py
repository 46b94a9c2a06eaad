"""The bridge to the host: the only package that imports ``zexus``."""
