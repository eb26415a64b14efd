"""Every setting of a training run, with unit, range and meaning; strict YAML in, commented YAML out.

configs/spinepose_*.yaml are written by `commented_yaml`; a test keeps them complete.
"""

import csv
import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from biomech.errors import ConfigError
from synthgen import settings
from synthgen.spinepose.augment import AugmentConfig
from synthgen.spinepose.sources import SourceConfig


def beside(default: Any) -> Any:
    """A setting that changes speed, place or logging, never the result: it may differ when a run is resumed."""
    return field(default=default, metadata={"digest": False})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The network."""

    arch: str = "s"
    input_size: tuple[int, int] = (192, 256)
    init: str = ""
    heatmaps: bool = True


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What is learnt from and measured on."""

    sources: dict[str, SourceConfig] = field(default_factory=dict)
    val: dict[str, SourceConfig] = field(default_factory=dict)
    use: str = "all"
    body_share: float = 0.25
    workers: int = beside(1)
    store: str = beside("out/store")
    store_gb: float = beside(8.0)


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """How long, and how fast."""

    epochs: int = 20
    epoch_size: int = 0
    batch: int = 32
    late_epochs: int = 4
    lr: float = 2e-3
    trunk_lr: float = 0.0
    frozen_share: float = 0.0
    learn_from_stride: int = 0
    weight_decay: float = 0.05
    warmup_steps: int = 200
    warmup_start: float = 0.001
    flat_share: float = 0.5
    final_lr: float = 0.05
    clip: float = 35.0


@dataclass(frozen=True, slots=True)
class LossConfig:
    """Weights of the terms; 0 switches one off."""

    position: float = 1.0
    distillation: float = 2.5
    structure: float = 0.1
    smoothness: float = 0.5
    heatmap: float = 1.0


@dataclass(frozen=True, slots=True)
class TeacherConfig:
    """Whose knowledge of bodies is distilled."""

    backend: str = "none"
    path: str = ""
    views: int = 0
    cache: str = beside("")


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The machine, and what is written down."""

    device: str = beside("auto")
    precision: str = "auto"
    channels_last: bool = beside(True)
    threads: int = beside(0)
    log_every: int = beside(20)
    save_every: int = beside(0)
    tensorboard: bool = beside(True)
    overlays: int = beside(8)


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """Measuring while training."""

    every: int = beside(1)
    limit: int = beside(500)
    flip_test: bool = beside(False)
    best_by: str = "spine"


# The second stage sees milder pictures, as RTMPose's last epochs do.
LATE = AugmentConfig(scale=(0.75, 1.25), rotation_deg=60.0, shift=0.0, shift_share=0.0, dropout=0.25, occluder=0.1)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A training run. Units, ranges and meanings are in data/train_settings.csv."""

    seed: int = 0
    out: str = beside("out/spinepose")
    model: ModelConfig = ModelConfig()
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = AugmentConfig()
    late: AugmentConfig = LATE
    schedule: ScheduleConfig = ScheduleConfig()
    ema: float = 2e-4
    loss: LossConfig = LossConfig()
    teacher: TeacherConfig = TeacherConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    run: RunConfig = RunConfig()

    def training_sources(self) -> dict[str, SourceConfig]:
        """The sources that `data.use` leaves. ConfigError where that is none."""
        kept = {n: s for n, s in self.data.sources.items() if self.data.use in ("all", s.kind)}
        if not kept:
            have = ", ".join(f"{n} ({s.kind})" for n, s in self.data.sources.items()) or "none is given"
            raise ConfigError(f"'data.use' is {self.data.use} but no source of that kind is in 'data.sources': {have}")
        return kept


class _Rules(dict):
    """Rules by dotted key, where `data.sources.*.x` stands for every source, trained or measured on."""

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return self[key]
        parts = key.split(".")
        if len(parts) == 4 and parts[:2] in (["data", "sources"], ["data", "val"]):
            return super().get(f"data.sources.*.{parts[3]}", default)
        if parts[0] == "late":  # the same settings as the first stage's
            return super().get(".".join(["augment", *parts[1:]]), default)
        return default


@cache
def rules() -> _Rules:
    """What is allowed under each key."""
    text = (resources.files("synthgen.spinepose") / "data" / "train_settings.csv").read_text(encoding="utf-8")
    found = _Rules()
    for row in csv.DictReader(text.splitlines()):
        choices = () if row["choices"] in ("", "*") else tuple(row["choices"].split("|"))
        low, high = (float(row[k]) if row[k] else None for k in ("low", "high"))
        found[row["key"]] = settings.Rule(row["meaning"], row["unit"], low, high, choices, row["interval"] != "no")
    return found


def load_train_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> TrainConfig:
    """Defaults, then a YAML file, then "a.b=value" texts; one field of a source is "data.sources.NAME.weight=2".

    Raises:
        ConfigError: the file cannot be read, or a key is unknown, of the wrong type or out of range.
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
    config = reader.build(TrainConfig, data, "", TrainConfig())
    for text in overrides:
        config = reader.override(config, [_whole_group(config, text)])
    _check(config)
    return config


def _check(config: TrainConfig) -> None:
    """What only shows once every setting is in its place."""
    if any(side % 32 for side in config.model.input_size):
        raise ConfigError(f"'model.input_size' must be multiples of 32, got {list(config.model.input_size)}")
    if config.schedule.learn_from_stride not in (0, 4, 8, 16, 32):
        raise ConfigError(
            f"'schedule.learn_from_stride' is {config.schedule.learn_from_stride}; allowed: 0, 4, 8, 16, 32"
        )
    if config.teacher.backend in ("onnx", "checkpoint") and not config.teacher.path:
        raise ConfigError(f"'teacher.path' is empty; give the file of the {config.teacher.backend} teacher")


def train_config_from_plain(data: Any) -> TrainConfig:
    """The inverse of `settings.to_plain`."""
    return settings.Reader(rules()).build(TrainConfig, data)


def changed_keys(old: dict, new: TrainConfig) -> list[tuple[str, Any, Any]]:
    """(key, then, now) of settings that shape the result and differ from a run's recorded ones (plain data)."""
    return settings.diff(settings.digested(train_config_from_plain(old)), settings.digested(new))


def _whole_group(config: TrainConfig, text: str) -> str:
    """ "data.sources.NAME[.key]=value" as an assignment of the whole group, which is what the reader understands."""
    dotted, equals, raw = text.partition("=")
    parts = dotted.strip().split(".")
    if equals and not raw.strip():
        text, raw = f"{dotted}=''", "''"  # "data.store=" means no store, where YAML would say null
    if not equals or len(parts) < 3 or parts[0] != "data" or parts[1] not in ("sources", "val"):
        return text
    value = settings.parse_yaml(raw, f"value of '{dotted.strip()}'")
    group = settings.to_plain(getattr(config.data, parts[1]))
    name = parts[2]
    group[name] = {**group.get(name, {}), ".".join(parts[3:]): value} if parts[3:] else value
    group = {n: v for n, v in group.items() if v is not None}  # data.sources.NAME=null takes one out
    return f"data.{parts[1]}={json.dumps(group)}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every setting; sources count as one."""
    for f in dataclasses.fields(value):
        inner, dotted = getattr(value, f.name), f"{path}.{f.name}" if path else f.name
        if dataclasses.is_dataclass(inner):
            yield from leaves(inner, dotted)
        else:
            yield dotted, inner


def commented_yaml(config: Any, about: str = "", path: str = "") -> str:
    """A config as YAML with meaning, unit and range beside each key; the text of configs/spinepose_*.yaml."""
    depth = path.count(".") + bool(path)
    pad = "  " * depth
    lines = [f"# {line}".rstrip() for line in about.splitlines()] + [""] if about else []
    for f in dataclasses.fields(config):
        value, dotted = getattr(config, f.name), f"{path}.{f.name}" if path else f.name
        if dataclasses.is_dataclass(value):
            doc = "The same in the last epochs" if dotted == "late" else (type(value).__doc__ or "").strip().rstrip(".")
            lines += ["", f"{pad}# {doc}", f"{pad}{f.name}:", commented_yaml(value, "", dotted).rstrip("\n")]
        elif isinstance(value, dict):
            lines.append(f"{pad}{f.name}:{_comment(dotted)}" + ("" if value else "\n" + pad + "  {}"))
            for name, source in value.items():
                lines.append(f"{pad}  {name}:")
                inner = commented_yaml(source, "", f"{dotted}.{name}").rstrip("\n").splitlines()
                lines += [f"{pad}    {line.strip()}" for line in inner]
        else:
            lines.append(f"{pad}{f.name}: {json.dumps(settings.to_plain(value))}{_comment(dotted)}")
    return "\n".join(lines).strip("\n") + "\n"


def _comment(dotted: str) -> str:
    rule = rules().get(dotted, settings.Rule())
    allowed = ", ".join(t for t in (rule.unit, settings.bounds(rule), " | ".join(rule.choices)) if t)
    return f"  # {rule.meaning}" + (f" ({allowed})" if allowed else "")
