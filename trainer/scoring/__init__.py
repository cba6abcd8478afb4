"""How well a network or a bundle colors photos with fixed hints, in numbers and figures."""
