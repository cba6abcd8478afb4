"""A bundle in ONNX Runtime, PyTorch and TensorRT, behind one small interface."""
