"""synthgen model inspect and build, and datasets that move like a published model."""

import json

import osim_text
import pytest
from typer.testing import CliRunner

from biomech.anatomy import LEVELS
from biomech.errors import ConfigError, DatasetError, ModelError
from biomech.limits import load_limits
from synthgen.cli import app
from synthgen.config import load_config
from synthgen.folder import claim, identity
from synthgen.published import in_runs, model_record, model_summary, moving_like, open_model


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture(scope="module")
def osim(tmp_path_factory):
    return osim_text.write(tmp_path_factory.mktemp("osim"), osim_text.christophy(0.6))


def test_inspect_says_what_is_there(osim):
    shown = run("model", "inspect", osim, "--seconds", "0.02")
    assert shown.exit_code == 0, shown.output
    for text in (
        "Christophy",
        "L4_L5_FE",
        "flex_extension (FE, coupled)",
        "L5_S1 0.400",
        "T12_L1 to C0_C1",
        "assemble",
    ):
        assert text in shown.output
    data = json.loads(run("model", "inspect", osim, "--seconds", "0", "--json").output)
    assert data["filled"] == list(LEVELS[5:]) and data["speed"]["assemble"] == 0.0


def test_inspect_refuses_in_one_sentence(tmp_path):
    shown = run("model", "inspect", osim_text.write(tmp_path, "<a/>"))
    assert shown.exit_code == 2 and shown.output.startswith("error: ") and shown.output.count("\n") == 1


def test_build_writes_a_model_that_opens(tmp_path):
    out = tmp_path / "made" / "her.osim"
    words = ("model", "build", out, "--stature", "1.62", "--sex", "f", "--age", "70")
    shown = run(*words, "--profile", "elder")
    assert shown.exit_code == 0, shown.output
    inspected = json.loads(run("model", "inspect", out, "--seconds", "0", "--json").output)
    assert inspected["family"] == "synthgen" and not inspected["filled"]
    young = tmp_path / "young.osim"
    assert run("model", "build", young, "--age", "25", "--profile", "athlete").exit_code == 0
    other = json.loads(run("model", "inspect", young, "--seconds", "0", "--json").output)
    assert inspected["levels"][3]["low_deg"] > other["levels"][3]["low_deg"]  # the elder's L4_L5 bends less
    again = run(*words)
    assert again.exit_code == 2 and "there already" in again.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--stature", "162"), "not cm"),
        (("--sex", "x"), "wanted 'm' or 'f'"),
        (("--profile", "nobody"), "known ones are"),
        (("--age", "-3"), "-3"),
    ],
)
def test_build_refuses_people_that_do_not_exist(tmp_path, words, said):
    shown = run("model", "build", tmp_path / "x.osim", *words)
    assert shown.exit_code == 2 and said in shown.output and not (tmp_path / "x.osim").exists()


def test_build_into_a_place_that_is_none(tmp_path):
    (tmp_path / "file").write_text("x")
    shown = run("model", "build", tmp_path / "file" / "x.osim")
    assert shown.exit_code == 2 and "file is no folder" in shown.output and len(shown.output.splitlines()) == 1


def test_without_a_model_nothing_changes():
    config = load_config()
    assert open_model(config.model) is None and model_record(config.model) == {} and model_summary({}) == {}
    limits = load_limits()
    assert moving_like(None, limits) is limits


def test_a_dataset_records_its_model(osim, tmp_path):
    config = load_config(overrides=[f"model.file={osim}"])
    record = identity(config, "")["model"]
    assert record["name"] == "small_christophy" and record["own_rhythm"] == list(LEVELS[:5])
    assert record["filled"] == list(LEVELS[5:])
    assert "T12_L1 to C0_C1" in " ".join(model_summary({"model": record}).values())
    claim(tmp_path / "out", identity(config, ""), fresh=False)
    osim.write_text(osim_text.christophy(0.5), encoding="utf-8")
    with pytest.raises(DatasetError, match="model: another file"):
        claim(tmp_path / "out", identity(config, ""), fresh=False)


def test_bad_settings(tmp_path):
    with pytest.raises(ConfigError, match=r"without a model"):
        open_model(load_config(overrides=["model.mapping=christophy"]).model)
    with pytest.raises(ModelError, match="cannot read"):
        open_model(load_config(overrides=["model.file=absent.osim"]).model)


def test_runs_of_levels():
    assert in_runs(["L5_S1", "L4_L5", "C0_C1"]) == "L5_S1 to L4_L5, C0_C1"
    assert in_runs([]) == ""
