"""The scenes that every engine draws: a movement of dressed people in one place, made as any dataset's are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from scenes.backdrop import KINDS
from scenes.renderer import MeshPart, Scene
from synthgen.cast import Assets, open_assets
from synthgen.config import Config, load_config
from synthgen.sample import SCENES, draw_scene
from synthgen.stage import build
from synthgen.takes import draw_take

PLACES = tuple(kind for kind in KINDS if kind != "photo")
"""Backdrops to draw in; photographs have a shadow on the picture that other engines do not know."""

MOVEMENT = "walk"


def bench_config(size: tuple[int, int], frames: int, people: int, place: str, seed: int) -> Config:
    """A movement of so many frames, with all effects that other engines lack (bent lenses, crowds, things) left out.

    Args:
        size: px, width and height.
        people: 1 to 4.
        place: one of PLACES.
    """
    return load_config(
        None,
        [
            f"width={size[0]}",
            f"height={size[1]}",
            f"seed={seed}",
            f"poses={frames}",
            f"poses_per_subject={frames}",
            f"capture.frames={frames}",
            f'crowd.people={{"{people}": 1}}',
            "crowd.background=0",
            "crowd.everyone=1",
            f"activities.weights={{{MOVEMENT}: 1}}",
            f"backdrop.kinds={{{place}: 1}}",
            "objects.standing=0",
            "objects.lens=0",
            "camera.distortion.share=0",
            "camera.cropped=0",
        ],
    )


@contextmanager
def _opened(config: Config) -> Iterator[Assets]:
    assets = open_assets(config)
    try:
        yield assets
    finally:
        assets.close()


def draw_scenes(config: Config) -> tuple[Scene, ...]:
    """Every frame of the config's first take. Surfaces that do not move are the same objects in all of them."""
    with _opened(config) as assets:
        take = draw_take(config, assets, 0)
        scenes: list[Scene] = []
        for frame in range(config.capture.frames):
            spec = draw_scene(config, assets, take, frame, np.random.default_rng([config.seed, SCENES, 0, 0]))
            scene = build(spec, assets, take.actors(assets, frame))
            scenes.append(_in_place_of(scene, scenes[0]) if scenes else scene)
    return tuple(scenes)


def _in_place_of(scene: Scene, first: Scene) -> Scene:
    """The scene with the first one's surroundings, which a room of its own would replace for every frame."""
    known = {part.key: part for part in first.parts if part.instance_id > 0}
    people = [part for part in scene.parts if part.instance_id > 0]
    scenery = tuple(part for part in first.parts if part.instance_id == 0)
    parts = tuple(_same(part, known[part.key]) if part.key in known else part for part in people)
    return replace(scene, parts=parts + scenery, light=first.light, background=first.background)


def _same(part: MeshPart, known: MeshPart) -> MeshPart:
    """The part as the known one's object or, where it moved, with its faces and material."""
    if not np.array_equal(part.faces, known.faces):
        return part
    if np.array_equal(part.vertices, known.vertices) and np.array_equal(part.normals, known.normals):
        return known
    return replace(known, vertices=part.vertices, normals=part.normals)


def moves(scenes: tuple[Scene, ...]) -> set[str]:
    """Keys of the parts that are not the same in every scene."""
    first = {part.key: part for part in scenes[0].parts}
    return {part.key for scene in scenes[1:] for part in scene.parts if first.get(part.key) is not part}


def triangles(scene: Scene) -> int:
    """How many a scene has."""
    return sum(len(part.faces) for part in scene.parts)
