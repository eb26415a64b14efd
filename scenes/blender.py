"""The second picture maker: scenes.renderer.Scene -> Frame by Blender's path tracer, for beauty over speed.

Blender runs in a process of its own (scenes/blender_worker.py) with the Python it was built for, since its package
`bpy` fixes the versions of Python and numpy. Ids and depth come from one ray through the centre of each pixel.
"""

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path

import numpy as np

from biomech.errors import RenderError
from scenes.blender_scene import BLENDER_FROM_WORLD, scene_arrays, shown
from scenes.blender_worker import MARK
from scenes.lens import through_lens
from scenes.renderer import Frame, Scene, check_size

PROGRAM = "SYNTHGEN_BLENDER"  # environment variable: Blender itself, or a Python that has bpy
DEVICES = ("cpu", "cuda", "optix", "hip", "oneapi", "metal")
_WORKER = Path(__file__).with_name("blender_worker.py")
_ADVICE = (
    f"make a virtual environment with the Python that bpy asks for, 'pip install bpy' there, and set {PROGRAM} to its "
    "python; or set it to an installed blender"
)


def blender_command() -> list[str] | None:
    """How to start the worker, without the folder; None where there is no Blender."""
    given = os.environ.get(PROGRAM)
    if given:
        inside = Path(given).name.lower().startswith("blender")
        return [given, "--background", "--python", str(_WORKER), "--"] if inside else [given, str(_WORKER)]
    if importlib.util.find_spec("bpy") is not None:
        return [sys.executable, str(_WORKER)]
    return None


class BlenderRenderer:
    """Owns a Blender process; one per worker process.

    Args:
        width: picture width, px.
        height: picture height, px.
        samples: paths per pixel.
        denoise: clean the picture up with Open Image Denoise.
        device: one of DEVICES.
        threads: of the processor; 0 for all, None for OMP_NUM_THREADS where it is set.
        engine: "cycles", or "eevee" for Blender's rasteriser, which needs OpenGL; ids are Cycles' either way.

    Raises:
        RenderError: no Blender, or it does not start.
    """

    def __init__(
        self,
        width: int,
        height: int,
        samples: int = 48,
        denoise: bool = True,
        device: str = "cpu",
        threads: int | None = None,
        engine: str = "cycles",
    ) -> None:
        if width < 1 or height < 1 or samples < 1:
            raise RenderError(f"{width}x{height} px with {samples} samples cannot be drawn; give positive numbers")
        if device not in DEVICES:
            raise RenderError(f"device {device!r} is not known; choose one of {', '.join(DEVICES)}")
        command = blender_command()
        if command is None:
            raise RenderError(f"there is no Blender to draw with; {_ADVICE}")
        text = os.environ.get("OMP_NUM_THREADS", "0")
        count = (int(text) if text.isdigit() else 0) if threads is None else threads
        self.width, self.height = width, height
        self._settings = {"samples": samples, "denoise": denoise, "device": device, "threads": count}
        self._settings["engine"] = engine
        self._folder = tempfile.TemporaryDirectory(prefix="synthgen-blender-")
        clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        self._last: deque[str] = deque(maxlen=20)
        try:
            self._process: subprocess.Popen | None = subprocess.Popen(
                [*command, self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=clean,
            )
        except OSError as error:
            raise RenderError(f"cannot start {command[0]} ({error.strerror}); {_ADVICE}") from None
        self.description = f"Blender {self._answer('ready')}"

    def _answer(self, wanted: str) -> str:
        """What follows the marker in the worker's next answer."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(MARK):
                kind, _, text = line[len(MARK) :].strip().partition(" ")
                if kind == wanted:
                    return text
                raise RenderError(f"Blender failed: {text}")
            self._last.append(line.rstrip())
        tail = " | ".join(line for line in list(self._last)[-3:] if line)
        self.close()
        raise RenderError(f"Blender ended without a picture ({tail or 'it said nothing'}); {_ADVICE}")

    def render(self, scene: Scene) -> Frame:
        """Draw a scene.

        Raises:
            RenderError: the camera or background size is not the renderer's, a part is malformed, or Blender failed.
        """
        if self._process is None:
            raise RenderError("this renderer was closed; create a new one")
        check_size(scene, self.width, self.height)
        if any(scene.camera.distortion):
            return through_lens(scene, self._draw)
        return self._draw(scene)

    def _draw(self, scene: Scene) -> Frame:
        assert self._process is not None and self._process.stdin is not None
        folder = Path(self._folder.name)
        np.savez(folder / "scene.npz", **scene_arrays(scene, self._settings))  # type: ignore[arg-type]  # see np.savez
        with contextlib.suppress(OSError):  # it has ended; what it said last is in the answer
            self._process.stdin.write("scene.npz\n")
            self._process.stdin.flush()
        self._answer("done")
        with np.load(folder / "frame.npz", allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        ids = found["ids"]
        covered = ids[..., 3] > 0.5
        return Frame(
            rgb=shown(found["light"], covered, scene),
            depth=np.where(covered, ids[..., 2], 0.0).astype(np.float32),
            instance=np.rint(np.where(covered, ids[..., 0], 0.0)).astype(np.uint8),
            part=np.rint(np.where(covered, ids[..., 1], 0.0)).astype(np.uint8),
            normals=_normals(found["normals"], covered, scene) if scene.normals else None,
        )

    def close(self) -> None:
        """End Blender; a second call does nothing."""
        if self._process is not None:
            process, self._process = self._process, None
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what was not sent goes nowhere
                        pipe.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self._folder.cleanup()


def _normals(shot: np.ndarray, covered: np.ndarray, scene: Scene) -> np.ndarray:
    """(H, W, 3) float32 unit normals in camera axes, zeros where nothing was hit."""
    turn = scene.camera.cam_from_world[:3, :3] @ BLENDER_FROM_WORLD[:3, :3].T
    normals = (2.0 * shot[..., :3].astype(np.float64) - 1.0) @ turn.T
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    return np.where(covered[..., None], normals, 0.0).astype(np.float32)
