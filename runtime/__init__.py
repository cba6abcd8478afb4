"""Bundle in, pictures out: engines, picture files, the batch. Imports neither torch, onnx nor tensorrt."""

BACKENDS = ("onnx", "torch", "trt", "trt-rtx")
PAINTERS = ("auto", "native", "onnx")
PRECISIONS = ("fp32", "fp16", "int8")
