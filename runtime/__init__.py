"""Bundle in, pictures out: engines, picture files, the batch. Imports neither torch, onnx nor tensorrt."""

from typing import Literal, get_args

Precision = Literal["fp32", "fp16", "int8"]
BACKENDS = ("onnx", "torch", "trt", "trt-rtx")
PAINTERS = ("auto", "native", "onnx")
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
