import json
import re

import numpy as np
import pytest

from biomech.activities import PoseBatch
from biomech.anatomy import COORDINATES
from biomech.errors import DatasetError
from biomech.limits import load_limits
from biomech.plausibility import assess
from synthgen.report import CONFIDENCE_MARKS, HTML, JSON, confidence_mark, write_report


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(1)
    limits = load_limits()
    q = 0.3 * rng.uniform(limits.typical[:, 0], limits.typical[:, 1], size=(30, len(COORDINATES)))
    q[:, 3:6] = 0.9
    record = {"rejections": 2, "reasons": ("arm <through> chest",) * 2}
    return PoseBatch(q, COORDINATES, ("stand",) * 30, (record,) * 30)


SUMMARY = {"folder": "demo", "size_px": [640, 480], "residuals_m": {"vertebra_centre": [0.001, 0.002]}}


def test_page_and_json_are_written_and_repeat_to_the_byte(batch, tmp_path):
    report = assess(batch)
    first = write_report(report, tmp_path / "a", SUMMARY)
    second = write_report(report, tmp_path / "b", SUMMARY)
    assert first == tmp_path / "a" / HTML
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted((HTML, JSON))
    data = json.loads((tmp_path / "a" / JSON).read_text())
    assert data["report"]["ok"] and data["dataset"]["folder"] == "demo"
    assert data["report"]["residuals"][0]["worst"] == pytest.approx(2.0)
    assert "residuals_m" in SUMMARY  # the caller's dictionary is left alone


def test_page_holds_its_plots_and_needs_nothing_from_outside(batch, tmp_path):
    page = write_report(assess(batch), tmp_path, SUMMARY).read_text(encoding="utf-8")
    assert page.count("<svg") == 5
    assert not re.findall(r"(?:src|href)=\"(?!#)", page.replace("xlink:href", "xlink"))
    assert "vertebra centre" in page and "arm &lt;through&gt; chest" in page
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<svg.*?</svg>", "", page, flags=re.S))


def test_every_limit_points_to_a_listed_source(batch, tmp_path):
    report = assess(batch)
    page = write_report(report, tmp_path).read_text(encoding="utf-8")
    listed = set(re.findall(r'<li id="c(\d+)"', page))
    cited = set(re.findall(r'href="#c(\d+)"', page))
    assert cited <= listed and len(listed) == len(report.provenance["citations"])
    rows = page[page.index('id="ranges"') : page.index('id="provenance"')].count('href="#c')
    assert rows == len(COORDINATES)


def test_a_violation_stands_at_the_top(batch, tmp_path):
    q = batch.q.copy()
    q[4, COORDINATES.index("knee_angle_r")] = np.radians(-30)
    report = assess(PoseBatch(q, COORDINATES, batch.activity))
    page = write_report(report, tmp_path).read_text(encoding="utf-8")
    verdict = page[page.index('class="verdict bad"') : page.index("Every limit carries")]
    assert "knee_angle_r" in verdict and "−30.0 deg" in verdict and "limit −10.0" in verdict
    assert not json.loads((tmp_path / JSON).read_text())["report"]["ok"]


def test_confidence_marks():
    assert confidence_mark("verified") == CONFIDENCE_MARKS["verified"]
    assert confidence_mark("derived/verified_range") == CONFIDENCE_MARKS["derived"]
    assert confidence_mark("recalled_low_confidence") == CONFIDENCE_MARKS["recalled"]
    assert confidence_mark("") == "?"
    limits = load_limits()
    assert "?" not in {confidence_mark(c) for c in limits.confidence}


def test_unwritable_folder_is_one_sentence(batch, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="Cannot write the report"):
        write_report(assess(batch), tmp_path / "file" / "sub")
