"""Motion files: read back by us and by OpenSim."""

from __future__ import annotations

import numpy as np
import pytest

from biomech.anatomy import COORDINATES, coordinate_index
from biomech.errors import ModelError
from biomech.limits import load_limits
from biomech.model import import_opensim
from biomech.motion import read_mot, write_mot


@pytest.fixture()
def motion():
    limits = load_limits().hard
    rng = np.random.default_rng(0)
    q = rng.uniform(limits[:, 0], limits[:, 1], (5, len(COORDINATES)))
    return np.arange(5) / 30.0, q


@pytest.mark.parametrize("in_degrees", [True, False])
def test_round_trip(tmp_path, motion, in_degrees):
    times, q = motion
    write_mot(tmp_path / "a.mot", times, COORDINATES, q, in_degrees)
    back = read_mot(tmp_path / "a.mot")
    assert back.coordinates == COORDINATES
    np.testing.assert_allclose(back.times, times, atol=1e-9)
    np.testing.assert_allclose(back.q, q, rtol=1e-9, atol=1e-9)


def test_opensim_reads_degrees_and_metres(tmp_path, motion):
    times, q = motion
    write_mot(tmp_path / "a.mot", times, COORDINATES, q)
    osim = import_opensim()
    table = osim.TimeSeriesTable(str(tmp_path / "a.mot"))
    assert table.getTableMetaDataString("inDegrees") == "yes"
    assert tuple(table.getColumnLabels()) == COORDINATES
    np.testing.assert_allclose(table.getIndependentColumn(), times, atol=1e-9)
    values = table.getMatrix().to_numpy()
    knee, height = coordinate_index("knee_angle_r"), coordinate_index("pelvis_ty")
    np.testing.assert_allclose(values[:, knee], np.rad2deg(q[:, knee]), atol=1e-6)
    np.testing.assert_allclose(values[:, height], q[:, height], atol=1e-9)
    storage = osim.Storage(str(tmp_path / "a.mot"))
    assert storage.isInDegrees() and storage.getSize() == 5


def test_same_input_same_bytes(tmp_path, motion):
    times, q = motion
    for name in "ab":
        write_mot(tmp_path / name, times, COORDINATES, q)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_bad_input_is_refused(tmp_path, motion):
    times, q = motion
    path = tmp_path / "a.mot"
    with pytest.raises(ModelError, match="wanted"):
        write_mot(path, times, COORDINATES[:-1], q)
    with pytest.raises(ModelError, match="increase"):
        write_mot(path, times[::-1], COORDINATES, q)
    with pytest.raises(ModelError, match="finite"):
        write_mot(path, times, COORDINATES, np.where(q > 0, np.inf, q))
    with pytest.raises(ModelError, match="twice"):
        write_mot(path, times, ("a", "a"), q[:, :2])
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "endheader"),
        ("inDegrees=yes\nendheader\nx\ty\n1\t2\n", "first being time"),
        ("endheader\n", "first being time"),
        ("endheader\ntime\tx\n0\t1\n0.1\tbad\n", "line 4"),
        ("endheader\ntime\tx\n0\t1\t2\n", "line 3"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, message):
    (tmp_path / "a.mot").write_text(text)
    with pytest.raises(ModelError, match=message):
        read_mot(tmp_path / "a.mot")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="gone.mot"):
        read_mot(tmp_path / "gone.mot")
