"""Smaller ONNX files: weights in half precision, or convolutions in 8 bits."""

import tempfile
from pathlib import Path

import numpy as np

_KEPT = 1  # convolution at the end that stays in float
_SMALL = 256  # values; smaller tensors (biases, constants) stay as they are


def half_weights(proto) -> None:
    """Store the weights of a ModelProto as float16, cast back on loading; computes in float32."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _SMALL:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(np.clip(values, -65504, 65504).astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], f"{name}.cast", to=TensorProto.FLOAT))
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend(casts + nodes)


def quantise(proto, inputs: np.ndarray):
    """A ModelProto whose convolutions compute in 8 bits; attention and classifiers stay in float.

    Args:
        inputs: (N, 3, H, W) float32, pictures as the file is fed, whose ranges are measured.
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict | None:
            picture = next(self._left, None)
            return None if picture is None else {proto.graph.input[0].name: picture[None]}

    with tempfile.TemporaryDirectory() as folder:
        plain, ready, small = (str(Path(folder) / f"{n}.onnx") for n in ("plain", "ready", "small"))
        onnx.save(proto, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(ready).graph.node if node.op_type == "Conv"]
        quantization.quantize_static(
            ready,
            small,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            # The first sees the finest values; the last one places the peak, and 8 bits are too coarse for logits.
            nodes_to_exclude=convolutions[:1] + convolutions[-_KEPT:],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
        return onnx.load(small)
