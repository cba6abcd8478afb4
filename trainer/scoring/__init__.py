"""How well a network or a bundle colours photos with fixed hints, in numbers and figures."""
