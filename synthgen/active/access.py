"""Who may speak to the annotation page: the token, sessions, the password door and what a request must carry.

Two doors. On loopback, with no users asked for: whoever has the address with its random token is the annotator named on
the command line. Otherwise: name and password of a user of the project. Either way a session begins, held by a cookie
that scripts cannot read and other sites cannot send (HttpOnly, SameSite=Strict); whatever changes something must also
carry the session's CSRF token in a header and, where the browser tells an origin, come from this one.
"""

import hmac
import ipaddress
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from biomech.errors import SynthgenError

ROLES = ("annotate", "review")
SESSION_SECONDS = 12 * 3600
_TRIES, _TRIES_SECONDS = 8, 300  # wrong passwords per name and address before we stop listening
_MOST_SESSIONS = 1000
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class ServeError(SynthgenError):
    """The page cannot be served in the way that was asked for."""


class Refused(SynthgenError):
    """A request is not allowed.

    Attributes:
        status: HTTP status to answer with.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who came in: name, role, the token their page sends back, and until when (seconds since 1970)."""

    id: str
    name: str
    role: str
    csrf: str
    until: float


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_listen(host: str, users: int) -> bool:
    """Whether people must log in, given where to listen and how many users the project has.

    Raises:
        ServeError: beyond loopback without any user.
    """
    if is_loopback(host):
        return False
    if not users:
        raise ServeError(
            f"refusing to listen on {host}: other machines reach it, and this project has no users with a password. "
            "Make some first (synthgen annotate user PROJECT NAME), or leave --host away to serve this machine alone"
        )
    return True


@dataclass(slots=True)
class Door:
    """Sessions of one running server.

    Attributes:
        name, role: who the token's holder is. token: None where people log in with a password.
        check_user: (name, password) -> role or None.
        cookie: name of the cookie; carries the port, because cookies are shared between ports of one host.
        secure: the page is served through TLS.
        hosts: names a request may call us by; empty: any (a team reaches us by names we cannot know).
    """

    name: str = "annotator"
    role: str = "review"
    token: str | None = None
    check_user: Callable[[str, str], str | None] | None = None
    cookie: str = "synthgen"
    secure: bool = False
    hosts: tuple[str, ...] = _LOOPBACK_NAMES
    clock: Callable[[], float] = time.time
    _sessions: dict[str, Session] = field(default_factory=dict)
    _failures: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check_host(self, host: str) -> None:
        """A page of another name that was made to point at this machine (DNS rebinding) gets nothing.

        Raises:
            Refused: it is such a name.
        """
        bare = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self.hosts and bare.lower() not in self.hosts:
            raise Refused(400, f"this page is not served under the name {bare!r}; use http://127.0.0.1 and its port")

    def enter(self, token: str) -> Session:
        """Come in by the address with the token.

        Raises:
            Refused: there is no such way in, or the token is another.
        """
        if self.token is None or not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Refused(
                401, "this address is not valid (any more); open the one that `synthgen annotate serve` shows"
            )
        return self._begin(self.name, self.role)

    def log_in(self, name: str, password: str, address: str) -> Session:
        """Come in by name and password.

        Raises:
            Refused: they do not fit, or did not fit too often.
        """
        if self.check_user is None:
            raise Refused(404, "nobody logs in here; open the address that `synthgen annotate serve` shows")
        key, now = (name, address), self.clock()
        with self._lock:
            recent = [t for t in self._failures.get(key, ()) if t > now - _TRIES_SECONDS]
            if len(recent) >= _TRIES:
                raise Refused(429, "too many wrong passwords; wait five minutes")
        role = self.check_user(name, password)
        if role not in ROLES:
            with self._lock:
                if len(self._failures) > _MOST_SESSIONS:
                    self._failures.clear()
                self._failures[key] = [*recent, now]
            raise Refused(401, "name and password do not fit")
        return self._begin(name, role)

    def session(self, session_id: str | None) -> Session:
        """The session of a cookie.

        Raises:
            Refused: it has ended, or never was.
        """
        with self._lock:
            found = self._sessions.get(session_id or "")
            if found is not None and found.until < self.clock():
                del self._sessions[found.id]
                found = None
        if found is None:
            raise Refused(401, "no session, or it has ended; come in again")
        return found

    def leave(self, session: Session) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session.id, None)

    def check_change(self, session: Session, csrf: str, origin: str, host: str) -> None:
        """What a request that changes something must carry besides its cookie.

        Raises:
            Refused: the header token is missing or wrong, or another site sent the request.
        """
        if not hmac.compare_digest(csrf.encode(), session.csrf.encode()):
            raise Refused(403, "the request lacks this session's X-CSRF-Token; load the page again")
        check_origin(origin, host)

    def _begin(self, name: str, role: str) -> Session:
        now = self.clock()
        session = Session(secrets.token_urlsafe(32), name, role, secrets.token_urlsafe(32), now + SESSION_SECONDS)
        with self._lock:
            for old in [s for s in self._sessions.values() if s.until < now]:
                del self._sessions[old.id]
            while len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[session.id] = session
        return session


def check_origin(origin: str, host: str) -> None:
    """Where the browser says which site sent a request, it must be ours.

    Raises:
        Refused: it is another.
    """
    if origin and origin.split("://", 1)[-1] != host:
        raise Refused(403, f"the request comes from {origin}, not from this page")
