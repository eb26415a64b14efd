"""What a person does on the annotation page, for tests that drive a browser."""

from annotation_page import PASSWORDS, TOKEN

SAVED = "#saved[data-state=saved]"


def watched(context):
    """A page that remembers what it complains of."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda m: page.complaints.append(m.text) if "Content Security" in m.text else None)
    return page


def opened(browser, server, **how):
    """A page on which the first person is shown; whatever the page complains of fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **how)
    page = watched(context)
    page.goto(f"{server.url}?token={TOKEN}")
    page.wait_for_selector("body[data-person]")
    return page


def log_in(browser, server, name: str):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = watched(context)
    page.goto(server.url)
    page.fill("#login-name", name)
    page.fill("#login-password", PASSWORDS[name][0])
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-person]")
    return page


def saved(page) -> None:
    """Wait until what was done has reached the server."""
    page.wait_for_selector(SAVED)


def edited(page, *keys: str) -> None:
    """Press keys on the stage; then wait until everything is stored."""
    for key in keys:
        page.keyboard.press(key)
    saved(page)


def go_to(page, name: str) -> None:
    page.keyboard.press("g")
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def spot(page, i: int) -> tuple[float, float]:
    """Where a point is drawn, px of the page."""
    box = page.locator(f"#overlay .markers [data-id='{i}'] .ring").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start, by) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0] / 2, start[1] + by[1] / 2)
    page.mouse.move(start[0] + by[0], start[1] + by[1])
    page.mouse.up()
    page.wait_for_selector("[data-command=undo]:not([disabled])")
