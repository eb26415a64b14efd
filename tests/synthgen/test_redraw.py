"""Stored scenes drawn again: the same bytes, and what a broken line says."""

import json
import shutil

import pytest
from real_dataset import real_dataset
from typer.testing import CliRunner

from biomech.errors import DatasetError
from synthgen.cli import app
from synthgen.redraw import config_beside, read_specs

KINDS = ("images", "depth", "instances", "parts")


@pytest.fixture(scope="module")
def dataset(assets):
    return real_dataset()


def command(*arguments):
    return CliRunner().invoke(app, ["render", *map(str, arguments)])


def pictures(root):
    files = (p for kind in KINDS for p in (root / kind).rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def test_stored_scenes_give_the_same_bytes(dataset, tmp_path):
    result = command("--specs", dataset / "scenes.jsonl", "--out", tmp_path / "again", "--quiet")
    assert result.exit_code == 0, result.output
    assert pictures(tmp_path / "again") == pictures(dataset)


def test_one_picture_with_the_config_given(dataset, tmp_path):
    lonely = tmp_path / "scenes.jsonl"
    lonely.write_text((dataset / "scenes.jsonl").read_text().splitlines()[1] + "\n")
    refused = command("--specs", lonely, "--out", tmp_path / "again")
    assert refused.exit_code == 2 and "give the dataset's with --config" in refused.output
    given = ("--specs", lonely, "--config", dataset / "config.yaml", "--out", tmp_path / "again", "--index", 1)
    assert command(*given).exit_code == 0
    made = pictures(tmp_path / "again")
    assert len(made) == len(KINDS) and made.items() <= pictures(dataset).items()
    again = command(*given)
    assert again.exit_code == 2 and "is not empty" in again.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line[:-20], "line 2: no JSON"),
        (lambda line: '{"index": 1}', "line 2: no scene"),
        (lambda line: line.replace('"index":1', '"index":0'), "line 2: index 0; each line needs"),
        (lambda line: line.replace('"sensor":', '"censor":'), "line 2: unknown key 'censor'"),
        (lambda line: line.replace('"kind":"', '"kind":["', 1).replace('","margin', '"],"margin', 1), "line 2: "),
    ],
)
def test_a_broken_line_is_named(change, message, dataset, tmp_path):
    lines = (dataset / "scenes.jsonl").read_text().splitlines()
    lines[1] = change(lines[1])
    broken = tmp_path / "scenes.jsonl"
    broken.write_text("\n".join(lines) + "\n")
    shutil.copy(dataset / "config.yaml", tmp_path)
    result = command("--specs", broken, "--out", tmp_path / "again")
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "again").exists()


def test_what_is_not_there(dataset, tmp_path):
    with pytest.raises(DatasetError, match="--index 7: .* holds 0 to 5, 6 scenes"):
        list(read_specs(dataset / "scenes.jsonl", [7]))
    with pytest.raises(DatasetError, match="cannot read the scenes"):
        list(read_specs(tmp_path / "none.jsonl"))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(DatasetError, match="holds no scene"):
        list(read_specs(empty))
    assert "give them with --specs" in command("--index", 1).output


def test_another_size_is_refused(dataset, tmp_path):
    result = command("--specs", dataset / "scenes.jsonl", "--size", "64x48", "--out", tmp_path / "again")
    assert result.exit_code == 2 and "add --size 160x120" in result.output


def test_the_config_beside_is_the_datasets(dataset, tmp_path):
    found = config_beside(dataset / "scenes.jsonl")
    assert (found.width, found.seed) == (160, 11)
    assert json.loads((dataset / "dataset.json").read_text())["config"]["seed"] == 11
    shutil.copy(dataset / "config.yaml", tmp_path)
    assert config_beside(tmp_path / "scenes.jsonl") == found
