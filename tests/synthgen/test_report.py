"""The page and its data: complete, self-contained, repeatable, every number with its source."""

import collections
import json
import re

import numpy as np
import pytest
from json_schema import problems

from biomech.activities import PoseBatch
from biomech.anatomy import COORDINATES
from biomech.errors import DatasetError
from biomech.geometry import default_geometry
from biomech.limits import load_limits
from biomech.plausibility import Clip, Evidence, Person, assess
from synthgen import report_figures, report_schema
from synthgen.report import CONFIDENCE_MARKS, HTML, JSON, confidence_mark, write_report
from synthgen.report_findings import GROUPS, findings


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(1)
    limits = load_limits()
    q = 0.3 * rng.uniform(limits.typical[:, 0], limits.typical[:, 1], size=(30, len(COORDINATES)))
    q[:, 3:6] = 0.9
    record = {"rejections": 2, "reasons": ("arm <through> chest",) * 2}
    return PoseBatch(q, COORDINATES, ("stand",) * 30, (record,) * 30)


EVIDENCE = Evidence(
    people=tuple(Person(i // 3, "fm"[i % 2], 30.0, 1.7, 0.5) for i in range(30)),
    skeletons=(default_geometry(),),
    skeleton_of=np.zeros(30, int),
    clips=(Clip("bow <1>", 0, 0.02 * np.arange(30)),),
    residuals={"skin_worst": [0.001, 0.002] * 15},
    notes=("nothing & all",),
)


@pytest.fixture
def plain_figures(monkeypatch):
    """Plots take seconds; most laws are about the rest of the page."""
    monkeypatch.setattr(report_figures, "figures", lambda report: collections.defaultdict(str))


SUMMARY = {"folder": "demo", "size_px": [640, 480]}


@pytest.fixture(scope="module")
def full(batch, tmp_path_factory):
    """A page with every section, the report behind it and its folder."""
    report, folder = assess(batch, evidence=EVIDENCE), tmp_path_factory.mktemp("full")
    return write_report(report, folder / HTML, summary=SUMMARY).read_text(encoding="utf-8"), report, folder


def test_the_page_holds_ten_groups_and_needs_nothing_from_outside(full):
    page, report, folder = full
    assert sorted(p.name for p in folder.iterdir()) == sorted((HTML, JSON))
    assert re.findall(r'<h2 id="(\w+)">', page) == [anchor for anchor, _ in GROUPS]
    assert page.count("<svg") == 13  # all figures of report_figures
    assert not re.findall(r"(?:src|href)=\"(?!#)", page.replace("xlink:href", "xlink"))
    assert not re.search(r"@import|url\((?!#)", page) and "@media print" in page
    assert "bow &lt;1&gt;" in page and "arm &lt;through&gt; chest" in page and "nothing &amp; all" in page
    text = re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    assert not re.search(r"\b(nan|inf)\b|\bNone\b(?!\.)", text)
    for anchor in re.findall(r'href="#([\w]+)"', text):
        assert f'id="{anchor}"' in text, anchor


def test_page_and_data_repeat_to_the_byte(full, batch, tmp_path):
    page, _, folder = full
    again = write_report(assess(batch, evidence=EVIDENCE), tmp_path / HTML, summary=SUMMARY)
    assert again.read_text(encoding="utf-8") == page
    assert (tmp_path / JSON).read_bytes() == (folder / JSON).read_bytes()


def test_the_data_fits_the_published_schema(full):
    _, _, folder = full
    assert report_schema.SCHEMA.read_text(encoding="utf-8") == report_schema.text(), (
        "run python -m synthgen.report_schema"
    )
    schema, data = report_schema.schema(), json.loads((folder / JSON).read_text())
    assert problems(data, schema, schema) == []
    del data["report"]["levels"][3]["norms"]
    data["report"]["poses"], data["report"]["stray"] = "30", 1
    assert problems(data, schema, schema) == [
        "$.report.stray is unknown",
        "$.report.poses is str, not integer",
        "$.report.levels[3].norms is missing",
    ]


def test_every_published_number_points_to_a_listed_source(full):
    page, report, _ = full
    listed = set(re.findall(r'<li id="c(\d+)"', page))
    cited = set(re.findall(r'href="#c(\d+)"', page))
    assert cited <= listed and len(listed) == len(report.provenance.citations)
    rows = page[page.index('id="ranges"') : page.index('id="sources"')].count('href="#c')
    assert rows == len(COORDINATES)
    assert page.count(CONFIDENCE_MARKS["recalled"]) > 20


def test_single_poses_say_they_are_no_motion(batch, tmp_path, plain_figures):
    report = assess(batch)
    page = write_report(report, tmp_path / HTML).read_text(encoding="utf-8")
    assert "not a motion" in page and "average adult" in page and "These are single poses" in page
    status = {f.group: f.status for f in findings(report)}
    assert (status["limits"], status["time"], status["fit"]) == ("ok", "none", "none")


def test_a_violation_stands_at_the_top(batch, tmp_path, plain_figures):
    q = batch.q.copy()
    q[4, COORDINATES.index("knee_angle_r")] = np.radians(-30)
    report = assess(PoseBatch(q, COORDINATES, batch.activity))
    page = write_report(report, tmp_path / HTML).read_text(encoding="utf-8")
    verdict = page[page.index('class="verdict bad"') : page.index('class="glance"')]
    assert "1 angle lies" in verdict and "knee_angle_r" in verdict
    assert "−30.0 deg" in verdict and "limit −10.0" in verdict
    said = findings(report)[0]
    assert said.status == "broken" and "knee_angle_r -30.0 deg (limit -10.0, pose 4)" in said.sentence
    assert not json.loads((tmp_path / JSON).read_text())["report"]["ok"]


def test_confidence_marks():
    assert confidence_mark("verified") == CONFIDENCE_MARKS["verified"]
    assert confidence_mark("derived/verified_range") == CONFIDENCE_MARKS["derived"]
    assert confidence_mark("recalled_low_confidence") == CONFIDENCE_MARKS["recalled"]
    assert confidence_mark("") == "?"
    limits = load_limits()
    assert "?" not in {confidence_mark(c) for c in limits.confidence}


def test_where_it_cannot_be_written_it_says_so(full, tmp_path, plain_figures):
    _, report, _ = full
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot write the report"):
        write_report(report, tmp_path / "file" / "sub" / HTML)
    with pytest.raises(DatasetError, match="choose another name"):
        write_report(report, tmp_path / "a.json")
