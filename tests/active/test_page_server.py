"""The page's server: who comes in, what is refused, and that what is saved is what was sent."""

import json

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from annotation_page import PASSWORDS, TOKEN
from annotation_project import person
from fastapi.testclient import TestClient
from PIL import Image

from synthgen.active.access import Door
from synthgen.active.prior import load_prior
from synthgen.active.server import create_app
from synthgen.keypoints import spinetrack

BASE = "http://127.0.0.1:8730"
NAMES = list(spinetrack().names)


def client_of(project, **door) -> TestClient:
    door = door or {"name": "anna", "role": "annotate", "token": TOKEN}
    return TestClient(create_app(project, Door(**door), load_prior()), base_url=BASE)


@pytest.fixture
def page(project):
    """Somebody who came in by the token; the CSRF token is sent along."""
    client = client_of(project)
    client.get("/", params={"token": TOKEN})
    client.headers["x-csrf-token"] = client.get("/api/project").json()["csrf"]
    return client


def edit(points=None, **more) -> dict:
    points = person(1) if points is None else points
    return {"names": NAMES, "points": np.asarray(points).tolist(), "base_revision": 0, "status": "corrected"} | more


def test_only_the_token_opens(project):
    client = client_of(project)
    assert client.get("/api/project").status_code == 401
    assert client.get("/", params={"token": "another"}).status_code == 401
    assert client.get("/api/project").status_code == 401
    came = client.get("/", params={"token": TOKEN})
    assert came.status_code == 200
    cookie = came.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert client.get("/api/project").json()["me"] == {"name": "anna", "role": "annotate"}


def test_everything_below_api_needs_a_session(project):
    client = client_of(project)
    for route in client.app.routes:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if not path.startswith("/api/") or path == "/api/door":
            continue
        url = path.replace("{person_id}", "1").replace("{image_id}", "1")
        for method in methods - {"HEAD"}:
            assert client.request(method, url, json={}).status_code == 401, (method, path)


def test_a_change_needs_the_token_in_a_header_and_our_origin(page):
    assert page.put("/api/people/1", json=edit(), headers={"x-csrf-token": "guess"}).status_code == 403
    assert page.put("/api/people/1", json=edit(), headers={"origin": "http://evil.example"}).status_code == 403
    assert page.post("/api/people/1/lease", headers={"x-csrf-token": ""}).status_code == 403
    assert page.put("/api/people/1", json=edit(), headers={"origin": BASE}).status_code == 200


def test_another_host_name_is_refused(page):
    assert page.get("/api/project", headers={"host": "evil.example:8730"}).status_code == 400
    assert page.get("/api/project", headers={"host": "localhost:8730"}).status_code == 200


def test_headers_keep_foreign_scripts_out(page):
    for path in ("/", "/web/main.js", "/api/project", "/nowhere"):
        headers = page.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
    assert page.get("/api/project").headers["cache-control"] == "no-store"
    html = page.get("/").text
    assert "style=" not in html and "onclick" not in html and "<script>" not in html


@pytest.mark.parametrize(
    "path",
    ["/web/../server.py", "/web/..%2fserver.py", "/web/%2e%2e/server.py", "/web/%2fetc%2fpasswd", "/web/..\\server.py",
     "/api/images/..%2f..%2fproject.sqlite", "/api/images/1%00", "/api/images/-1", "/web//etc/passwd"],
)  # fmt: skip
def test_no_path_escapes(page, path):
    answer = page.get(path)
    assert answer.status_code in (404, 422)
    assert b"import" not in answer.content and b"root:" not in answer.content


def test_a_picture_replaced_by_a_link_to_elsewhere_is_refused(page, project, tmp_path):
    secret = tmp_path / "secret" / "secret.png"
    secret.parent.mkdir()
    row = project.image(1)
    Image.new("RGB", (row.width, row.height)).save(secret)
    row.path.unlink()
    row.path.symlink_to(secret)
    answer = page.get("/api/images/1")
    assert answer.status_code == 422
    assert str(tmp_path) not in answer.text


def test_a_bomb_is_refused_and_no_path_is_told(page, project, tmp_path):
    path = project.image(1).path
    path.unlink()
    Image.new("1", (30_000, 30_000)).save(path)  # 900 million pixels in 100 kB
    answer = page.get("/api/images/1")
    assert answer.status_code == 422 and "pixels" in answer.json()["error"]
    assert str(tmp_path) not in answer.text
    path.write_bytes(b"<svg onload=alert(1)>")
    assert page.get("/api/images/1").status_code == 422


def test_a_picture_comes_as_it_lies_there(page, project):
    answer = page.get("/api/images/1")
    assert answer.content == project.image(1).path.read_bytes()
    assert answer.headers["content-type"] == "image/png"


def test_what_is_saved_is_what_was_sent_to_the_last_digit(page, project):
    points = person(3)
    points[4, :2] = [12.345678901234567, 67.00000000000001]
    points[6, 2] = 1
    answer = page.put("/api/people/1", json=edit(points, comment="left hand?"))
    assert answer.status_code == 200
    view = project.person(1)
    assert view.revision == answer.json()["revision"]
    assert np.array_equal(view.corrected, points)
    assert (view.status, view.comment) == ("corrected", "left hand?")
    assert page.get("/api/people/1").json()["corrected"] == points.tolist()


def test_a_body_too_long_is_refused_unread(page, project):
    assert page.put("/api/people/1", json=edit(comment="x" * 70_000)).status_code == 413
    assert page.put("/api/people/1", json=edit(comment="x" * 3000)).status_code == 422
    assert page.put("/api/people/1", content=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert project.person(1).revision == 0


def wrong_points():
    for value in (None, [], person(1)[:36], person(1)[:, :3], "x"):
        yield value if not isinstance(value, np.ndarray) else value.tolist()
    for row in ([1, 2, 3, 1], [1, 2, 1.5, 1], [1, 2, 2, 1.1], [1, 2, 2], [True, 2, 2, 1], ["1", 2, 2, 1],
                [1e7, 2, 2, 1], [900, 2, 2, 1], [None, 2, 2, 1], [10**400, 2, 2, 1]):  # fmt: skip
        yield [*person(1).tolist()[:36], row]


@pytest.mark.parametrize("points", wrong_points())
def test_points_that_are_none_are_refused(page, project, points):
    answer = page.put("/api/people/1", json=edit() | {"points": points})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]
    assert project.person(1).revision == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"points": NaN}', "[" * 20_000, "\xff"])
def test_what_is_no_json_object_is_refused(page, text):
    kind = {"content-type": "application/json"}
    answer = page.put("/api/people/1", content=text.encode("latin-1"), headers=kind)
    assert answer.status_code == 422 and "JSON" in answer.json()["error"]


def test_names_in_another_order_are_refused(page):
    answer = page.put("/api/people/1", json=edit(names=NAMES[::-1]))
    assert answer.status_code == 422 and "names" in answer.json()["error"]


def test_unknown_people_and_pictures(page):
    for path in ("/api/people/999", "/api/images/999"):
        assert page.get(path).status_code == 404
    assert page.get("/api/people/one").status_code == 422


def test_two_annotators_conflict_and_leases(project):
    anna, ben = (client_of(project, check_user=project.check_user) for _ in range(2))
    for client, name in ((anna, "anna"), (ben, "ben")):
        assert client.post("/login", json={"name": name, "password": PASSWORDS[name][0]}).status_code == 200
        client.headers["x-csrf-token"] = client.get("/api/project").json()["csrf"]
    assert anna.post("/api/people/1/lease").status_code == 200
    taken = ben.post("/api/people/1/lease")
    assert taken.status_code == 423 and taken.json()["by"] == "anna"
    assert ben.post("/api/next").json()["item"]["person"] == 2
    assert anna.put("/api/people/1", json=edit(person(1))).status_code == 200
    conflict = ben.put("/api/people/1", json=edit(person(2)))
    assert conflict.status_code == 409
    assert conflict.json()["theirs"]["corrected"] == person(1).tolist()
    again = ben.put("/api/people/1", json=edit(person(2), base_revision=conflict.json()["theirs"]["revision"]))
    assert again.status_code == 200
    assert len(anna.get("/api/people/1/history").json()["history"]) == 4  # model, teacher, anna, ben


def test_passwords_roles_and_their_end(project):
    client = client_of(project, check_user=project.check_user)
    assert client.get("/", params={"token": TOKEN}).status_code == 401
    assert client.get("/api/door").json() == {"login": True}
    login = {"name": "anna", "password": PASSWORDS["anna"][0]}
    assert client.post("/login", json=login | {"password": "wrong"}).status_code == 401
    assert client.post("/login", json=login, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/login", json=login).status_code == 200
    client.headers["x-csrf-token"] = client.get("/api/project").json()["csrf"]
    assert client.put("/api/people/1", json=edit(status="reviewed")).status_code == 403
    assert client.put("/api/people/1", json=edit(status="new")).status_code == 422
    assert client.post("/logout").status_code == 200
    assert client.get("/api/project").status_code == 401
    for _ in range(8):
        client.post("/login", json=login | {"password": "wrong"})
    assert client.post("/login", json=login).status_code == 429


def test_a_session_ends_by_itself(project):
    now = [0.0]
    door = Door(name="anna", role="annotate", token=TOKEN, clock=lambda: now[0])
    client = TestClient(create_app(project, door), base_url=BASE)
    client.get("/", params={"token": TOKEN})
    assert client.get("/api/project").status_code == 200
    now[0] += 13 * 3600
    assert client.get("/api/project").status_code == 401


def test_the_command_refuses_too(project):
    import typer
    from typer.testing import CliRunner

    from synthgen.active.serve_command import add_serve
    from synthgen.active.users import names

    app = typer.Typer()
    add_serve(app)
    with project.writing() as connection:
        connection.exec_driver_sql("DELETE FROM users")
    with project.reading() as connection:
        assert not names(connection)
    for options in (["--host", "0.0.0.0"], ["--login"], ["--certificate", "x.pem"]):
        result = CliRunner().invoke(app, ["serve", str(project.folder), "--port", "0", *options])
        assert result.exit_code == 2, result.output
    added = CliRunner().invoke(
        app, ["user", str(project.folder), "zoe", "--role", "review"], input="eight ch\neight ch\n"
    )
    assert added.exit_code == 0 and project.check_user("zoe", "eight ch") == "review"


def test_anatomy_judges_and_snaps_only_the_spine(page):
    answer = page.post("/api/people/1/anatomy", json=edit() | {"snap": True})
    assert answer.status_code == 200
    found = answer.json()
    assert 0 <= found["unlikely"] <= 1
    others = [i for i in range(37) if i not in (19, 26, 27, 28, 29, 30, 18, 35, 36)]
    assert np.array_equal(np.array(found["snapped"])[others], person(1)[others])


def test_the_queue_turns_its_pages(page):
    first = page.get("/api/queue", params={"limit": 2}).json()["items"]
    rest = page.get("/api/queue", params={"limit": 2, "after": first[-1]["rank"]}).json()["items"]
    assert [i["person"] for i in first + rest] == [1, 2, 3, 4]
    assert json.dumps(first[0]["reasons"]) == '["reason <b>1</b>"]'
