"""The bench: which engines there are, that they draw the same people, and how its figures are shown."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from synthgen.bench import drawing, table
from synthgen.bench.drawing import compare
from synthgen.bench.host import Cost
from synthgen.bench.peer import BARE, OWN, PEERS, Peer, Shot
from synthgen.bench.stages import Rate
from synthgen.bench.subject import bench_config, draw_scenes, moves
from synthgen.cli import app

SIZE = (160, 120)
ABSENT = replace(BARE, key="absent", name="an absent one", package="no_such_package_of_ours", wanted="pip install it")


@pytest.fixture(scope="module")
def scenes(assets):
    return draw_scenes(bench_config(SIZE, 2, 1, "room", 0))


@pytest.fixture(scope="module")
def found(scenes):
    pytest.importorskip("moderngl", reason="moderngl is not installed; run make setup")
    return compare([OWN, BARE, ABSENT], scenes, 2)


def test_a_walk_moves_people_and_nothing_else(scenes):
    people = {part.key for part in scenes[0].parts if part.instance_id > 0}
    assert moves(scenes) <= people and len(moves(scenes)) >= 3
    assert all(part.material.texture is None or part.uv is not None for part in scenes[0].parts)


def test_engines_draw_the_same_person_in_the_same_place(found):
    ours, bare, _ = found.rows
    assert ours.ratio == pytest.approx(1.0) and ours.pictures == 2
    assert bare.silhouette > 0.995 and bare.depth_mm < 1.0
    assert found.shots["moderngl"].people.sum() > 0.01 * SIZE[0] * SIZE[1]
    assert table.drawing_lines(found, "it", notes=False)[-1].startswith("  bare moderngl needs ")


def test_an_absent_engine_is_listed_with_the_way_to_get_it(found):
    lines = table.drawing_lines(found, "it", notes=True)
    (line,) = [line for line in lines if "an absent one" in line]
    assert "not installed: pip install it" in line
    assert not any("an absent one: gives" in line for line in lines)


def test_an_engine_that_fails_is_a_row_and_not_the_end(scenes):
    broken = replace(OWN, key="broken", name="a broken one", opens="synthgen.bench.no_such_module:open")
    rows = compare([broken], scenes, 2).rows
    assert not rows[0].drew and rows[0].version.startswith("failed: ModuleNotFoundError")


def test_an_engine_whose_process_ends_is_a_row(scenes):
    gone = Peer("gone", "gone", "ctypes:string_at", "", "", "", "")  # reads memory at the address 160
    rows = compare([gone], scenes, 2).rows
    assert not rows[0].drew and "ended by itself" in rows[0].version


def test_ratios_are_of_the_same_round_and_a_median():
    def seat(key, costs):
        host = type("Idle", (), {"description": "llvmpipe"})()
        return drawing._Seat(replace(OWN, key=key), host=host, costs={k: Cost(9.0, c) for k, c in costs.items()})

    ours = seat("raster", {0: 1.0, 1: 2.0, 2: 4.0})
    other = seat("moderngl", {0: 0.5, 1: 1.2, 2: 2.0})
    row = drawing._row(other, ours, by_processor=True)
    assert row.ratio == pytest.approx(0.5) and row.processor_ms == pytest.approx(1200.0)
    assert drawing._row(other, ours, by_processor=False).ratio == pytest.approx(1.0)


def test_overlap_and_depth_compare_pixels_of_people():
    people = np.zeros((4, 4), bool)
    people[:2] = True
    one = Shot(np.zeros((4, 4, 3), np.uint8), np.full((4, 4), 2.0), people)
    half = people.copy()
    half[1] = False
    other = Shot(one.rgb, np.full((4, 4), 2.01), half)
    assert drawing._overlap(other, one) == drawing._overlap(one, other) == pytest.approx(0.5)
    assert drawing._depth_apart(other, one) == pytest.approx(10.0)
    assert drawing._overlap(replace(other, people=None), one) is None


def test_the_table_has_stages_rates_and_plain_data(found):
    stages = {"people": 10.0, "render": 30.0}
    rates = [Rate(1, 48, 10.0, stages), Rate(2, 48, 19.0, stages)]
    lines = table.pipeline_lines(rates, 3000.0)
    assert "  render        30.0 ms    75%" in lines
    assert "  19.00 images/s with 2 workers, 1.90 times one" in lines
    data = json.loads(json.dumps(table.plain(found, rates, 3000.0, "it")))
    assert {row["key"] for row in data["engines"]} == {"raster", "moderngl", "absent"}
    assert data["ratio_of"] in ("processor", "clock") and data["bare_moderngl_share"] > 0


def test_the_sheet_shows_each_picture(found):
    assert table.sheet(found).shape == (SIZE[1], 2 * SIZE[0], 3)


def test_every_engine_says_what_it_gives_and_how_it_differs():
    assert len({peer.key for peer in PEERS}) == len(PEERS)
    assert all(peer.gives and peer.differs for peer in PEERS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engines", "moderngl,foo"], "known are raster"),
        (["--rounds", "1"], "allowed: 2 to 1000"),
        (["--people", "5"], "allowed: 1 to 4"),
        (["--place", "moon"], "choose one of"),
        (["--size", "640"], "write width x height"),
        (["--size", "1x1"], "allowed: 32 to 4096"),
        (["--pictures", "3"], "allowed: 8 to"),
        (["--json", "/dev/null/x.json"], "cannot write"),
    ],
)
def test_a_wrong_option_is_one_sentence(options, said):
    result = CliRunner().invoke(app, ["bench", *options])
    assert result.exit_code == 2 and said in result.output and "Traceback" not in result.output


def test_devices_are_listed():
    result = CliRunner().invoke(app, ["bench", "--devices"])
    assert result.exit_code == 0 and result.output.strip()
