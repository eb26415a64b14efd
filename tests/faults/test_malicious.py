"""Files made to harm: archives that lead outside or unfold without end, pickles, entities, giant pictures."""

import ast
import io
import json
import os
import pickle
import re
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from biomech.errors import AssetError, ConfigError, DatasetError, ModelError, MotionError
from biomech.plain_xml import ForbiddenXml, check_xml
from biomech.plain_yaml import load_yaml
from biomech.published_reader import read_source
from scenes import guarded, photo, textures
from synthgen import packages
from synthgen.config import load_config
from synthgen.dataset import read_dataset
from synthgen.exchange.target import is_export
from synthgen.table import read_table

ROOT = Path(__file__).parents[2]


class Mischief:
    def __reduce__(self):
        return os.mkdir, ("mischief-was-done",)


def tgz(path: Path, *members: tuple[str, bytes], link: tuple[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo(link[0])
            info.type, info.linkname = tarfile.SYMTYPE, link[1]
            tar.addfile(info)
    return path


@pytest.mark.parametrize("name", ["../outside", "package/../../outside"])
def test_a_package_cannot_write_outside(tmp_path, name):
    archive = tgz(tmp_path / "a.tgz", ("package/package.json", b"{}"), (name, b"boo"))
    with pytest.raises(AssetError, match="cannot be unpacked"):
        packages.unpack(archive, tmp_path / "in" / "deep")
    assert not list(tmp_path.rglob("outside"))


def test_a_package_cannot_link_outside(tmp_path):
    archive = tgz(tmp_path / "a.tgz", link=("package/data", "/etc"))
    with pytest.raises(AssetError, match="cannot be unpacked"):
        packages.unpack(archive, tmp_path / "in")


def test_a_package_that_grows_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "MOST_BYTES", 10_000)
    archive = tgz(tmp_path / "a.tgz", *((f"package/{i}", bytes(4_000)) for i in range(9)))
    with pytest.raises(AssetError, match="unpacks to more than"):
        packages.unpack(archive, tmp_path / "in")
    assert len(list((tmp_path / "in").rglob("[0-9]"))) == 2
    monkeypatch.setattr(packages, "MOST_MEMBERS", 1)
    with pytest.raises(AssetError, match="unpacks to more than"):
        packages.unpack(archive, tmp_path / "again")


def test_a_package_cut_short(tmp_path):
    archive = tgz(tmp_path / "a.tgz", ("package/a", os.urandom(50_000)))
    os.truncate(archive, 20_000)
    with pytest.raises(AssetError, match="cannot be unpacked"):
        packages.unpack(archive, tmp_path / "in")


def test_arrays_that_unfold_without_end(tmp_path):
    """A megabyte on disk that says it holds more than is allowed; nothing of it is unfolded."""
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(10_000_000, np.uint8))
    assert (tmp_path / "bomb.npz").stat().st_size < 20_000
    with pytest.raises(ValueError, match="unfolds to"), guarded.open_arrays(tmp_path / "bomb.npz", 1_000_000):
        pass
    with guarded.open_arrays(tmp_path / "bomb.npz") as arrays:
        assert arrays["a"].shape == (10_000_000,)


def test_an_array_whose_head_lies(tmp_path):
    """The head of an array announces 2**60 numbers; the file holds eight."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (2**60,)})
    with zipfile.ZipFile(tmp_path / "lie.npz", "w") as archive:
        archive.writestr("a.npy", stream.getvalue() + bytes(64))
    with pytest.raises((ValueError, MemoryError)), guarded.open_arrays(tmp_path / "lie.npz") as arrays:
        arrays["a"]


def test_a_pickle_among_arrays_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", a=np.array([Mischief()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"), guarded.open_arrays(tmp_path / "a.npz") as arrays:
        arrays["a"]
    assert not Path("mischief-was-done").exists()


def test_a_checkpoint_runs_nothing(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="torch is not installed")
    from synthgen.spinepose.unpickle import HARMLESS

    monkeypatch.chdir(tmp_path)
    HARMLESS.load(io.BytesIO(pickle.dumps({"weights": Mischief()})))
    assert not Path("mischief-was-done").exists()


@pytest.fixture(scope="module")
def calls():
    """Name of what is called -> (file, its keywords), over the three packages."""
    found: dict[str, list[tuple[str, dict]]] = {}
    for path in (p for top in ("biomech", "scenes", "synthgen") for p in (ROOT / top).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"load|eval\(|exec\(|shelve", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                options = {k.arg: ast.unparse(k.value) for k in node.keywords}
                found.setdefault(ast.unparse(node.func), []).append((path.name, options))
    return found


def test_no_call_in_the_packages_would_run_a_file(calls):
    assert calls["np.load"]
    for place, options in calls["np.load"]:
        assert options.get("allow_pickle") == "False", place
    for place, options in calls["torch.load"]:
        assert options.get("weights_only") == "True" or options.get("pickle_module") == "HARMLESS", place
    for name in ("pickle.load", "pickle.loads", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "eval", "exec"):
        assert name not in calls, name
    for name in ("marshal.loads", "shelve.open", "joblib.load", "pd.read_pickle"):
        assert name not in calls, name


LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">%s]>
<OpenSimDocument Version="40600"><Model name="&z;"/></OpenSimDocument>"""


def test_a_model_declares_no_entities(tmp_path):
    chain = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghiy", "bcdefghiyz", strict=True))
    outside = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><OpenSimDocument>&x;</OpenSimDocument>'
    for text in (LAUGHS % chain, outside, outside.encode("utf-16")):
        path = tmp_path / "laughs.osim"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ModelError, match="declares a document type"):
            read_source(path)


def test_a_model_that_nests_for_ever(tmp_path):
    path = tmp_path / "deep.osim"
    path.write_text("<OpenSimDocument>" + "<a>" * 100_000 + "</a>" * 100_000 + "</OpenSimDocument>")
    with pytest.raises(ModelError, match="nest deeper than 200"):
        read_source(path)
    check_xml(b"<a><b/></a>")
    check_xml(b"no xml at all")
    with pytest.raises(ForbiddenXml, match="MB"):
        check_xml(bytes(guarded.MOST_PIXELS))


YAML_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (YAML_LAUGHS, "more than 200000 values once its aliases"),
        ("a: &a [*a]", "stands inside"),
        ("[" * 5000, "nested deeper|not valid YAML"),
        ("[" * 100 + "]" * 100, "nested deeper than 64"),
        ("? [1, 2]\n: 3", "unhashable"),
        ("when: 2020-13-45", "month"),
        ("!!python/object/apply:os.mkdir [mischief]", "could not determine a constructor"),
        ("poses: " + "9" * 5000, "digits|limit"),
    ],
)
def test_yaml_holds_plain_data(tmp_path, text, said):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_config(path)
    with pytest.raises(yaml.YAMLError):
        load_yaml(text) if "? [1" not in text else load_yaml("? {a: 1}\n: 3")
    assert not Path("mischief").exists()
    assert load_yaml("a: &x [1]\nb: *x") == {"a": [1], "b": [1]}


def test_maps_of_markers_are_read_as_plainly(tmp_path):
    from biomech.marker_maps import load_map

    path = tmp_path / "map.yaml"
    path.write_text(YAML_LAUGHS)
    with pytest.raises((ModelError, MotionError)):
        load_map(path)


def png(width: int, height: int) -> bytes:
    """The head of a picture of that size, and no pixels worth mentioning."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def test_pictures_that_unfold_without_end(tmp_path):
    bomb = png(100_000, 100_000)
    assert len(bomb) < 200 and guarded.is_bomb(bomb) and not guarded.is_bomb(png(4000, 3000))
    assert guarded.picture_size(b"no picture") is None
    assert photo.decode(bomb) is None and photo.decode(b"") is None
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb)
    with pytest.raises(AssetError, match="cannot be read as a picture"):
        textures.read_image(path)
    sources = pytest.importorskip("synthgen.spinepose.sources", reason="torch is not installed")
    with pytest.raises(DatasetError, match="larger than 256 megapixels"):
        sources.read_image(str(path))


def test_an_export_mark_that_unfolds_without_end(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("synthgen.json", b" " * 50_000_000)
    assert not is_export(tmp_path / "a.zip")


def test_records_nested_for_ever(tmp_path):
    (tmp_path / "dataset.json").write_text("[" * 200_000)
    with pytest.raises(DatasetError):
        read_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"format": "synthgen-dataset-1", "config": []}))
    with pytest.raises(DatasetError):
        read_dataset(tmp_path)


def test_a_table_that_is_none(tmp_path):
    for data in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"PAR1" + b"\xff" * 100 + b"\x60\0\0\0PAR1"):
        (tmp_path / "t.parquet").write_bytes(data)
        with pytest.raises(DatasetError, match="cannot be read as the table"):
            read_table(tmp_path / "t.parquet")


def test_a_dataset_whose_picture_is_a_pipe(tmp_path):
    """Reading it would wait for ever."""
    from fake_source import SOURCE

    from synthgen.config import Config, with_values
    from synthgen.render import render_dataset
    from synthgen.verify import verify

    config = with_values(Config(), poses=2, width=64, height=48, poses_per_subject=2)
    render_dataset(config, tmp_path / "d", workers=0, source=SOURCE)
    picture = next((tmp_path / "d").glob("images/*/000000.jpg"))
    picture.unlink()
    os.mkfifo(picture)
    assert list(verify(tmp_path / "d")) == [f"{picture.relative_to(tmp_path / 'd')} is missing"]
