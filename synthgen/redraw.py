"""Stored scenes drawn again: scenes.jsonl and the config beside it -> the pictures of the dataset they came from.

Nothing is drawn at random: a line holds every choice. Neither motion files nor a published model are needed, since a
line holds joint angles.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biomech.errors import ConfigError, DatasetError
from scenes.renderer import Frame, Scene
from synthgen.cast import Assets, open_assets
from synthgen.config import Config, ModelConfig, MotionConfig, config_from_plain, load_config, rules, split_of
from synthgen.folder import DATASET, recorded_identity
from synthgen.sample import photographed
from synthgen.sample_types import Sample
from synthgen.settings import Reader, to_plain
from synthgen.shards import encode, write_atomic
from synthgen.specs import SceneSpec, scene_from_plain
from synthgen.stage import Actor, build, stage

CONFIG = "config.yaml"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One stored scene as arrays and as a picture."""

    index: int
    spec: SceneSpec
    actors: tuple[Actor, ...]
    scene: Scene
    frame: Frame


def read_specs(path: Path, indices: Sequence[int] = ()) -> Iterator[tuple[int, SceneSpec]]:
    """(index, spec) of each line, or of the lines with these indices, in the file's order.

    Raises:
        DatasetError: no such file, a line that is no scene (named by its number), an index twice or not there.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise DatasetError(f"cannot read the scenes {path}: {reason}; give a dataset's scenes.jsonl") from None
    wanted, seen = set(indices), set()
    for number, line in enumerate(lines, 1):
        where = f"{path}, line {number}"
        try:
            data = json.loads(line)
            index, plain = data["index"], data["spec"]
        except ValueError as error:
            raise DatasetError(f"{where}: no JSON ({error}); mend the line or leave it out with --index") from None
        except (KeyError, TypeError):
            raise DatasetError(f'{where}: no scene; a line is {{"index": N, "spec": {{...}}}}') from None
        if not isinstance(index, int) or index < 0 or index in seen:
            raise DatasetError(f"{where}: index {index!r}; each line needs a whole number from 0 of its own")
        seen.add(index)
        if wanted and index not in wanted:
            continue
        try:
            yield index, scene_from_plain(plain)
        except ConfigError as error:
            raise DatasetError(f"{where}: {error}; was it written by another version?") from None
    if not seen:
        raise DatasetError(f"{path} holds no scene")
    if wanted - seen:
        raise DatasetError(f"--index {min(wanted - seen)}: {path} holds {min(seen)} to {max(seen)}, {len(seen)} scenes")


def config_beside(specs: Path, config: Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """The config of stored scenes: the file given, else that of the dataset whose folder the scenes lie in.

    Raises:
        DatasetError: none given and none beside the scenes.
    """
    if config is not None:
        found = load_config(config, overrides)
    elif (specs.parent / DATASET).is_file() and (identity := recorded_identity(specs.parent)) is not None:
        found = Reader(rules()).override(config_from_plain(identity["config"]), overrides)
    elif (specs.parent / CONFIG).is_file():
        found = load_config(specs.parent / CONFIG, overrides)
    else:
        raise DatasetError(f"no {DATASET} and no {CONFIG} beside {specs}; give the dataset's with --config")
    return replace(found, motion=MotionConfig(), model=ModelConfig())


def draw_again(index: int, spec: SceneSpec, config: Config, assets: Assets) -> Drawn:
    """Build and draw a stored scene.

    Raises:
        DatasetError: the config's picture size is not the scene's.
    """
    size = (spec.camera.width, spec.camera.height)
    if size != (config.width, config.height):
        raise DatasetError(
            f"scene {index} is {size[0]}x{size[1]} px and the config says {config.width}x{config.height}; "
            f"add --size {size[0]}x{size[1]}"
        )
    actors = stage(spec, assets)
    scene = build(spec, assets, actors, config.output.normals)
    return Drawn(index, spec, actors, scene, assets.renderer.render(scene))


def as_sample(drawn: Drawn, config: Config) -> Sample:
    """The picture as the camera records it, without labels."""
    subject = drawn.spec.actors[0].number
    return Sample(
        index=drawn.index,
        subject=subject,
        split=split_of(config, subject),
        spec=to_plain(drawn.spec),
        rgb=photographed(drawn.spec, drawn.actors, drawn.scene.camera, drawn.frame),
        depth=drawn.frame.depth,
        instance=drawn.frame.instance,
        part=drawn.frame.part,
        normals=drawn.frame.normals,
        camera=drawn.scene.camera,
        annotations=(),
        jpeg_quality=drawn.spec.sensor.jpeg_quality,
    )


def redraw(
    specs: Path,
    out: Path,
    config: Config,
    indices: Sequence[int] = (),
    on_picture: Callable[[], object] = lambda: None,
) -> int:
    """Draw stored scenes into `out`, under the names their dataset has for them; returns how many.

    Raises:
        DatasetError: a broken line, a folder that is not empty, a picture size that is not the scenes'.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} is not empty; choose a new folder with --out")
    todo = list(read_specs(specs, indices))  # a broken line is told before anything is drawn
    assets = open_assets(config)
    try:
        for index, spec in todo:
            sample = as_sample(draw_again(index, spec, config, assets), config)
            for name, data in encode(config, sample).items():
                write_atomic(out / name, data, durable=False)
            on_picture()
    finally:
        assets.close()
    return len(todo)
