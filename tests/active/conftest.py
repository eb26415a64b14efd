"""What tests of the annotation page share: a project with people in the queue, and a headless Chromium."""

import pytest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of a project that nobody writes to."""
    from annotation_page import queued_project

    folder = tmp_path_factory.mktemp("made")
    queued_project(folder).close()
    return folder


@pytest.fixture
def project(made, tmp_path):
    """A copy of it, open, for one test."""
    from annotation_page import copied_project

    project = copied_project(made, tmp_path)
    yield project
    project.close()


@pytest.fixture(scope="module")
def browser():
    """Chromium; the test is skipped where the system has none."""
    from annotation_page import browser_path
    from playwright.sync_api import sync_playwright

    path = browser_path()
    if path is None:
        pytest.skip("no Chromium on this system: install one (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
