"""Keep BlazePose's own network files in the asset folder, for the tests that compare ours with LiteRT's run of them.

The installed pack holds converted networks only. The originals are 40 MB, fetched with npm once and checked against the
pinned digest; nothing happens where they are already there. Prints the folder.

    python scripts/keep_blazepose.py [--from FOLDER]
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from biomech.errors import SynthgenError
from synthgen.assets import cache_folder, find_pack
from synthgen.packages import open_package

FILES = (
    "pose_landmark_lite.tflite", "pose_landmark_full.tflite", "pose_landmark_heavy.tflite",
    "pose_solution_packed_assets.data", "package.json",
)  # fmt: skip


def kept_folder() -> Path:
    """Where the files are kept: beside the packs."""
    return cache_folder() / "packages" / "blazepose"


def keep(source: Path | None = None) -> Path:
    """Fetch the files unless they are kept already; returns their folder.

    Args:
        source: a folder of package files, or a package file, instead of fetching.

    Raises:
        AssetError: npm is missing or fails, or the package is not the pinned one.
    """
    folder = kept_folder()
    if all((folder / name).is_file() for name in FILES):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".packages-", dir=folder.parent) as scratch:
        built = Path(scratch) / "built"
        built.mkdir()
        with open_package(find_pack("blazepose"), Path(scratch), source, lambda *_: None) as package:
            for name in FILES:
                shutil.copyfile(package / name, built / name)
        shutil.rmtree(folder, ignore_errors=True)
        built.rename(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, help="package file or folder, instead of fetching")
    try:
        print(keep(parser.parse_args().source))
    except (SynthgenError, OSError) as error:
        sys.exit(f"keep_blazepose: {error}")


if __name__ == "__main__":
    main()
