"""TensorRT engines beside a bundle: what they are built from, for which shapes, and the building."""
