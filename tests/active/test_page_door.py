"""Where the annotation page may be served, and that its files hold nothing but themselves."""

from pathlib import Path

import pytest

from synthgen.active.access import ServeError, check_listen, is_loopback
from synthgen.active.listen import open_socket


def test_no_listening_beyond_this_machine_without_a_password():
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        assert not is_loopback(host)
        with pytest.raises(ServeError, match="no users with a password"):
            check_listen(host, 0)
        assert check_listen(host, 1) is True
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert check_listen(host, 0) is False


def test_a_taken_port_is_said():
    with open_socket("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(ServeError, match="--port"):
            open_socket("127.0.0.1", first.getsockname()[1])


def test_page_files_hold_no_inline_code_and_no_foreign_address():
    folder = Path(__file__).parents[2] / "synthgen" / "active" / "web"
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, path.name
        for banned in ("innerHTML", "eval(", "https://", "insertAdjacentHTML", 'style="', "new Function"):
            assert banned not in text, (path.name, banned)
