"""The version, for whoever stamps it on what it writes."""

__version__ = "0.1.0"
