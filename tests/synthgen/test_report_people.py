"""Who is in a dataset."""

import pytest

from synthgen.report_people import AGES, TONES, people_summary, tone_of, typology_angle


def person(sex="f", age=30.0, bmi=22.0, color=(0.8, 0.62, 0.5)):
    return {"subject": {"sex": sex, "age": age, "bmi": bmi}, "wardrobe": {"skin_color": list(color)}}


def test_typology_angles_fall_from_light_to_dark():
    colors = [(0.95, 0.82, 0.74), (0.85, 0.68, 0.55), (0.70, 0.52, 0.40), (0.52, 0.36, 0.26), (0.28, 0.18, 0.13)]
    angles = [typology_angle(color) for color in colors]
    assert angles == sorted(angles, reverse=True)
    assert [tone_of(color) for color in colors][0] in ("very light", "light") and tone_of(colors[-1]) == "dark"


def test_typology_angle_of_a_known_colour():
    """sRGB (200, 160, 130): L* 68.7, b* 20.4 by the published conversion, so atan(18.7 / 20.4)."""
    assert typology_angle((200 / 255, 160 / 255, 130 / 255)) == pytest.approx(42.1, abs=1.5)


def test_shares_count_each_person_once():
    people = [person("m", 8.0, 15.0), person("f", 70.0, 33.0, (0.28, 0.18, 0.13)), person("m", 40.0), person("f", 18.0)]
    found = people_summary(people)
    assert found["sex, %"] == {"f": 50.0, "m": 50.0}
    assert found["age in years, %"] == {"5-11": 25.0, "12-17": 0.0, "18-39": 25.0, "40-64": 25.0, "65-90": 25.0}
    assert found["skin tone, %"]["dark"] == 25.0 and sum(found["skin tone, %"].values()) == pytest.approx(100.0)
    builds = found["body mass index of adults in kg/m2, %"]
    assert builds["30-35"] == pytest.approx(33.3) and builds["under 18.5"] == 0.0  # the child is not among them
    assert list(found["skin tone, %"]) == list(TONES) and list(found["age in years, %"]) == list(AGES)


def test_datasets_without_a_mass_or_without_people():
    assert people_summary([]) == {}
    assert "body mass index of adults in kg/m2, %" not in people_summary([person(bmi=0.0)])
