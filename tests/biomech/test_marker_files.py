"""Marker files: units, axes, gaps and damage."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from biomech.errors import ModelError
from biomech.marker_files import UP_AXES, MarkerSeries, read_markers

DATA = Path(os.environ.get("SYNTHGEN_TEST_DATA", "../shared/data")) / "motion"
NAMES = ("HEAD", "HAND", "KNEE", "TOE")
STANDING = np.array([[0.0, 1.7, 0.0], [0.1, 0.9, 0.3], [0.0, 0.5, 0.1], [0.2, 0.05, 0.1]])


def _trc(path: Path, points: np.ndarray, units: str = "mm", scale: float = 1e3, names=NAMES) -> Path:
    """A .trc of points (T, M, 3) m in the axes of the file; NaN becomes an empty field."""
    rows = []
    for t, frame in enumerate(points):
        values = ["" if np.isnan(v) else f"{scale * v:.4f}" for v in frame.reshape(-1)]
        rows.append("\t".join([str(t + 1), f"{0.01 * t:.3f}", *values]))
    head = [
        "PathFileType\t4\t(X/Y/Z)\ttest.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"100\t100\t{len(points)}\t{len(names)}\t{units}\t100\t1\t{len(points)}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{k}" for k in range(1, len(names) + 1) for axis in "XYZ"),
        "",
    ]
    path.write_text("\n".join(head + rows) + "\n")
    return path


def _walk() -> np.ndarray:
    return STANDING + np.linspace(0.0, 0.4, 5)[:, None, None] * [1.0, 0.0, 0.2]


@pytest.mark.parametrize(("units", "scale"), [("mm", 1e3), ("cm", 1e2), ("m", 1.0), ("meters", 1.0)])
def test_units_and_gaps(tmp_path, units, scale):
    points = _walk()
    points[2, 1] = np.nan
    series = read_markers(_trc(tmp_path / "a.trc", points, units, scale))
    assert series.names == NAMES and series.rate == pytest.approx(100.0) and series.up == "y"
    np.testing.assert_allclose(series.positions, points, atol=1e-4)


@pytest.mark.parametrize("up", list(UP_AXES))
def test_any_vertical_axis_is_found_or_taken(tmp_path, up):
    assert np.linalg.det(UP_AXES[up]) == pytest.approx(1.0)
    file = _trc(tmp_path / "a.trc", _walk() @ UP_AXES[up])
    np.testing.assert_allclose(read_markers(file, up=up).positions, _walk(), atol=1e-6)
    found = read_markers(file)
    assert found.up == up
    np.testing.assert_allclose(found.positions, _walk(), atol=1e-6)
    assert bool(found.notes) == (up != "y")


def test_zeros_and_nan_are_missing(tmp_path):
    points = _walk()
    points[1, 2] = 0.0
    file = _trc(tmp_path / "a.trc", points)
    file.write_text(file.read_text().replace("\t1700.0000\t", "\tnan\t", 1))
    series = read_markers(file)
    assert np.isnan(series.positions[1, 2]).all() and np.isnan(series.positions[0, 0]).all()
    assert np.isfinite(series.positions).all(axis=-1).sum() == 18


def _cut(text: str) -> str:
    return text[: int(0.9 * len(text))]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("\tmm\t", "\tm\t"), "--unit mm"),
        (lambda text: text.replace("\tmm\t", "\tfurlong\t"), "furlong"),
        (_cut, "cut off"),
        (lambda text: text[: text.index("1\t0.000")], "no frame follows"),
        (lambda text: "hello\n" + text, "PathFileType"),
        (lambda text: text.replace("KNEE", "A:TOE").replace("\tTOE", "\tB:TOE"), "more than once"),
        (lambda text: text.replace("\t4\tmm", "\t7\tmm"), "announces 7 markers"),
        (lambda text: text.replace("0.030", "0.010"), "times do not increase"),
    ],
)
def test_damaged_files_say_what_is_wrong(tmp_path, change, words):
    file = _trc(tmp_path / "bad.trc", _walk())
    file.write_text(change(file.read_text()))
    with pytest.raises(ModelError, match=words):
        read_markers(file)


def test_bad_options_and_other_files(tmp_path):
    file = _trc(tmp_path / "a.trc", _walk())
    with pytest.raises(ModelError, match="mm, cm, m, in"):
        read_markers(file, unit="yard")
    with pytest.raises(ModelError, match="vertical axis"):
        read_markers(file, up="w")
    with pytest.raises(ModelError, match="cannot read markers"):
        read_markers(tmp_path / "none.trc")
    (tmp_path / "a.mot").write_text("x")
    with pytest.raises(ModelError, match=r"\.trc or \.c3d"):
        read_markers(tmp_path / "a.mot")
    (tmp_path / "a.c3d").write_bytes(b"no c3d at all" * 100)
    with pytest.raises(ModelError, match="no C3D header"):
        read_markers(tmp_path / "a.c3d")


def _c3d(points: np.ndarray, processor: int, real: bool, unit: str = "mm") -> bytes:
    """A C3D file of points (T, M, 3) in `unit`, NaN marked invalid."""
    order = ">" if processor == 86 else "<"

    def reals(values) -> bytes:
        if processor != 85:
            return np.asarray(values, f"{order}f4").tobytes()
        return (4.0 * np.asarray(values, "<f4")).view("<u2").reshape(-1, 2)[:, ::-1].tobytes()

    def parameter(group: int, name: str, kind: int, shape: tuple[int, ...], data: bytes) -> bytes:
        body = struct.pack("<bB", kind, len(shape)) + bytes(shape) + data + b"\0"
        return struct.pack("<bb", len(name), group) + name.encode() + struct.pack(f"{order}h", len(body) + 2) + body

    labels = "".join(f"anna:{name}".ljust(12) for name in NAMES).encode()
    section = bytes((1, 0x50, 1, processor))
    section += struct.pack("<bb", 5, -1) + b"POINT" + struct.pack(f"{order}h", 3) + b"\0"
    section += parameter(1, "LABELS", -1, (12, len(NAMES)), labels)
    section += parameter(1, "UNITS", -1, (len(unit),), unit.encode())
    section += parameter(1, "RATE", 4, (), reals([50.0]))
    scale = -1.0 if real else 0.1
    head = bytes((2, 0x50)) + struct.pack(f"{order}5H", len(NAMES), 0, 1, len(points), 0) + reals([scale])
    head += struct.pack(f"{order}2H", 3, 0) + reals([50.0])
    missing = np.isnan(points).any(axis=-1, keepdims=True)
    values = np.concatenate([np.nan_to_num(points) / (1.0 if real else scale), np.where(missing, -1.0, 0.0)], axis=-1)
    data = reals(values.reshape(-1)) if real else np.round(values).astype(f"{order}i2").tobytes()
    return head.ljust(512, b"\0") + section.ljust(512, b"\0") + data


@pytest.mark.parametrize("processor", [84, 85, 86])
@pytest.mark.parametrize("real", [True, False])
def test_c3d_of_every_kind(tmp_path, processor, real):
    points = _walk()
    points[2, 1] = np.nan
    content = _c3d(1e3 * points @ UP_AXES["z"], processor, real)
    (tmp_path / "a.c3d").write_bytes(content)
    series = read_markers(tmp_path / "a.c3d")
    assert series.names == NAMES and series.up == "z" and series.rate == pytest.approx(50.0)
    np.testing.assert_allclose(series.positions, points, atol=1e-4)
    (tmp_path / "a.c3d").write_bytes(content[:-8])
    with pytest.raises(ModelError, match="cut off"):
        read_markers(tmp_path / "a.c3d")


def test_c3d_damaged_in_its_parameters(tmp_path):
    content = bytearray(_c3d(1e3 * _walk() @ UP_AXES["z"], 84, True))
    for place, value, words in ((512 + 3, 7, "processor type"), (2, 0, "0 points"), (512 + 4, 0, "0 names")):
        broken = content.copy()
        broken[place] = value
        (tmp_path / "a.c3d").write_bytes(broken)
        with pytest.raises(ModelError, match=words):
            read_markers(tmp_path / "a.c3d")


def _real(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"no {DATA / name}; set SYNTHGEN_TEST_DATA to the folder of test material")
    return DATA / name


def test_real_files():
    walk = read_markers(_real("walk_free_01.trc"))
    assert walk.positions.shape == (73, 41, 3) and walk.up == "y" and "900" in walk.notes[0]
    lab = read_markers(_real("walking5.c3d"))
    assert lab.positions.shape == (1103, 40, 3) and lab.up == "z" and lab.rate == pytest.approx(250.0)
    assert isinstance(lab, MarkerSeries) and 0.3 < np.isfinite(lab.positions).all(axis=-1).mean() < 0.9


def test_a_truncated_c3d_is_refused(tmp_path):
    content = _real("walking5.c3d").read_bytes()
    for size in (600, len(content) // 2, len(content) - 8):
        (tmp_path / "cut.c3d").write_bytes(content[:size])
        with pytest.raises(ModelError, match="cut off"):
            read_markers(tmp_path / "cut.c3d")
