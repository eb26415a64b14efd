"""Every setting of a dataset, with unit, range and default; strict YAML in, digest out.

configs/default.yaml holds the same defaults with a comment for each; a test keeps the two equal.
"""

import csv
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from biomech.activities import ACTIVITIES
from biomech.errors import ConfigError
from biomech.pathology import kinds
from biomech.profiles import profiles
from scenes.backdrop import BackdropConfig
from scenes.camera import CameraConfig, SensorConfig
from scenes.engines import RendererConfig
from scenes.light import LightConfig
from scenes.occluder import ObjectsConfig
from scenes.wardrobe import WardrobeConfig
from synthgen import settings


@dataclass(frozen=True, slots=True)
class PathologyConfig:
    """Spines that differ: scoliosis, kyphosis and others."""

    share: float = 0.0
    weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(kinds(), 1.0))
    severity: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class PeopleConfig:
    """Who is drawn. Ranges are sampled per subject."""

    female: float = 0.5
    age: tuple[float, float] = (5.0, 90.0)
    children: float = 0.15
    elders: float = 0.2
    stature: tuple[float, float] = (-2.0, 2.0)
    bmi: tuple[float, float] = (16.0, 40.0)
    muscle: tuple[float, float] = (0.25, 0.8)
    asymmetry: float = 1.0
    expression: float = 0.6
    profile: dict[str, float] = field(default_factory=lambda: {name: float(name == "auto") for name in profiles()})
    pathology: PathologyConfig = PathologyConfig()


@dataclass(frozen=True, slots=True)
class ActivityConfig:
    """What people do."""

    weights: dict[str, float] = field(default_factory=lambda: {name: a.weight for name, a in ACTIVITIES.items()})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Whose spine people move by: ours, or that of a published OpenSim model."""

    file: str = ""
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """Captured motion that poses are drawn from beside the activities."""

    files: tuple[str, ...] = field(default=(), metadata={"digest": False})
    sources: tuple[str, ...] = ()
    share: float = 0.5
    mirrored: float = 0.0
    least_apart_m: float = 0.03
    fps: float = 60.0
    lowpass_hz: float = 6.0
    model: str = field(default="", metadata={"digest": False})


@dataclass(frozen=True, slots=True)
class CrowdConfig:
    """Who else is in the picture, each fully labelled; a crowd far behind is labelled as one."""

    people: dict[str, float] = field(default_factory=lambda: {"1": 0.76, "2": 0.15, "3": 0.06, "4": 0.03})
    pairs: float = 0.3
    everyone: float = 0.5
    background: float = 0.01

    @property
    def alone(self) -> bool:
        """Whether each picture is of one person alone."""
        return self.background == 0 and all(count == "1" for count, share in self.people.items() if share > 0)


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Several pictures of one instant or of one movement."""

    views: int = 1
    frames: int = 1
    fps: float = 30.0


@dataclass(frozen=True, slots=True)
class OutputConfig:
    """What is written beside the pictures and their labels."""

    depth: bool = True
    ids: bool = True
    normals: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """A dataset, but for the number of worker processes. Units, ranges and meanings are in data/settings.csv."""

    seed: int = 0
    poses: int = 100
    width: int = 640
    height: int = 480
    poses_per_subject: int = 8
    splits: dict[str, float] = field(default_factory=lambda: {"train": 0.9, "val": 0.1})
    assets: str = "auto"
    shard_size: int = 50
    people: PeopleConfig = PeopleConfig()
    model: ModelConfig = ModelConfig()
    activities: ActivityConfig = ActivityConfig()
    crowd: CrowdConfig = CrowdConfig()
    capture: CaptureConfig = CaptureConfig()
    motion: MotionConfig = MotionConfig()
    wardrobe: WardrobeConfig = WardrobeConfig()
    light: LightConfig = LightConfig()
    backdrop: BackdropConfig = BackdropConfig()
    objects: ObjectsConfig = ObjectsConfig()
    camera: CameraConfig = CameraConfig()
    sensor: SensorConfig = SensorConfig()
    renderer: RendererConfig = RendererConfig()
    output: OutputConfig = OutputConfig()

    def __post_init__(self) -> None:
        if not self.splits or any(not name.replace("-", "").replace("_", "").isalnum() for name in self.splits):
            raise ConfigError(f"'splits' needs names of letters, digits, - and _, got {list(self.splits)}")
        total = sum(self.splits.values())
        if abs(total - 1) > 1e-9:
            raise ConfigError(f"'splits' must add up to 1, got {total:g} from {self.splits}")
        for key, weights in leaves(self):
            grouped = key.endswith((".weights", ".kinds", ".mounts", ".azimuth", ".profile", "crowd.people"))
            if grouped and not sum(weights.values()) > 0:
                raise ConfigError(f"'{key}' has nothing but 0; give at least one a weight, known: {', '.join(weights)}")

    @property
    def take(self) -> int:
        """Pictures of one take: every view of every frame."""
        return self.capture.views * self.capture.frames

    @property
    def digest(self) -> str:
        """sha256 of everything that can change a byte of the dataset."""
        return settings.digest(self)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every setting, groups of names counting as one setting."""
    for f in dataclasses.fields(value):
        inner, dotted = getattr(value, f.name), f"{path}.{f.name}" if path else f.name
        if dataclasses.is_dataclass(inner):
            yield from leaves(inner, dotted)
        else:
            yield dotted, inner


@cache
def rules() -> dict[str, settings.Rule]:
    """What is allowed under each key (data/settings.csv). Groups may only hold the names their default holds, unless
    their choices say "*"."""
    text = (resources.files("synthgen") / "data" / "settings.csv").read_text(encoding="utf-8")
    defaults = dict(leaves(Config()))
    found = {}
    for row in csv.DictReader(text.splitlines()):
        default = defaults.get(row["key"])
        choices = tuple(row["choices"].split("|")) if row["choices"] else ()
        if isinstance(default, dict):
            choices = () if choices == ("*",) else tuple(default)
        low, high = (float(row[k]) if row[k] else None for k in ("low", "high"))
        interval = row["interval"] != "no"
        found[row["key"]] = settings.Rule(row["meaning"], row["unit"], low, high, choices, interval)
    return found


def default_yaml() -> str:
    """The commented defaults: inside an installed wheel, or configs/default.yaml of a checkout."""
    packed = resources.files("synthgen") / "data" / "default.yaml"
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    return (Path(__file__).parents[1] / "configs" / "default.yaml").read_text(encoding="utf-8")


HEADER = """\
# Every setting of a dataset with its default, unit and allowed range. Written by synthgen.config.commented_yaml.
# A file of your own needs only what differs: synthgen render --config mine.yaml; one setting: --set people.female=1
# Two numbers in brackets are lowest and highest of what is drawn. In a group of weights, names left out are not drawn.
"""


def commented_yaml(config: Any, path: str = "") -> str:
    """A config as YAML with meaning, unit and range beside each key; the text of configs/default.yaml."""
    lines, pad = [] if path else [HEADER], "  " * (path.count(".") + bool(path))
    for f in dataclasses.fields(config):
        value, dotted = getattr(config, f.name), f"{path}.{f.name}" if path else f.name
        if dataclasses.is_dataclass(value):
            doc = (type(value).__doc__ or "").strip().splitlines()[0].rstrip(".")
            lines += ["", f"{pad}# {doc}", f"{pad}{f.name}:", commented_yaml(value, dotted).rstrip("\n")]
            continue
        rule = rules().get(dotted, settings.Rule())
        choices = "" if isinstance(value, dict) else " | ".join(rule.choices)
        allowed = ", ".join(fact for fact in (rule.unit, settings.bounds(rule), choices) if fact)
        comment = f"  # {rule.meaning}" + (f" ({allowed})" if allowed else "")
        if isinstance(value, dict) and value:
            lines.append(f"{pad}{f.name}:{comment}")
            lines += [f"{pad}  {name}: {_yaml(item)}" for name, item in value.items()]
        else:
            lines.append(f"{pad}{f.name}: {_yaml(value)}{comment}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    return json.dumps(settings.to_plain(value))


def check_takes(config: Config) -> Config:
    """The config itself. ConfigError where views and frames do not fill its pictures and its subjects evenly."""
    for key in ("poses", "poses_per_subject"):
        if getattr(config, key) % config.take:
            raise ConfigError(
                f"'{key}' is {getattr(config, key)}; with {config.capture.views} views of "
                f"{config.capture.frames} frames it must be a multiple of {config.take}"
            )
    return config


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Defaults, then a YAML file, then "a.b=value" texts.

    Raises ConfigError where the file cannot be read, or a key is unknown, of the wrong type or out of range.
    """
    data: Any = {}
    if path is not None:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ConfigError(f"cannot read the config file {path}: {reason}") from None
        data = settings.parse_yaml(text, str(path))
    reader = settings.Reader(rules())
    return check_takes(reader.override(reader.build(Config, data), overrides))


def config_from_plain(data: Any) -> Config:
    """The inverse of `settings.to_plain`."""
    return settings.Reader(rules()).build(Config, data)


def with_values(config: Config, **values: Any) -> Config:
    """A checked copy: top-level fields replaced as if they came from a file."""
    return settings.Reader(rules()).build(Config, values, "", config)


def diff_configs(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Keys that differ between two configs (or their plain forms): (dotted key, old value, new value).

    Only keys that enter the digest count.
    """
    plain = [settings.digested(c) if dataclasses.is_dataclass(c) else c for c in (old, new)]
    return settings.diff(*plain)


SPLIT_BLOCK = 20  # subjects; within each block every split gets its share as exactly as whole subjects allow


def split_of(config: Config, subject: int) -> str:
    """The split of a subject: depends on the seed, the shares and the subject's number alone.

    Subjects are ranked by hash inside blocks of 20, so that 25 subjects at 0.9/0.1 never leave a split empty, as
    independent draws would for one dataset in fourteen.
    """
    block, row = divmod(subject, SPLIT_BLOCK)
    scores = _split_scores(config.seed, block)
    mine = scores[row]
    place = (sum(s < mine for s in scores) + mine) / SPLIT_BLOCK
    edge = 0.0
    for name, share in config.splits.items():
        edge += share
        if place < edge - 1e-12:
            return name
    return [name for name, share in config.splits.items() if share > 0][-1]


@lru_cache(maxsize=64)  # everyone of a block is asked for, at every picture
def _split_scores(seed: int, block: int) -> tuple[float, ...]:
    """Hash in [0, 1) of each subject of a block."""
    words = [hashlib.sha256(f"split/{seed}/{block * SPLIT_BLOCK + k}".encode()).digest() for k in range(SPLIT_BLOCK)]
    return tuple(int.from_bytes(word[:8], "big") / 2**64 for word in words)
