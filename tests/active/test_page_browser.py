"""The page in a headless Chromium: what a person does to it, and what is in the project afterwards."""

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")
pytest.importorskip("playwright", reason="the browser tests need playwright: make setup")

from annotation_page import served
from annotation_person import SAVED, drag, edited, go_to, log_in, opened, saved, spot
from annotation_project import person
from playwright.sync_api import expect

from synthgen.keypoints import SPINE_IDS

NOSE, LEFT_WRIST = 0, 9


def test_keyboard_alone(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        before = project.person(1).start
        go_to(page, "lef wri")
        edited(page, "ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft", "1")
        now = project.person(1).corrected
        assert now[LEFT_WRIST, :3] == pytest.approx([before[LEFT_WRIST, 0] + 0.9, before[LEFT_WRIST, 1] + 10, 1])
        untouched = np.delete(np.arange(37), LEFT_WRIST)
        assert np.array_equal(now[untouched], before[untouched])  # to the last digit, by way of the browser
        edited(page, "Tab", "Tab", "0", "z", "z", "Shift+Z")
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-person='2']")
        saved(page)
        assert project.person(1).status == "corrected"
        page.keyboard.press("x")
        page.wait_for_selector("body[data-person='3']")
        page.keyboard.press("i")
        page.keyboard.type("too dark <script>")
        edited(page, "Escape", "b")
        page.wait_for_selector("body[data-person='4']")
        saved(page)
        assert (project.person(2).status, project.person(3).status) == ("flagged", "skipped")
        assert project.person(3).comment == "too dark <script>"
        page.keyboard.press("Shift+N")
        page.wait_for_selector("body[data-person='3']")
        assert page.complaints == []
        assert page.locator("#queue-list b").count() == 0  # a reason is text, whatever it holds


def test_drag_undo_redo_and_reload(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        before = project.person(1).start
        top = max(range(37), key=lambda i: min(np.hypot(*(before[i, :2] - before[j, :2])) for j in range(37) if j != i))
        page.keyboard.press("Shift+F")  # the made-up points lie far from the box
        drag(page, spot(page, top), (40, -20))
        saved(page)
        moved = project.person(1).corrected
        scale = 40 / (moved[top, 0] - before[top, 0])
        assert scale > 1 and moved[top, 1] - before[top, 1] == pytest.approx(-20 / scale, abs=1e-6)
        assert moved[top, 3] == 1  # whoever moves a point vouches for it
        edited(page, "z")
        assert np.array_equal(project.person(1).corrected, before)
        edited(page, "Shift+Z")
        assert np.array_equal(project.person(1).corrected, moved)
        page.reload()
        page.wait_for_selector("body[data-person='1']")
        assert page.get_attribute("body", "data-person") == "1"
        assert project.person(1).revision == max(r.id for r in project.history(1))
        kinds = [r.kind for r in project.history(1)]
        assert kinds == ["model", "teacher", "corrected", "corrected", "corrected"]
        assert page.complaints == []


def test_the_chain_moves_bends_and_snaps(browser, project):
    spine, rest = list(SPINE_IDS), [i for i in range(37) if i not in SPINE_IDS]
    with served(project) as server:
        page = opened(browser, server)
        before = project.person(1).start
        edited(page, "c", "Shift+ArrowRight")
        now = project.person(1).corrected
        assert np.allclose(now[spine, 0], before[spine, 0] + 10) and np.array_equal(now[rest], before[rest])
        edited(page, "z", "s", "Shift+ArrowRight")
        shift = project.person(1).corrected[spine, 0] - before[spine, 0]
        assert shift[0] == pytest.approx(0, abs=1e-9) and shift[-1] == pytest.approx(0, abs=1e-9)
        assert 3 < shift.max() <= 10 and shift.min() > -1e-9
        assert ((shift > 0.01) & (shift < 9.9)).any()  # smoothly, not as a block
        handle = page.locator("#overlay .handle").nth(4).bounding_box()
        drag(page, (handle["x"] + 10, handle["y"] + 10), (30, 0))
        saved(page)
        bent = project.person(1).corrected
        assert bent[spine[-1], 0] > before[spine[-1], 0] + 1 and bent[spine[0], 0] == before[spine[0], 0]
        page.keyboard.press("p")
        page.locator("#hint", has_text="spine").wait_for(state="attached")
        saved(page)
        assert np.array_equal(project.person(1).corrected[rest], before[rest])
        assert page.complaints == []


def test_a_missing_point_is_added_by_a_click(browser, project):
    points = person(5)
    points[NOSE] = 0
    project.save(1, points, "anna", 0, status="queued")
    with served(project) as server:
        page = opened(browser, server)
        go_to(page, "nose")
        page.keyboard.press("Shift+F")
        box = page.locator("#stage").bounding_box()
        corners = [(box["x"] + 12, box["y"] + 12), (box["x"] + 12, box["y"] + box["height"] - 12)]
        spots = np.array([spot(page, i) for i in range(1, 37)])
        page.mouse.click(*max(corners, key=lambda corner: np.hypot(*(spots - corner).T).min()))
        page.wait_for_selector("[data-command=undo]:not([disabled])")
        saved(page)
        nose = project.person(1).corrected[NOSE]
        assert nose[2] == 2 and nose[3] == 1 and nose[:2].any()
        assert np.array_equal(project.person(1).corrected[1:], points[1:])


def test_a_lost_connection_loses_nothing(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        before = project.person(1).start
        go_to(page, "9")
        server.stop()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("#saved[data-state=offline]")
        assert "connection lost" in page.inner_text("#saved")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("Object.keys(localStorage).length") == 1
        assert project.person(1).corrected is None
        server.start()
        page.click("#saved")
        saved(page)
        assert project.person(1).corrected[LEFT_WRIST, 0] == pytest.approx(before[LEFT_WRIST, 0] + 2)
        assert page.evaluate("Object.keys(localStorage).length") == 0


def test_edits_kept_in_the_browser_outlive_the_page(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        before = project.person(1).start
        go_to(page, "9")
        page.route(
            "**/api/people/1", lambda route: route.abort() if route.request.method == "PUT" else route.continue_()
        )
        page.keyboard.press("ArrowUp")
        page.wait_for_selector("#saved[data-state=offline]")
        again = page.context.new_page()
        page.close(run_before_unload=False)
        again.goto(server.url)
        again.wait_for_selector("body[data-person='1']")
        again.wait_for_selector(SAVED)
        assert project.person(1).corrected[LEFT_WRIST, 1] == pytest.approx(before[LEFT_WRIST, 1] - 1)


def test_two_annotators_see_both_versions_and_choose(browser, project):
    with served(project, passwords=True) as server:
        anna = log_in(browser, server, "anna")
        ben = log_in(browser, server, "ben")
        assert anna.get_attribute("body", "data-person") == "1"
        assert ben.get_attribute("body", "data-person") == "2"  # anna's lease is respected
        before = project.person(1).start
        anna.wait_for_selector("body[data-settled='1']")
        theirs = before.copy()
        theirs[NOSE, 0] += 7
        project.save(1, theirs, "ben", 0, status="queued")
        go_to(anna, "nose")
        anna.keyboard.press("ArrowUp")
        anna.wait_for_selector("dialog.conflict[open]")
        assert anna.locator("dialog .miniature").count() == 2 and "ben" in anna.inner_text("dialog")
        anna.click("#keep-mine")
        saved(anna)
        mine = before[NOSE, :2] + [0, -1]
        assert np.allclose(project.person(1).corrected[NOSE, :2], mine)
        assert [r.author for r in project.history(1)][2:] == ["ben", "anna"]
        anna.wait_for_selector("body[data-settled='1']")
        newer = project.person(1).corrected
        newer[LEFT_WRIST, 0] += 9
        project.save(1, newer, "ben", project.person(1).revision, status="queued")
        anna.wait_for_selector("dialog", state="hidden")
        go_to(anna, "head")
        anna.keyboard.press("ArrowUp")
        anna.wait_for_selector("dialog.conflict[open]")
        anna.click("#take-theirs")
        saved(anna)
        assert np.array_equal(project.person(1).corrected, newer)
        ben.click("[data-person='1']")
        ben.wait_for_selector("#banner:not([hidden])")
        assert "anna" in ben.inner_text("#banner")
        count = len(project.history(1))
        ben.keyboard.press("Tab")
        ben.keyboard.press("ArrowLeft")
        assert len(project.history(1)) == count
        assert anna.complaints == ben.complaints == []


def test_a_reviewer_accepts(browser, project):
    project.save(1, person(1), "anna", 0)
    with served(project, passwords=True) as server:
        page = log_in(browser, server, "rita")
        assert page.get_attribute("body", "data-person") == "1"
        assert page.inner_text("[data-command=done]").startswith("accept")
        page.focus("#stage")
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-person='2']")
        saved(page)
        assert project.person(1).status == "reviewed"


def test_ones_own_corrections_are_not_offered_again_for_review(browser, project):
    project.save(1, person(1), "rita", 0)
    project.save(2, person(2), "rita", 0)
    with served(project, passwords=True) as server:
        page = log_in(browser, server, "rita")
        assert page.get_attribute("body", "data-person") == "3"  # the second batch, not her own first one
        page.focus("#stage")
        for number in ("4", None):
            page.keyboard.press("Enter")
            if number:
                page.wait_for_selector(f"body[data-person='{number}']")
        page.locator("#hint", has_text="the queue is done").wait_for(state="attached")
        saved(page)
        assert [project.person(i).status for i in (1, 2, 3, 4)] == ["corrected"] * 4


@pytest.mark.parametrize(("width", "height", "scale"), [(640, 400, 2), (820, 1180, 1), (1024, 640, 1.25)])
def test_everything_is_within_reach_when_the_page_is_small(browser, project, width, height, scale):
    with served(project) as server:
        page = opened(browser, server, device_scale_factor=scale)
        page.set_viewport_size({"width": width, "height": height})
        for selector in ("#tools button", "#actions button", "#saved", "#stage", "#looks button"):
            for node in page.locator(selector).all():
                box = node.bounding_box()
                assert box and box["x"] >= 0 and box["y"] >= 0, selector
                assert box["x"] + box["width"] <= width + 0.5 and box["y"] + box["height"] <= height + 0.5, selector
        assert page.locator("#stage").bounding_box()["height"] > 0.4 * height
        if width <= 1020:
            page.click("#show-panel")
            expect(page.locator("#why")).to_be_in_viewport()


def test_fingers_zoom_and_drag(browser, project):
    with served(project) as server:
        page = opened(browser, server, has_touch=True)
        before = project.person(1).start
        scale = "document.querySelector('#picture').style.transform.match(/scale\\(([\\d.]+)\\)/)[1] * 1"
        start = page.evaluate(scale)
        touch = page.context.new_cdp_session(page)

        def fingers(kind, *spots):
            points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(spots)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", (500, 300), (600, 300))
        fingers("touchMove", (450, 300), (650, 300))
        fingers("touchEnd")
        assert page.evaluate(scale) == pytest.approx(2 * start, rel=0.05)
        page.keyboard.press("Shift+F")
        x, y = spot(page, NOSE)
        fingers("touchStart", (x, y))
        fingers("touchMove", (x + 20, y))
        fingers("touchMove", (x + 40, y))
        fingers("touchEnd")
        page.wait_for_selector("[data-command=undo]:not([disabled])")
        saved(page)
        moved = np.abs(project.person(1).corrected[:, :2] - before[:, :2]).max(1)
        assert (moved > 0).sum() == 1
