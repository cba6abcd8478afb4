"""Checkpoint in, bundle out: the fused graph, ONNX, the parity gate."""
