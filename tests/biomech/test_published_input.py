"""What is not a usable model or map: one clear sentence each."""

import numpy as np
import osim_text
import pytest

from biomech.errors import ModelError
from biomech.motion import Motion
from biomech.published import load_published
from biomech.published_mapping import read_mapping, shipped

GOOD = osim_text.christophy()


def refused(path, *words, mapping=None):
    with pytest.raises(ModelError) as caught:
        load_published(path, mapping)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_files_that_are_no_model(tmp_path):
    refused(tmp_path / "absent.osim", "cannot read", "absent.osim")
    refused(osim_text.write(tmp_path, GOOD[: len(GOOD) // 2]), "cut short")
    refused(osim_text.write(tmp_path, "time\tpelvis\n0\t1\n"), "no XML", "<OpenSimDocument>")
    refused(osim_text.write(tmp_path, "<html><body/></html>"), "<html>", "OpenSim")
    setup = '<OpenSimDocument Version="40000"><InverseKinematicsTool name="x"/></OpenSimDocument>'
    refused(osim_text.write(tmp_path, setup), "InverseKinematicsTool", "no OpenSim <Model>")
    broken = GOOD.replace("/bodyset/sacrum</socket_parent>", "/bodyset/nobody</socket_parent>")
    refused(osim_text.write(tmp_path, broken), "OpenSim cannot load")


def test_a_model_without_a_spine(tmp_path):
    leg = osim_text.column("leg", [("pelvis", osim_text.PELVIS, 0.0), ("femur_r", (), 0.0)])
    refused(osim_text.write(tmp_path, leg), "no spine", "femur_r")


def test_a_spine_of_no_known_family(tmp_path):
    other = osim_text.column(
        "other", [("pelvis", osim_text.PELVIS, 0.0), ("trunk", osim_text.zxy(("a", "b", "c")), 0.0)]
    )
    refused(osim_text.write(tmp_path, other), "no known family", "trunk", "christophy")


def mapped(tmp_path, text):
    return osim_text.write(tmp_path, text, "map.yaml")


def test_a_map_of_ones_own(tmp_path):
    turns = osim_text.zxy(("a", "b", "c"))
    other = osim_text.column("other", [("pelvis", osim_text.PELVIS, 0.0), ("trunk", turns, 0.0)])
    text = "name: mine\nbodies: {S1: pelvis, T12..T1: trunk}\nlevels:\n  L5_S1..T12_L1: [a, b, null]\npelvis: pelvis\n"
    path = osim_text.write(tmp_path, other)
    model = load_published(path, mapped(tmp_path, text))
    assert model.filled.all() and model.mapping.name == "mine"
    levels = model.to_levels(["a"], np.array([[-0.4]])).q.reshape(25, 3)
    assert levels[:17, 0].sum() == pytest.approx(-0.4, abs=1e-3)
    refused(path, "'d'", "it has pelvis_tilt", mapping=mapped(tmp_path, text.replace("[a, b, null]", "[d, b, null]")))
    refused(path, "carried by torso", "it has pelvis", mapping=mapped(tmp_path, text.replace("trunk", "torso")))
    refused(path, "unknown level 'L6_S1'", mapping=mapped(tmp_path, text.replace("L5_S1..", "L6_S1..")))
    twice = text.replace("levels:\n", "levels:\n  L4_L5: [null, null, c]\n")
    refused(path, "twice", "L4_L5", mapping=mapped(tmp_path, twice))
    refused(path, "unknown key 'level'", mapping=mapped(tmp_path, text.replace("levels:", "level:")))
    refused(path, "our model has no coordinate", mapping=mapped(tmp_path, text + "coordinates: {knee_r: a}\n"))
    refused(path, "three coordinates", mapping=mapped(tmp_path, text.replace("[a, b, null]", "a")))
    refused(path, "cannot read the model map", mapping=tmp_path / "absent.yaml")
    refused(path, "not valid YAML", mapping=mapped(tmp_path, "name: [unclosed\n"))
    refused(path, "no model map", mapping=mapped(tmp_path, "- a list\n"))


def test_signs_and_axes_are_tried_out(tmp_path):
    turns = osim_text.zxy(("a", "b", "c"))
    upside = [("a", "0 0 -1", osim_text.line(), (-1, 1)), *turns[1:]]
    text = "name: mine\nlevels:\n  L5_S1: [a, b, c]\n"
    path = osim_text.write(tmp_path, osim_text.column("o", [("pelvis", osim_text.PELVIS, 0.0), ("trunk", upside, 0.0)]))
    refused(path, "the other way", "write -a", mapping=mapped(tmp_path, text))
    model = load_published(path, mapped(tmp_path, text.replace("[a,", "[-a,")))
    assert model.to_levels(["a"], np.array([[0.2]])).q.reshape(25, 3)[:, 0].sum() == pytest.approx(-0.2, abs=1e-3)
    refused(path, "not about the axis of FE", mapping=mapped(tmp_path, text.replace("[a, b, c]", "[b, -a, c]")))
    still = [("a", "0 0 1", osim_text.line(0.0), (-1, 1)), *turns[1:]]
    path = osim_text.write(tmp_path, osim_text.column("o", [("pelvis", osim_text.PELVIS, 0.0), ("trunk", still, 0.0)]))
    refused(path, "does not turn L5_S1", mapping=mapped(tmp_path, text))


def test_values_that_do_not_fit(tmp_path):
    model = load_published(osim_text.write(tmp_path, GOOD))
    with pytest.raises(ModelError, match="none of the columns foo"):
        model.to_levels(["foo"], np.zeros((1, 1)))
    with pytest.raises(ModelError, match="flex_extension of frame 1 is nan"):
        model.to_model(Motion(np.arange(2.0), ("flex_extension",), np.array([[0.0], [np.nan]])))
    with pytest.raises(ModelError, match="flex_extension reaches 30.0 rad.*inDegrees=yes"):
        model.to_levels(["flex_extension"], np.array([[-30.0]]))
    with pytest.raises(ModelError, match="L4_L5_FE reaches 12.0 rad.*degrees read as radians"):
        model.to_levels(["L4_L5_FE"], np.array([[12.0]]))
    model.to_levels(["flex_extension", "pelvis_rotation"], np.array([[0.1, 40.0]]))  # a dancer may turn many times
    with pytest.raises(ModelError, match="2 coordinate names"):
        model.to_levels(["flex_extension", "lat_bending"], np.zeros((1, 3)))


def test_a_circle_of_couplers_is_refused(tmp_path):
    circle = GOOD.replace(
        "</objects></ConstraintSet>",
        osim_text.coupler("L4_L5_FE", "flex_extension", osim_text.line()) + "</objects></ConstraintSet>",
    )
    refused(osim_text.write(tmp_path, circle), "circle")


def test_shipped_maps_read_and_are_told_apart():
    signatures = [frozenset(m.detect) for m in shipped().values() if m.detect]
    assert len(signatures) == len(set(signatures)) >= 8
    assert read_mapping("passenger").levels.keys() >= read_mapping("neck").levels.keys()
    with pytest.raises(ModelError, match="christophy"):
        read_mapping("christophe")
