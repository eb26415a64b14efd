"""Items: reading, fitting, weights."""

import json

import numpy as np
import pytest
import scipy.sparse

from biomech.errors import AssetError
from scenes.items import (
    DEFAULT_SCALE,
    SCALE_PAIRS,
    fit,
    load_item,
    offset_scale,
    read_makehuman_json,
    save_item,
    transfer_weights,
)
from scenes.layers import BASE_VERTICES, unweld, vertex_normals

_QUAD_UV = 1 + 2 + 8  # quad, with material and texture corners


def _record(**changes):
    """Two quads over base vertices 0..5, in the three.js form of the npm package."""
    record = {
        "metadata": {"deleteVerts": [0, 1, 1], "z_depth": 40},
        "ref_vIdxs": [[i, i + 1, i + 2] for i in range(6)],
        "weights": [[0.5, 0.3, 0.2]] * 6,
        "offsets": [[0.1, 0.2, 0.3]] * 6,
        "uvs": [[0, 0, 1, 0, 1, 1, 0, 1, 0.5, 0.5]],
        "faces": [_QUAD_UV, 0, 1, 2, 3, 0, 0, 1, 2, 3, _QUAD_UV, 2, 3, 4, 5, 0, 4, 3, 0, 1],
        "materials": [],
    }
    record.update(changes)
    return record


@pytest.fixture
def item(tmp_path):
    path = tmp_path / "rag.json"
    path.write_text(json.dumps(_record()))
    return read_makehuman_json(path, "clothes")


@pytest.fixture
def body():
    rng = np.random.default_rng(0)
    rest = rng.normal(size=(BASE_VERTICES, 3))
    for axis, (a, b) in enumerate(SCALE_PAIRS["head"]):  # a head exactly as large as the item's own
        rest[b, axis] = rest[a, axis] + DEFAULT_SCALE[axis]
    return rest


def test_axes_become_forward_up_right_in_metres(item):
    np.testing.assert_allclose(item.offsets[0], [0.03, 0.02, -0.01], atol=1e-7)


def test_quads_become_triangles_and_seams_split(item):
    assert item.faces.shape == (4, 3)
    np.testing.assert_array_equal(item.render_to_welded[item.faces][:2], [[0, 1, 2], [0, 2, 3]])
    assert len(item.render_to_welded) > 6  # vertex 2 has two texture coordinates
    assert item.delete.sum() == 2 and item.z_depth == 40


def test_fit_is_binding_plus_offset(item, body):
    expected = 0.5 * body[0] + 0.3 * body[1] + 0.2 * body[2] + [0.03, 0.02, -0.01]
    np.testing.assert_allclose(fit(item, body)[0], expected, atol=1e-7)


def test_moving_the_body_moves_the_garment(item, body):
    np.testing.assert_allclose(fit(item, body + [1.0, 2.0, 3.0]), fit(item, body) + [1.0, 2.0, 3.0], atol=1e-6)


def test_a_body_twice_as_large_wears_twice_as_much(item, body):
    np.testing.assert_allclose(fit(item, 2.0 * body), 2.0 * fit(item, body), atol=1e-6)


def test_weights_sum_to_one_and_are_not_negative(tmp_path):
    path = tmp_path / "rag.json"
    path.write_text(json.dumps(_record(weights=[[0.8, 0.5, -0.3]] * 6)))
    rng = np.random.default_rng(1)
    dense = rng.random((BASE_VERTICES, 5))
    weights = scipy.sparse.csr_matrix(dense / dense.sum(1, keepdims=True))
    carried = transfer_weights(read_makehuman_json(path, "clothes"), weights)
    assert carried.shape == (6, 5)
    np.testing.assert_allclose(np.asarray(carried.sum(1)).ravel(), 1.0, atol=1e-9)
    assert carried.min() >= 0


def test_save_then_load_is_the_same_item_and_the_same_bytes(item, tmp_path):
    save_item(item, tmp_path / "a.npz")
    save_item(item, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load_item(tmp_path / "a.npz")
    for name in ("references", "weights", "offsets", "faces", "uv", "delete"):
        np.testing.assert_array_equal(getattr(again, name), getattr(item, name))
    assert (again.name, again.category, again.z_depth) == ("rag", "clothes", 40)


@pytest.mark.parametrize(
    "changes",
    [
        {"ref_vIdxs": [[BASE_VERTICES, 0, 0]] * 6},
        {"faces": [_QUAD_UV, 0, 1, 2, 99, 0, 0, 1, 2, 3]},
        {"uvs": []},
        {"metadata": None},
    ],
)
def test_a_broken_item_is_named(tmp_path, changes):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(_record(**changes)))
    with pytest.raises(AssetError, match="broken.json"):
        read_makehuman_json(path, "clothes")


def test_unweld_gives_each_pair_one_vertex():
    faces, uv_faces = np.array([[0, 1, 2], [0, 2, 1]]), np.array([[0, 1, 2], [4, 3, 1]])
    to_welded, to_uv, render = unweld(faces, uv_faces)
    np.testing.assert_array_equal(to_welded[render], faces)
    np.testing.assert_array_equal(to_uv[render], uv_faces)
    assert len(set(zip(to_welded.tolist(), to_uv.tolist(), strict=True))) == len(to_welded) == 5


def test_normals_of_a_flat_sheet_point_up():
    vertices = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 0, 0], [5, 5, 5]], float)
    normals = vertex_normals(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    np.testing.assert_allclose(normals[:4], [[0, 1, 0]] * 4)
    np.testing.assert_array_equal(normals[4], 0)


def test_shoes_grow_with_the_feet(tmp_path, body):
    path = tmp_path / "clog.json"
    path.write_text(json.dumps(_record()))
    clog = read_makehuman_json(path, "shoes", "feet", (0.25, 0.06, 0.07))
    for axis, (a, b) in enumerate(SCALE_PAIRS["feet"]):
        body[b, axis] = body[a, axis] + 2.0 * clog.scale_reference[axis]
    np.testing.assert_allclose(offset_scale(clog, body), 2.0)
