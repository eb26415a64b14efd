"""Settings are strict, commented, and have a digest that means something."""

import dataclasses
import re
from collections import Counter

import pytest
import yaml

from biomech.errors import ConfigError
from synthgen import settings
from synthgen.config import (
    Config,
    commented_yaml,
    config_from_plain,
    default_yaml,
    diff_configs,
    leaves,
    load_config,
    rules,
    split_of,
    with_values,
)


def test_default_yaml_holds_the_defaults_with_a_comment_each():
    assert default_yaml() == commented_yaml(Config())
    assert config_from_plain(yaml.safe_load(default_yaml())) == Config()
    for line in default_yaml().splitlines():
        member = re.match(r"\s{2,}\w+: [\d.]+$", line) or re.match(r"\s{6,}\w+: \[[-\d., ]+\]$", line)
        if re.match(r"\s*\w+: ?\S", line) and not member:
            assert "  # " in line, line


def test_every_setting_has_a_rule_with_a_meaning_and_the_rules_name_settings():
    keys = [key for key, _ in leaves(Config())]
    assert sorted(rules()) == sorted(keys)
    for key, value in leaves(Config()):
        rule = rules()[key]
        values = value.values() if isinstance(value, dict) else [value]
        numbers = [v for v in values if type(v) in (int, float) or (type(v) is tuple and v)]  # () is a list of names
        assert rule.meaning or rule.unit, key
        assert not numbers or (rule.low is not None and (rule.high is not None)), f"{key} needs a range"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pose=1", "unknown key 'pose'; did you mean 'poses'?"),
        ("people.agee=[1,2]", "unknown key 'people.agee'; did you mean 'age'?"),
        ("poses=0", "'poses' is 0; allowed: 1 to"),
        ("poses=1.5", "'poses' must be a whole number"),
        ("poses=true", "'poses' must be a whole number"),
        ("width=wide", "'width' must be a whole number (px), got \"wide\""),
        ("people.age=[80, 20]", "an empty range"),
        ("people.age=[1, 2, 3]", "must have 2 values"),
        ("people.age=[1, 20]", "'people.age[0]' is 1"),
        ("people.age=30", "must be a list"),
        ("people.female=.nan", "must be finite"),
        ("people=3", "must be a group of keys"),
        ("people.age.low=3", "has no keys below it"),
        ("output.depth=1", "must be true or false"),
        ("assets=ful", "did you mean 'full'?"),
        ("splits.test=0.5", "must add up to 1"),
        ("splits={}", "needs names"),
        ("splits={a/b: 1}", "needs names"),
        ("activities.weights.flying=1", "unknown key 'activities.weights.flying'"),
        ("poses", "write key=value"),
        ("poses=[1", "not valid YAML"),
    ],
)
def test_wrong_settings_are_named(setting, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(overrides=[setting])


def test_files(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("poses: 7\npeople:\n  age: [20, 30]\n")
    config = load_config(path, ["people.female=1e-1", "poses=9"])
    assert (config.poses, config.people.age, config.people.female) == (9, (20.0, 30.0), 0.1)
    path.write_text("people:\n  agee: [20, 30]\n")
    with pytest.raises(ConfigError, match="unknown key 'people.agee'; did you mean 'age'"):
        load_config(path)
    path.write_text("poses: 7\nposes: 8\n")
    with pytest.raises(ConfigError, match="line 2: the key 'poses' is given twice"):
        load_config(path)
    path.write_text("poses: [7\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_config(path)
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="must be a group of keys"):
        load_config(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a text file"):
        load_config(path)
    with pytest.raises(ConfigError, match="cannot read the config file"):
        load_config(tmp_path / "absent.yaml")
    path.write_text("")
    assert load_config(path) == Config()


def test_round_trip_and_digest():
    config = load_config(overrides=["poses=5", "people.age=[20,30]"])
    again = config_from_plain(yaml.safe_load(yaml.safe_dump(settings.to_plain(config))))
    assert again == config and again.digest == config.digest
    assert config.digest != Config().digest
    assert diff_configs(Config(), config) == [("people.age", [5.0, 90.0], [20.0, 30.0]), ("poses", 100, 5)]
    assert diff_configs(config, config) == []
    assert with_values(config, poses=6).poses == 6
    with pytest.raises(ConfigError):
        with_values(config, poses=0)


def test_fields_outside_the_digest():
    @dataclasses.dataclass(frozen=True)
    class Toy:
        a: int = 1
        b: int = dataclasses.field(default=2, metadata={"digest": False})

    assert settings.digest(Toy(b=5)) == settings.digest(Toy()) != settings.digest(Toy(a=5))


def test_other_kinds_of_fields():
    @dataclasses.dataclass(frozen=True)
    class Toy:
        maybe: float | None = None
        many: tuple[int, ...] = ()
        pair: tuple[float, float] = (1.0, 0.0)

    reader = settings.Reader({"pair": settings.Rule(interval=False)})
    toy = reader.build(Toy, {"maybe": 2, "many": [3, 1, 2], "pair": [4, 1]})
    assert toy == Toy(2.0, (3, 1, 2), (4.0, 1.0))
    assert reader.build(Toy, {"maybe": None}).maybe is None
    with pytest.raises(ConfigError, match=r"many\[1\]"):
        reader.build(Toy, {"many": [1, "x"]})


def test_splits_are_by_subject_and_stable():
    config = Config()
    first = [split_of(config, s) for s in range(400)]
    assert first == [split_of(with_values(config, poses=7), s) for s in range(400)]
    assert Counter(first) == {"train": 360, "val": 40}
    assert first != [split_of(with_values(config, seed=1), s) for s in range(400)]
    assert all(split_of(with_values(config, splits={"all": 1.0}), s) == "all" for s in range(40))
    only = with_values(config, splits={"none": 0.0, "all": 1.0})
    assert all(split_of(only, s) == "all" for s in range(40))


@pytest.mark.parametrize("seed", range(20))
def test_25_subjects_never_leave_a_tenth_empty(seed):
    config = with_values(Config(), seed=seed)
    assert 1 <= sum(split_of(config, s) == "val" for s in range(25)) <= 5
