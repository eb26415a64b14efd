"""Places hold every camera, keep people in view, stand on the floor, and draw their lines where the rules put them."""

import dataclasses

import numpy as np
import pytest

from scenes import backdrop, light
from scenes.camera import CameraSpec, build_camera
from scenes.extent import extent_of, lattice
from scenes.places import BUILDERS, INDOOR, fit, markings, shade, shapes
from scenes.places.layout import LINE_Y, Prop, prop
from scenes.props import placed

KINDS = sorted(BUILDERS)


def cameras(rng, count: int, far: float = 6.0):
    found = []
    for _ in range(count):
        a, away = rng.uniform(0, 2 * np.pi), rng.uniform(1.8, far)
        eye = (away * np.cos(a), float(rng.uniform(0.4, 2.6)), away * np.sin(a))
        found.append(build_camera(CameraSpec(160, 120, 140.0, (80.0, 60.0), eye, (0, 0.9, 0), 0.0, "phone", "none")))
    return tuple(found)


def case(kind: str, seed: int, views: int = 3):
    rng = np.random.default_rng(seed)
    points = rng.uniform([-0.4, 0, -0.4], [0.4, 1.75, 0.4], (200, 3))
    light_spec = light.draw_light(light.LightConfig(kinds={"noon": 1.0}), rng)
    spec = backdrop.draw_backdrop(backdrop.BackdropConfig(kinds={kind: 1.0}), rng, light_spec)
    rig = cameras(rng, views)
    built = backdrop.build_backdrop(spec, rig, 0, points, light.build_light(light_spec, {}), light_spec, {})
    return spec, rig, points, built


def eye_of(camera) -> np.ndarray:
    return np.linalg.inv(camera.cam_from_world)[:3, 3]


def hits(start: np.ndarray, ends: np.ndarray, part) -> np.ndarray:
    """For each segment from start, whether it meets a triangle of the part (Moeller and Trumbore)."""
    a, b, c = (part.vertices[part.faces[:, k]].astype(float) for k in range(3))
    e1, e2 = b - a, c - a
    found = []
    for end in ends:
        way = (end - start) * 0.995
        p = np.cross(way, e2)
        det = (e1 * p).sum(1)
        sound = np.abs(det) > 1e-12
        inv = 1 / np.where(sound, det, 1.0)
        t = start - a
        u, q = (t * p).sum(1) * inv, np.cross(t, e1)
        v, s = (q @ way) * inv, (e2 * q).sum(1) * inv
        found.append(bool((sound & (u >= 0) & (v >= 0) & (u + v <= 1) & (s > 1e-6) & (s < 1)).any()))
    return np.array(found)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_sound_and_stand_on_the_floor(kind):
    for seed in range(3):
        _, _, _, built = case(kind, seed)
        assert len({part.key for part in built.parts}) == len(built.parts)
        assert built.background.shape == (120, 160, 3)
        for part in built.parts:
            assert part.instance_id == 0 and part.faces.max() < len(part.vertices) == len(part.normals)
            assert np.isfinite(part.vertices).all() and part.vertices[:, 1].min() > -0.1  # trunks and stays are rooted
            assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-3)
        floor = next(part for part in built.parts if part.key.endswith("/floor"))
        assert floor.vertices[:, 1].min() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_between_any_camera_and_people(kind):
    for seed in range(3):
        _, rig, points, built = case(kind, 100 + seed)
        for camera in rig:
            for part in built.parts:
                blocked = hits(eye_of(camera), points[::40] + [0, 0.03, 0], part)
                assert not blocked.any(), part.key


def test_what_is_in_the_way_is_what_eyes_people_and_lines_of_sight_meet():
    """Against boxes asked point by point."""
    rng, along = np.random.default_rng(5), np.linspace(0.0, 1.0, 400)[1:-1, None, None]
    people = rng.uniform([-0.5, 0.0, -0.3], [0.4, 1.8, 0.6], (60, 3))
    seen = extent_of(people)
    eyes = np.array([[4.0, 1.5, 1.0], [-3.0, 0.8, -4.0]])
    middles, halves = rng.uniform([-6, 0, -6], [6, 2.5, 6], (400, 3)), rng.uniform(0.05, 0.6, (400, 3))
    props = [Prop((), middle - half, middle + half) for middle, half in zip(middles, halves, strict=True)]
    told = fit._in_the_way(props, eyes, seen, people)
    sight = np.concatenate([(eye + along * (people - eye)).reshape(-1, 3) for eye in eyes])
    for thing, found in zip(props, told, strict=True):
        on_eye = ((eyes > thing.low - 0.5) & (eyes < thing.high + 0.5)).all(1).any()
        on_people = ((seen.low < thing.high + 0.3) & (seen.high > thing.low - 0.3)).all()
        within, about = (
            ((sight > thing.low - reach) & (sight < thing.high + reach)).all(1).any() for reach in (0.12, 0.14)
        )
        assert found or not (on_eye or on_people or within)
        assert not found or on_eye or on_people or about
    assert 20 < told.sum() < 200 and not fit._in_the_way([], eyes, seen, people).any()


@pytest.mark.parametrize("kind", KINDS)
def test_props_are_asked_where_people_and_cameras_come_to_stand(kind, monkeypatch):
    asked = []

    def noted(props, eyes, people, marks):
        asked.append((eyes, people, marks))
        return in_the_way(props, eyes, people, marks)

    in_the_way = fit._in_the_way
    monkeypatch.setattr(fit, "_in_the_way", noted)
    for seed in range(3):
        spec, rig, points, _ = case(kind, 300 + seed)
        eyes, people, marks = asked[-1]
        into = np.linalg.inv(placed(0, 0, spec.yaw))[:3, :3]
        there = points @ into.T
        by = people.low - there.min(0)
        np.testing.assert_allclose(people.high, there.max(0) + by, atol=1e-9)
        np.testing.assert_allclose(people.mean, there.mean(0) + by, atol=1e-9)
        np.testing.assert_allclose(eyes, [eye_of(camera) @ into.T + by for camera in rig], atol=1e-9)
        np.testing.assert_array_equal(marks[:27], lattice(people.low, people.high))
        assert len(marks) > 27 and (np.abs(there + by - marks[27:, None]).max(2).min(1) < 1e-9).all()


@pytest.mark.parametrize("kind", INDOOR)
def test_walls_hold_every_camera(kind):
    for seed in range(6):
        spec, rig, points, built = case(kind, 200 + seed)
        c, s = np.cos(spec.yaw), np.sin(spec.yaw)
        into = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
        wall = next(part for part in built.parts if part.key.endswith("/wall")).vertices @ into.T
        inside = np.vstack([[eye_of(camera) for camera in rig], points]) @ into.T
        assert (inside > wall.min(0) - [0, 0.01, 0]).all() and (inside < wall.max(0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_one_key_never_names_two_meshes_and_building_is_pure(kind):
    seen: dict[str, tuple] = {}
    people = np.random.default_rng(9).uniform([-0.4, 0, -0.4], [0.4, 1.75, 0.4], (100, 3))
    lit = light.build_light(light.draw_light(light.LightConfig(kinds={"noon": 1.0}), np.random.default_rng(0)), {})
    for seed in (0, 1, 2, 3, 0):
        rng = np.random.default_rng(seed)
        spec = dataclasses.replace(case(kind, 0)[0], variant=0, yaw=float(rng.uniform(0, 6)))
        for part in fit.build_place(spec, rng.uniform([-3, 1, -3], [3, 2, 3], (2, 3)), people, lit):
            texture = part.material.texture
            face_bytes = (part.faces.tobytes(), part.uv.tobytes(), None if texture is None else id(texture))
            assert seen.setdefault(part.key, face_bytes) == face_bytes, part.key


def test_a_camera_far_off_makes_the_place_larger():
    spec = dataclasses.replace(case("clinic", 1)[0], margin_m=0.5)
    people, eyes = np.array([[0, 0, 0], [0.2, 1.7, 0.2]]), np.array([[14.0, 1.5, 0.0]])
    lit = light.build_light(light.draw_light(light.LightConfig(kinds={"hall": 1.0}), np.random.default_rng(0)), {})
    walls = [
        next(p for p in fit.build_place(spec, at, people, lit) if p.key.endswith("/wall")) for at in (eyes / 7, eyes)
    ]
    near, far = (np.ptp(wall.vertices, axis=0)[[0, 2]].max() for wall in walls)
    assert far > near + 4


@pytest.mark.parametrize("sport", ["football", "basketball", "tennis", "volleyball", "badminton"])
def test_lines_reach_exactly_to_the_edge_of_the_ground(sport):
    m = markings.measures(sport)
    vertices = np.concatenate([piece[0] for piece in markings.lines(sport)])
    assert np.allclose(vertices.max(0), [m["length"] / 2, LINE_Y, m["width"] / 2], atol=1e-6)
    assert np.allclose(vertices.min(0), [-m["length"] / 2, LINE_Y, -m["width"] / 2], atol=1e-6)


def test_line_area_of_a_rectangle_is_exact():
    v, _, faces, _ = markings.rectangle(10.0, 6.0, 0.1)
    a, b, c = (v[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert area == pytest.approx(10 * 6 - 9.8 * 5.8, rel=1e-6)


def test_an_unknown_sport_is_named():
    with pytest.raises(KeyError, match="'curling'"):
        markings.measures("curling")


@pytest.mark.parametrize(
    "piece",
    [
        shapes.box((0, 1, 0), (1, 2, 3)), shapes.tube([(0, 0, 0), (0, 1, 0), (0.4, 1.6, 0.2)], 0.1),
        shapes.tube([(0, 0, 0), (0.3, 1, 0.2)], 0.1),
        shapes.turned([(0.0, 0.0), (0.3, 0.0), (0.2, 0.5), (0.0, 0.6)]), shapes.ball(0.3, 0.3),
        shapes.lying(shapes.ball(0.3, 0.3, (1, 2, 3))),
        shapes.prism([(0, 0), (1, 0), (0.8, 0.5), (0.2, 0.5)], 0.6, 0.1),
    ],
)  # fmt: skip
def test_solids_look_outward_and_are_closed(piece):
    """The volume inside, by the divergence theorem, is positive, and no rim is left open to first order."""
    v, _, faces, _ = piece
    a, b, c = (v[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    assert (a * cross).sum() / 6 > 1e-3
    assert np.linalg.norm(cross.sum(0)) < 0.02 * np.linalg.norm(cross, axis=1).sum()


def test_several_bars_are_the_tubes_of_their_paths():
    paths = np.random.default_rng(3).uniform(-1, 1, (4, 3, 3))
    together, one_by_one = shapes.bars(paths, 0.02, 6), shapes.merged([shapes.tube(p, 0.02, 6) for p in paths])
    for mine, expected in zip(together, one_by_one, strict=True):
        np.testing.assert_array_equal(mine, expected)


@pytest.mark.parametrize(
    "path",
    [
        [(0, 0, 0), (0, 0, 2)],
        [(1, 0, 0), (1, 3, 0), (1, 3, 4)],
        [(0, 1, 0), (1, 1, 0), (1.5, 1.5, 0.5), (2, 3, 0)],
    ],
)
def test_a_bar_lies_around_its_path_and_its_ends_look_along_it(path):
    path, radius, sides = np.array(path, float), 0.07, 12
    step = np.diff(path, axis=0)
    way = shapes.unit(np.vstack([step[:1], (path[2:] - path[:-2]) / 2, step[-1:]]))
    vertices, normals, faces, uv = shapes.tube(path, radius, sides)
    body = len(path) * (sides + 1)
    rings = vertices[:body].reshape(len(path), sides + 1, 3) - path[:, None]
    np.testing.assert_allclose(np.linalg.norm(rings, axis=2), radius, atol=1e-12)
    np.testing.assert_allclose(np.einsum("pkc,pc->pk", rings, way), 0.0, atol=1e-12)
    np.testing.assert_allclose(rings[:, :-1].mean(1), 0.0, atol=1e-12)  # all the way around
    np.testing.assert_allclose(normals[:body], rings.reshape(-1, 3) / radius, atol=1e-12)
    ends = vertices[body:].reshape(2, sides, 3)
    np.testing.assert_allclose(np.linalg.norm(ends - path[[0, -1], None], axis=2), radius, atol=1e-12)
    looks = np.stack([-way[0], way[-1]])[:, None].repeat(sides, 1)
    np.testing.assert_allclose(normals[body:].reshape(2, sides, 3), looks, atol=1e-12)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(step, axis=1))])
    np.testing.assert_allclose(uv[:body].reshape(len(path), -1, 2)[..., 1], along[:, None].repeat(sides + 1, 1))
    np.testing.assert_allclose(uv[:body].reshape(len(path), -1, 2)[:, -1, 0], 2 * np.pi * radius)


def test_faces_look_the_way_of_their_normals():
    """Flat ones exactly, round ones as well as their facets are fine, also on the inside of a sharp bend."""
    for piece, least in (
        (shapes.box((0, 1, 0), (1, 2, 3)), 1.0),
        (shapes.prism([(0, 0), (1, 0), (0.8, 0.5), (0.2, 0.5)], 0.6, 0.2), 1.0),
        (shapes.ball(0.3, 0.3, (1, 2, 3), sides=80), 0.99),
        (shapes.lying(shapes.ball(0.3, 0.3, (1, 2, 3), sides=80)), 0.99),
        (shapes.sheet(2.0, 1.0, 200, 0.1, 3.0), 0.99),
        (shapes.bars([[(0, 0, 0), (0.2, 1, 0.1)], [(3, 0, 0), (0, 1, 2)]], 0.05, 40), 0.99),
        (shapes.tube([(0, 0, 0), (0, 0.1, 0), (0.1, 0.06, 0)], 0.09, 12), 0.0),
    ):
        vertices, normals, faces, _ = piece
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        across = np.cross(b - a, c - a)
        size = np.linalg.norm(across, axis=1)
        sound = size > 1e-12
        looks = np.einsum("fkc,fc->fk", normals[faces[sound]], across[sound] / size[sound, None])
        assert looks.mean(1).min() >= least - 1e-9


def test_level_ground_and_sheets_are_wound_the_way_they_look():
    for piece, way in ((shapes.ground((-3, -1), (2, 4), 0.1, 1.0), 1), (shapes.sheet(2.0, 1.0, 7, 0.1, 3.0), 2)):
        corners = piece[0][piece[2]]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (normal[:, way] > 0).all() and (piece[1][:, way] > 0).all()


def test_clipping_keeps_the_area_inside():
    square = np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]])
    cut = shade.clipped(square, (1.0, -5.0), (5.0, 1.5))
    x, z = cut.T
    assert abs(np.dot(x, np.roll(z, 1)) - np.dot(z, np.roll(x, 1))) / 2 == pytest.approx(1.5)
    assert len(shade.clipped(square, (3.0, 3.0), (4.0, 4.0))) == 0


def test_rings_darken_the_floor_around_feet_alone():
    low, high = shapes.standing(1.0, 2.0, (0.2, 0.5, 0.4)), shapes.standing(0.0, 0.0, (1.0, 0.5, 1.0), base=0.5)
    hovers = shapes.standing(0.0, 0.0, (1.0, 0.5, 1.0), base=0.07)
    assert shade.contact_outlines([prop(("x", high)), prop(("x", hovers))]) == []
    cup = prop(("x", shapes.turned([(0.0, 0.0), (0.1, 0.0), (0.5, 1.0)])))  # its foot counts, not its brim
    for (reach, _, _), (outline,) in zip(shade.RINGS, shade.contact_outlines([cup]), strict=True):
        assert np.linalg.norm(outline, axis=1).max() == pytest.approx(0.1 + reach, abs=1e-6)
    rings = shade.contact_outlines([prop(("x", high), ("x", low)), prop(("x", high))])
    assert len(rings) == len(shade.RINGS)
    corners = np.array([[-0.1, -0.2], [-0.1, 0.2], [0.1, -0.2], [0.1, 0.2]])
    for (reach, _, _), (outline,) in zip(shade.RINGS, rings, strict=True):
        expected = [1.0, 2.0] + corners * (1 + reach / np.hypot(0.1, 0.2))
        np.testing.assert_allclose(sorted(outline.tolist()), sorted(expected.tolist()), atol=1e-6)


def test_only_solid_things_that_reach_near_people_darken_the_floor():
    fence = prop(("x", shapes.standing(40.0, 5.0, (60.0, 1.0, 0.1))))  # from x = 10 on
    mat = prop(("x", shapes.standing(0.0, 0.0, (1.0, 0.1, 1.0))), solid=False)
    here, beyond = np.array([0.0, 0.0]), np.array([-5.0, 0.0])
    assert shade.near([mat, fence], here) == [fence] and shade.near([mat, fence], beyond) == []
    assert shade.near([fence], np.array([30.0, -8.5])) == [fence] and shade.near([fence], np.array([30.0, -9.5])) == []
    assert shade.near([mat], here) == shade.near([], here) == []


def test_shadows_fall_away_from_the_sun():
    thing = prop(("x", shapes.standing(1.0, 0.0, (0.2, 2.0, 0.2))))
    sun = np.array([0.6, 0.8, 0.0])
    (outline,) = shade.thrown_outlines([thing], sun)
    assert outline[:, 0].min() == pytest.approx(0.9 - 1.5) and outline[:, 0].max() == pytest.approx(1.1)
    (outline,) = shade.thrown_outlines([thing], np.array([0.0, 0.01, 1.0]))  # low, not endless
    assert outline[:, 1].min() == pytest.approx(-0.1 - 2.0 / 0.15) and outline[:, 0].min() == pytest.approx(0.9)
    two = prop(("x", shapes.standing(1.0, 0.0, (0.2, 2.0, 0.2))), ("y", shapes.standing(5.0, 0.0, (0.2, 2.0, 0.2))))
    assert [round(float(found[:, 0].max()), 3) for found in shade.thrown_outlines([two, thing], sun)] == [1.1, 5.1, 1.1]


def test_dark_on_the_floor_looks_up_and_follows_the_ground_beneath():
    place = fit.laid_out("street", 0, (50.0, 13.0, 0.0))
    (_, _, low, _, high), *_ = place.grounds
    across = np.array([[0.0, high - 1], [0, high + 1], [1, high + 1], [1, high - 1]])
    found = shade.on_grounds(place, [across, across[::-1]], 0.002)
    assert [name for name, _ in found] == ["floor", "road"] and low == -high
    for k, (name, (v, _, faces, _)) in enumerate(found):
        np.testing.assert_allclose(v[:, 1], 0.002 + 1e-4 * k)  # the later ground lies on the earlier
        a, b, c = (v[faces[:, k]] for k in range(3))
        assert (np.cross(b - a, c - a)[:, 1] > 0).all()
        assert name == "floor" or v[:, 2].max() == pytest.approx(high)


def test_surroundings_come_as_often_as_asked_and_fit_their_light():
    config = backdrop.BackdropConfig(kinds={"field": 1.0, "gym": 1.0})
    drawn = [backdrop.draw_surroundings(config, light.LightConfig(), np.random.default_rng(i)) for i in range(80)]
    assert 25 < sum(spec.kind == "field" for _, spec in drawn) < 55
    assert all(light.is_outdoor(lamp) for lamp, spec in drawn if spec.kind == "field")
    only_studio = backdrop.draw_surroundings(config, light.LightConfig(kinds={"studio": 1.0}), np.random.default_rng(0))
    assert only_studio[0].kind == "studio"  # asked for what does not fit: taken as it is


def test_places_under_the_sky_want_outdoor_light():
    config = backdrop.BackdropConfig()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        inside = light.draw_light(
            light.LightConfig(kinds={"hall": 1.0, "window": 1.0, "mixed": 1.0, "studio": 1.0}), rng
        )
        assert backdrop.draw_backdrop(config, rng, inside).kind not in (
            "field",
            "track",
            "court",
            "street",
            "hdri",
            "photo",
        )
