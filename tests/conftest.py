"""Fixtures shared by the tests: the baked assets, or a skip that says how to get them."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def asset_folder() -> Path:
    """The folder of asset packs."""
    if "SYNTHGEN_ASSETS" in os.environ:
        folder = Path(os.environ["SYNTHGEN_ASSETS"])
    else:
        from synthgen.assets import cache_folder

        folder = cache_folder()
    if not (folder / "body" / "anny.npz").exists():
        pytest.skip(f"no baked body in {folder}; run: synthgen assets install body")
    return folder


@pytest.fixture(scope="session")
def body(asset_folder):
    """The baked body."""
    from scenes.body import load_body

    return load_body(asset_folder / "body")
