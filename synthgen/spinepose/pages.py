"""Reports as pages that print: one file with everything in it, pictures too."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from biomech.errors import DatasetError
from synthgen.shards import write_atomic
from synthgen.spinepose.overlays import jpeg


def figure(value: Any, digits: int = 3) -> str:
    """A figure as a table shows it; a dash for None."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def percent(value: float | None) -> str:
    """A share in percent, with its sign; a dash for None."""
    return "–" if value is None else f"{100 * value:+.1f}"


def picture(image: np.ndarray) -> str:
    """(H, W, 3) uint8 RGB as the source of an <img>."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(image, 80)).decode()


def render(template: str, **data: Any) -> bytes:
    """A page from a template of this package."""
    environment = Environment(
        loader=PackageLoader("synthgen.spinepose", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"figure": figure, "percent": percent}
    return environment.get_template(template).render(**data).encode()


def as_json(data: Any) -> bytes:
    """Plain data as a JSON file; ValueError where a number is none."""
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode()


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a report's files.

    Raises:
        DatasetError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomic(folder / name, content, durable=False)
    except OSError as error:
        raise DatasetError(f"cannot write the report to {folder}: {error.strerror}; choose another folder") from None
