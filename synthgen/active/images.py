"""Pictures read with care: only from a project's own places, only known types, never a bomb.

Pictures that a camera turned by an EXIF tag are unreadable to half of the tools one way and to the others another way;
`upright_copy` makes them plain, and the project uses the copy.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from synthgen.active.errors import ProjectError
from synthgen.shards import write_atomic

TYPES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
MOST_PIXELS = 100_000_000
MOST_BYTES = 300_000_000
_ORIENTATION = 0x0112  # of EXIF; 1 is upright
_QUALITY = 96


def measure(path: Path) -> tuple[int, int, bool]:
    """Width, height and whether the picture is stored upright, from its header alone.

    Raises:
        ProjectError: not a picture of a known type, or too large.
    """
    wanted = TYPES.get(path.suffix.lower())
    if wanted is None:
        raise ProjectError(f"{path} is no picture this reads; allowed: {' '.join(TYPES)}")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ProjectError(f"{path} is larger than {MOST_BYTES // 10**6} MB; make it smaller")
        with Image.open(path, formats=sorted(set(TYPES.values()))) as image:
            width, height = image.size
            upright = image.getexif().get(_ORIENTATION, 1) == 1
    except Image.DecompressionBombError:
        raise ProjectError(f"{path} holds far more than {MOST_PIXELS // 10**6} million pixels; refused") from None
    except UnidentifiedImageError:
        raise ProjectError(f"{path} is not a picture, or is damaged; remove or replace it") from None
    except FileNotFoundError:
        raise ProjectError(f"there is no picture {path}; it was there when the project was made") from None
    except (OSError, ValueError, SyntaxError) as error:  # PIL raises all three for damaged headers
        raise ProjectError(f"{path} cannot be read as a picture ({error})") from None
    if width * height > MOST_PIXELS or min(width, height) < 1:
        raise ProjectError(
            f"{path} has {width} x {height} pixels; allowed are {MOST_PIXELS // 10**6} million: make it smaller"
        )
    return width, height, upright


def inside(path: Path, roots: Sequence[Path]) -> Path:
    """The path itself, links followed, if it lies below one of the roots.

    Raises:
        ProjectError: it does not.
    """
    real = path.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise ProjectError(
            f"{path} lies outside of the project's sources; add its folder with 'synthgen annotate init'"
        )
    return real


def read_image(path: Path, roots: Sequence[Path] | None = None) -> np.ndarray:
    """A picture as (H, W, 3) uint8 BGR.

    Args:
        roots: folders it must lie below; anywhere when None.

    Raises:
        ProjectError: outside of the roots, of an unknown type, too large, missing or damaged.
    """
    if roots is not None:
        path = inside(path, roots)
    measure(path)
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION) if len(data) else None
    if image is None:
        raise ProjectError(f"{path} does not decode; remove or replace it")
    return image


def upright_copy(path: Path, target: Path) -> None:
    """Write the picture turned as its EXIF tag says, without the tag."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if image is None:
        raise ProjectError(f"{path} does not decode; remove or replace it")
    write_jpeg(target, image)


def write_jpeg(target: Path, image: np.ndarray) -> None:
    """Write (H, W, 3) BGR as a JPEG without chroma subsampling, in one step."""
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        _QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    _, data = cv2.imencode(".jpg", image, options)
    write_atomic(target, data.tobytes(), durable=False)
