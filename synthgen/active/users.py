"""Who may work on a project: names, roles, and passwords of which only a salted scrypt digest is stored."""

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, delete, insert, select

from synthgen.active import schema
from synthgen.active.errors import ProjectError
from synthgen.active.work import ROLES

_LEAST = 8
_COST = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}
_NOBODY = bytes(16)


def add_user(connection: Connection, name: str, password: str, role: str) -> None:
    """Add somebody, or give a new password and role.

    Raises:
        ProjectError: an empty or odd name, an unknown role, a password of fewer than eight characters.
    """
    if not name or len(name) > 64 or not name.isprintable() or name != name.strip():
        raise ProjectError(f"the name {name!r} cannot be used; allowed: 1 to 64 printable characters, no outer spaces")
    if role not in ROLES:
        raise ProjectError(f"the role of {name} is '{role}'; allowed: {', '.join(ROLES)}")
    if len(password) < _LEAST:
        raise ProjectError(f"the password of {name} has {len(password)} characters; allowed are {_LEAST} or more")
    salt = secrets.token_bytes(16)
    connection.execute(delete(schema.users).where(schema.users.c.name == name))
    values = {"name": name, "role": role, "salt": salt, "password": _digest(password, salt)}
    connection.execute(insert(schema.users).values(values))


def check_user(connection: Connection, name: str, password: str) -> str | None:
    """Role of who gives the right password, else None; takes as long for an unknown name."""
    row = connection.execute(select(schema.users).where(schema.users.c.name == name)).first()
    given = _digest(password, row.salt if row else _NOBODY)
    return row.role if row is not None and hmac.compare_digest(given, row.password) else None


def names(connection: Connection) -> dict[str, str]:
    """Name -> role."""
    rows = connection.execute(select(schema.users.c.name, schema.users.c.role).order_by(schema.users.c.name))
    return {row.name: row.role for row in rows}


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST)
