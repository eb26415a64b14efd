"""Adding somebody in a headless Chromium: a box is drawn, points come, undo takes the person back but keeps them."""

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")
pytest.importorskip("playwright", reason="the browser tests need playwright: make setup")

from annotation_page import served
from annotation_person import SAVED, edited, opened, saved
from annotation_project import SIZE

ADDED = 5  # number of the person who comes fifth


def on_page(page, x: float, y: float) -> tuple[float, float]:
    """Where a corner of a pixel of the picture lies on the page."""
    box = page.locator("#picture").bounding_box()
    return box["x"] + x * box["width"] / SIZE[1], box["y"] + y * box["height"] / SIZE[0]


def draw_box(page, start, end) -> None:
    page.keyboard.press("Shift+F")
    page.keyboard.press("Shift+A")
    page.locator("#stage.boxing").wait_for()
    page.mouse.move(*on_page(page, *start))
    page.mouse.down()
    page.mouse.move(*on_page(page, (start[0] + end[0]) / 2, end[1]))
    page.mouse.move(*on_page(page, *end))
    assert page.locator("#overlay .boxes rect.drawn").count() == 1
    page.mouse.up()


def test_a_box_makes_a_person_and_undo_marks_them_as_removed(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        page.keyboard.press("Shift+F")
        page.keyboard.press("Shift+A")
        page.locator("#overlay .boxes text", has_text="#1").wait_for()  # who is there already is shown
        page.keyboard.press("Escape")
        assert page.locator("#overlay .boxes rect").count() == 0
        draw_box(page, (100, 80), (60, 10))  # from below: corners in any order
        page.wait_for_selector(f"body[data-person='{ADDED}']")
        view = project.person(ADDED)
        assert np.allclose(view.bbox, [60, 10, 40, 70], atol=0.5) and view.origin == "added"
        assert page.locator("#stage.boxing").count() == 0
        assert page.locator(f"#queue-list [data-person='{ADDED}']").count() == 1
        page.keyboard.press("Tab")
        edited(page, "ArrowRight")
        page.keyboard.press("z")
        saved(page)
        page.keyboard.press("z")  # nothing is left to undo but that they were added
        page.wait_for_selector("body[data-person='1']")
        saved(page)
        assert project.person(ADDED).status == "removed" and len(project.history(ADDED)) >= 3
        page.select_option("#queue-filter", "all")
        page.click(f"#queue-list [data-person='{ADDED}']")
        page.wait_for_selector(f"body[data-person='{ADDED}']")
        assert "removed" in page.inner_text("#banner")
        page.focus("#stage")
        page.keyboard.press("Enter")
        page.wait_for_selector(SAVED)
        assert project.person(ADDED).status == "corrected"
        assert page.complaints == []


def test_boxes_too_small_or_taken_are_said_and_add_nobody(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        draw_box(page, (60, 10), (64, 13))
        page.locator("#hint", has_text="corner to corner").wait_for(state="attached")
        page.keyboard.press("Escape")
        draw_box(page, (5, 10), (45, 70))  # the box of the person who is there
        page.locator("#hint", has_text="person 1, who is in the project").wait_for(state="attached")
        assert page.get_attribute("body", "data-person") == "1" and project.progress()["people"] == 4
        page.keyboard.press("Escape")
        page.keyboard.press("Delete")
        page.locator("#hint", has_text="only people who were added").wait_for(state="attached")
        assert project.person(1).status == "queued" and page.complaints == []


def test_by_keyboard_alone_what_is_in_sight_is_the_box(browser, project):
    with served(project) as server:
        page = opened(browser, server)
        page.keyboard.press("Shift+F")
        page.keyboard.press("Shift+A")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"body[data-person='{ADDED}']")
        assert np.allclose(project.person(ADDED).bbox, [0, 0, SIZE[1], SIZE[0]], atol=0.5)
        page.keyboard.press("Delete")
        page.wait_for_selector("body[data-person='1']")
        saved(page)
        assert project.person(ADDED).status == "removed"
        draw_box(page, (60, 10), (100, 80))
        page.wait_for_selector(f"body[data-person='{ADDED + 1}']")
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-person='1']")
        saved(page)
        assert project.person(ADDED + 1).status == "corrected" and page.complaints == []
