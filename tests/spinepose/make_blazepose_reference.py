"""Write data/blazepose_reference.npz: what LiteRT says of one rendered person. Run by hand, where ai-edge-litert is.

python tests/spinepose/make_blazepose_reference.py PICTURE_256x256 UNPACKED_NPM_PACKAGE
"""

import sys
from pathlib import Path

import cv2
import numpy as np

OUT = Path(__file__).parent / "data" / "blazepose_reference.npz"
DETECTION = "pose_solution_packed_assets.data"


def run(path: Path, picture: np.ndarray) -> dict[tuple[int, ...], np.ndarray]:
    """Outputs by shape, without the batch axis, of a float RGB picture."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(str(path))
    net.allocate_tensors()
    net.set_tensor(net.get_input_details()[0]["index"], picture[None].astype(np.float32))
    net.invoke()
    return {tuple(d["shape"][1:]): net.get_tensor(d["index"])[0] for d in net.get_output_details()}


def thin(heatmaps: np.ndarray) -> np.ndarray:
    """Every third keypoint and fourth cell of (39, 64, 64): enough to tell, and small."""
    return np.ascontiguousarray(heatmaps[::3, ::4, ::4])


def main(picture: str, package: str) -> None:
    image = cv2.imread(picture)[..., ::-1]
    held = {"image": image}
    for size in ("lite", "full", "heavy"):
        found = run(Path(package) / f"pose_landmark_{size}.tflite", image / 255)
        held[f"{size}_landmarks"] = found[(195,)].reshape(39, 5)
        held[f"{size}_heatmaps"] = thin(found[64, 64, 39].transpose(2, 0, 1))
        held[f"{size}_person"] = found[(1,)]
    found = run(Path(package) / DETECTION, cv2.resize(image, (224, 224)) / 127.5 - 1)
    held["boxes"], held["scores"] = found[2254, 12][::7], found[2254, 1][::7]
    np.savez_compressed(OUT, **held)


if __name__ == "__main__":
    main(*sys.argv[1:])
