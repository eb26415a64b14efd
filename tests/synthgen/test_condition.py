"""Profile and pathology are drawn apart from the person, stored as plain data, and turned into limits and labels."""

import numpy as np
import pytest

from biomech.errors import ConfigError, ModelError
from biomech.limits import load_limits
from biomech.pathology import Pathology, kinds
from synthgen.condition import condition_of, draw_condition, draw_profile, limits_of
from synthgen.config import PathologyConfig, PeopleConfig, load_config
from synthgen.people import draw_subject
from synthgen.sample_types import Condition
from synthgen.settings import Reader, Rule, to_plain
from synthgen.specs import PersonSpec


def drawn(config: PeopleConfig, count: int = 200) -> list:
    return [draw_condition(config, np.random.default_rng([5, n])) for n in range(count)]


def test_nobody_has_one_by_default():
    config = load_config().people
    assert set(drawn(config)) == {None}
    assert {draw_profile(config, np.random.default_rng(n)) for n in range(50)} == {"auto"}


def test_share_weights_and_severity_hold():
    only = dict.fromkeys(kinds(), 0.0) | {"scoliosis_main_thoracic": 1.0, "hyperkyphosis": 3.0}
    config = PeopleConfig(pathology=PathologyConfig(0.5, only, (0.5, 0.6)))
    found = [p for p in drawn(config, 600) if p]
    assert 0.42 < len(found) / 600 < 0.58
    curved = [p for p in found if p.kind == "hyperkyphosis"]
    assert 0.65 < len(curved) / len(found) < 0.85
    assert all(65.0 <= p.severity <= 68.0 for p in curved)
    assert {p.kind for p in found} == {"scoliosis_main_thoracic", "hyperkyphosis"}
    assert drawn(config, 20) == drawn(config, 20)


def person(**rest) -> PersonSpec:
    who = draw_subject(PeopleConfig(age=(70.0, 71.0)), np.random.default_rng(1))
    return PersonSpec(who, None, **rest)  # type: ignore[arg-type]


def test_limits_are_those_of_profile_and_pathology():
    table = load_limits()
    assert limits_of(person()) is table  # specs stored before there were profiles
    own = limits_of(person(profile="auto"))
    assert np.ptp(own.regional_hard[0]) < 0.85 * np.ptp(table.regional_hard[0])
    fused = limits_of(person(profile="auto", pathology=Pathology("fused_lumbar", 2)))
    assert np.abs(fused.spine_hard[:2]).max() < np.deg2rad(0.5)
    assert np.array_equal(fused.spine_hard[2:], own.spine_hard[2:])


def test_a_pathology_is_plain_data():
    pathology = Pathology("scoliosis_double_major", 33.25, "left")
    plain = to_plain(pathology)
    assert plain == {"kind": "scoliosis_double_major", "severity": 33.25, "side": "left"}
    reader = Reader(default=Rule(interval=False))
    assert reader.build(Pathology, plain) == pathology
    with pytest.raises(ModelError, match="wanted 10 to 70 deg"):
        reader.build(Pathology, {**plain, "severity": 400})


def test_labels_say_what_was_asked_and_what_is_there():
    assert condition_of("auto", None, None) == Condition("auto")
    found = condition_of("elder", Pathology("flat_back", 3.0), 3.01)
    assert found == Condition("elder", "flat_back", 3.0, 3.01)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("people.pathology.severity=[0.5,1.5]", "allowed: 0 to 1"),
        ("people.pathology.severity=[0.9,0.1]", "lower bound first"),
        ("people.pathology.share=2", "allowed: 0 to 1"),
        ("people.pathology.weights.scoliosis=1", "unknown key"),
        ("people.pathology.weights={hyperkyphosis: 0}", "nothing but 0"),
        ("people.profile={gymnast: 1}", "unknown key"),
        ("people.profile={auto: 0}", "nothing but 0"),
    ],
)
def test_bad_settings(setting, said):
    with pytest.raises(ConfigError) as raised:
        load_config(overrides=[setting])
    assert said in str(raised.value)
