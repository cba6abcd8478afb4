"""The machine and the versions that stand with every figure, as `gcolor bench` records them."""

from gcolor.runtime.machine import describe

__all__ = ["describe"]
