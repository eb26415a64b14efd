"""Convert BlazePose's networks out of the npm package @mediapipe/pose into plain arrays, once, at installation.

The TFLite files are read with the package `tflite` (generated readers of the format, no run time); what is written is a
list of operations as JSON and the weights as numpy arrays in the order torch wants, so that running a network needs
neither. Of TFLite only the operations these four files use are known: another file is refused.
"""

import json
from pathlib import Path

import numpy as np

from biomech.errors import AssetError

# Name of the converted network -> file in the package.
NETWORKS = {
    "pose_landmark_lite": "pose_landmark_lite.tflite",
    "pose_landmark_full": "pose_landmark_full.tflite",
    "pose_landmark_heavy": "pose_landmark_heavy.tflite",
    # A packed archive with this one file in it, from its first byte.
    "pose_detection": "pose_solution_packed_assets.data",
}
_TYPES = {0: np.float32, 1: np.float16, 2: np.int32}
_ACTIVATIONS = {0: "none", 1: "relu", 3: "relu6"}
_LANDMARK_OUTPUTS: dict[tuple[int, ...], str] = {
    (195,): "landmarks",
    (1,): "presence",
    (256, 256, 1): "mask",
    (64, 64, 39): "heatmaps",
    (117,): "world",
}
_DETECTION_OUTPUTS: dict[tuple[int, ...], str] = {(2254, 12): "boxes", (2254, 1): "scores"}


def bake_blazepose(package: Path, out: Path) -> None:
    """Write `out`/NAME.npz for each network.

    Args:
        package: the unpacked npm package.
        out: an existing folder.

    Raises:
        AssetError: a file is missing, is not the expected network, or the package `tflite` is not installed.
    """
    for name, file in NETWORKS.items():
        path = package / file
        if not path.is_file():
            raise AssetError(f"{package} holds no {file}; it is not @mediapipe/pose 0.5.1675469404")
        plan, weights = read_tflite(path)
        np.savez(out / f"{name}.npz", **{"plan": np.array(json.dumps(plan))} | weights)  # type: ignore[arg-type]


def read_tflite(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """A TFLite file as (plan, weights); see synthgen.spinepose.blazepose for what a plan holds."""
    try:
        import tflite
    except ImportError as error:
        raise AssetError("Converting BlazePose needs the package tflite: pip install 'synthgen[train]'.") from error
    try:
        return _Reader(tflite, path.read_bytes()).convert()
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise AssetError(f"{path} is not one of BlazePose's networks ({type(error).__name__}: {error})") from error


class _Reader:
    """One TFLite model being converted."""

    def __init__(self, tflite, data: bytes):
        self.tflite = tflite
        self.model = tflite.Model.GetRootAsModel(data, 0)
        self.graph = self.model.Subgraphs(0)
        self.constants = {}
        for index in range(self.graph.TensorsLength()):
            tensor = self.graph.Tensors(index)
            buffer = self.model.Buffers(tensor.Buffer())
            if buffer.DataLength():
                values = np.frombuffer(buffer.DataAsNumpy().tobytes(), _TYPES[tensor.Type()])
                self.constants[index] = values if tensor.Sparsity() else values.reshape(self.shape(index))
        self.weights: dict[str, np.ndarray] = {}
        self.side = self.shape(self.graph.Inputs(0))[1]

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(n) for n in self.graph.Tensors(tensor).ShapeAsNumpy()) if self.rank(tensor) else ()

    def rank(self, tensor: int) -> int:
        return self.graph.Tensors(tensor).ShapeLength()

    def convert(self) -> tuple[dict, dict[str, np.ndarray]]:
        steps = []
        for number in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(number)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            kind = self.tflite.opcode2name(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
            inputs, out = [int(i) for i in operator.InputsAsNumpy()], operator.Outputs(0)
            if kind == "DEQUANTIZE" and inputs[0] in self.constants:
                self.constants[out] = self.constants[inputs[0]]
            elif kind == "DENSIFY":
                self.constants[out] = self.densify(inputs[0])
            else:
                step = {"in": [i for i in inputs if i not in self.constants], "out": out}
                size = self.shape(out)
                # How much coarser than the picture: which layers a partly frozen trunk lets learn.
                step["stride"] = self.side // size[1] if len(size) == 4 else 0
                steps.append(step | getattr(self, f"_{kind.lower()}")(operator, inputs, out))
        outputs = {}
        names = _DETECTION_OUTPUTS if self.graph.OutputsLength() == 2 else _LANDMARK_OUTPUTS
        for index in range(self.graph.OutputsLength()):
            tensor = self.graph.Outputs(index)
            outputs[names[self.shape(tensor)[1:]]] = tensor
        plan = {"input": self.graph.Inputs(0), "side": self.side, "steps": steps, "outputs": outputs}
        return plan, self.weights

    def options(self, operator, kind: str):
        table = operator.BuiltinOptions()
        options = getattr(self.tflite, kind)()
        options.Init(table.Bytes, table.Pos)
        return options

    def densify(self, tensor: int) -> np.ndarray:
        """A block-sparse constant written out, by the levels of its storage (the format's own recursive definition)."""
        shape, values = self.shape(tensor), self.constants[tensor]
        sparsity = self.graph.Tensors(tensor).Sparsity()
        order = [int(n) for n in sparsity.TraversalOrderAsNumpy()]
        blocks = [int(n) for n in sparsity.BlockMapAsNumpy()] if sparsity.BlockMapLength() else []
        levels = [sparsity.DimMetadata(i) for i in range(sparsity.DimMetadataLength())]
        block_size = [levels[order.index(len(shape) + b)].DenseSize() for b in range(len(blocks))]
        dense = np.zeros(shape, values.dtype)
        cells: list[tuple[tuple[int, ...], int]] = [((), 0)]
        for level in levels:
            if level.Format() == 0:
                size = level.DenseSize()
                cells = [(at + (k,), stored * size + k) for at, stored in cells for k in range(size)]
            else:
                starts, places = (
                    _sparse_vector(self.tflite, level, "Segments"),
                    _sparse_vector(self.tflite, level, "Indices"),
                )
                cells = [(at + (int(places[j]),), j) for at, s in cells for j in range(starts[s], starts[s + 1])]
        for at, stored in cells:
            index: dict[int, int] = dict(zip(order, at, strict=True))
            place = [index[d] for d in range(len(shape))]
            for number, dimension in enumerate(blocks):
                place[dimension] = place[dimension] * block_size[number] + index[len(shape) + number]
            dense[tuple(place)] = values[stored]
        return dense

    def _convolve(self, options, inputs: list[int], out: int, axes: tuple[int, ...], depthwise: bool) -> dict:
        kernel = self.constants[inputs[1]].transpose(axes)
        self.weights[f"w{out}"] = np.ascontiguousarray(kernel)
        self.weights[f"b{out}"] = np.ascontiguousarray(self.constants[inputs[2]])
        if options.DilationHFactor() != 1 or options.DilationWFactor() != 1:
            raise ValueError("dilated convolution")
        return {
            "op": "conv",
            "step": [options.StrideH(), options.StrideW()],
            "same": options.Padding() == 0,
            "act": _ACTIVATIONS[options.FusedActivationFunction()],
            "depthwise": depthwise,
            "shape": list(kernel.shape),
        }

    def _conv_2d(self, operator, inputs, out) -> dict:
        return self._convolve(self.options(operator, "Conv2DOptions"), inputs, out, (0, 3, 1, 2), False)

    def _depthwise_conv_2d(self, operator, inputs, out) -> dict:
        return self._convolve(self.options(operator, "DepthwiseConv2DOptions"), inputs, out, (3, 0, 1, 2), True)

    def _add(self, operator, inputs, out) -> dict:
        return {"op": "add", "act": _ACTIVATIONS[self.options(operator, "AddOptions").FusedActivationFunction()]}

    def _pad(self, operator, inputs, out) -> dict:
        return {"op": "pad", "by": self.constants[inputs[1]].tolist()}  # rows: batch, height, width, channels

    def _resize_bilinear(self, operator, inputs, out) -> dict:
        options = self.options(operator, "ResizeBilinearOptions")
        grown = [a / b for a, b in zip(self.shape(out)[1:3], self.shape(inputs[0])[1:3], strict=True)]
        if options.AlignCorners() or not options.HalfPixelCenters() or grown != [2, 2]:
            raise ValueError("a resize other than half-pixel doubling")
        return {"op": "double"}

    def _max_pool_2d(self, operator, inputs, out) -> dict:
        options = self.options(operator, "Pool2DOptions")
        size = options.FilterHeight()
        if {options.FilterWidth(), options.StrideH(), options.StrideW()} != {size}:
            raise ValueError("pooling whose windows overlap")
        return {"op": "pool", "size": size}

    def _reshape(self, operator, inputs, out) -> dict:
        return {"op": "reshape", "shape": list(self.shape(out)[1:])}

    def _logistic(self, operator, inputs, out) -> dict:
        return {"op": "sigmoid"}

    def _depth_to_space(self, operator, inputs, out) -> dict:
        return {"op": "depth_to_space", "block": self.options(operator, "DepthToSpaceOptions").BlockSize()}

    def _concatenation(self, operator, inputs, out) -> dict:
        options = self.options(operator, "ConcatenationOptions")
        if options.Axis() != 1 or len(self.shape(out)) != 3:
            raise ValueError("concatenation of other than lists")
        return {"op": "concat"}


def _sparse_vector(tflite, level, which: str) -> np.ndarray:
    """Segments or indices of a sparse level; they come as 8, 16 or 32 bit numbers."""
    kind = getattr(level, f"Array{which}Type")()
    names = {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"}
    table = getattr(level, f"Array{which}")()
    vector = getattr(tflite, names[kind])()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy().astype(int)
