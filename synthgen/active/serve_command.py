"""The commands `serve` and `user`: open the annotation page, and make those who may log in to it."""

import getpass
import secrets
from pathlib import Path
from typing import Annotated

import typer

from synthgen.cli_errors import Quiet, one_sentence

LOOPBACK = "127.0.0.1"
PORT = 8730
_LEAST_PORT, _MOST_PORT = 0, 65535


def add_serve(app: typer.Typer) -> None:
    """Hang `serve` and `user` on `app`."""
    app.command()(serve)
    app.command()(user)


def serve(
    project: Annotated[Path, typer.Argument(help="Folder of the project.")],
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine only with users.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=_LEAST_PORT, max=_MOST_PORT, help="Port; 0 takes a free one.")] = PORT,
    name: Annotated[str, typer.Option("--as", help="Your name in the history; without users.")] = "",
    login: Annotated[bool, typer.Option("--login", help="Ask for name and password on this machine too.")] = False,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate (PEM); needs --key.")] = None,
    key: Annotated[Path | None, typer.Option(help="TLS key (PEM).")] = None,
    quiet: Quiet = False,
) -> None:
    """Serve the page where people correct what the model proposed; stop it with Ctrl-C.

    Without users only this machine is served, at an address that holds a random token. For a team, make users with
    `synthgen annotate user`, then give --host.
    """
    with one_sentence(False):
        import uvicorn

        from synthgen.active.access import Door, ServeError, check_listen
        from synthgen.active.adding import Suggester
        from synthgen.active.listen import open_socket
        from synthgen.active.prior import load_prior
        from synthgen.active.propose import Proposer
        from synthgen.active.rounds import WEIGHTS
        from synthgen.active.server import create_app
        from synthgen.active.store import open_project

        if (certificate is None) != (key is None):
            raise ServeError("TLS needs both --certificate and --key; give both, or neither")
        opened = open_project(project)
        users = opened.users()
        passwords = check_listen(host, len(users)) or login
        if passwords and not users:
            raise ServeError(f"--login: {project} has no users yet; make one: synthgen annotate user {project} NAME")
        listener = open_socket(host, port)
        port = listener.getsockname()[1]
        secure = certificate is not None
        door = Door(cookie=f"synthgen_{port}", secure=secure)
        address = f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"
        if passwords:
            door.check_user = opened.check_user
            door.hosts = door.hosts if check_listen(host, len(users)) is False else ()
        else:
            door.name, door.token = name or getpass.getuser(), secrets.token_urlsafe(24)
            address += f"?token={door.token}"
        # A prior measured on this project's own generated data, where there is one; else the one that ships.
        prior = load_prior(project / "prior.json")

        def model() -> Proposer:
            weights = opened.about(WEIGHTS)
            return Proposer(Path(weights) if weights else None, "none", prior=prior, threads=1)

        app = create_app(opened, door, prior, Suggester(model))
        if not quiet:
            how = "log in with name and password" if passwords else f"as {door.name}; whoever has this address comes in"
            typer.echo(f"{address}\n{how}. Every edit is saved at once; stop with Ctrl-C.")
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ssl_certfile=certificate, ssl_keyfile=key,
            timeout_graceful_shutdown=3, proxy_headers=False,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])


def user(
    project: Annotated[Path, typer.Argument(help="Folder of the project.")],
    name: Annotated[str, typer.Argument(help="Name to log in with; an existing one gets the new password and role.")],
    role: Annotated[str, typer.Option(help="annotate, or review (may also accept corrections).")] = "annotate",
) -> None:
    """Make somebody who may log in to the page; asks for the password."""
    with one_sentence(False):
        from synthgen.active.store import open_project

        opened = open_project(project)
        password = typer.prompt("Password (8 characters or more)", hide_input=True, confirmation_prompt=True)
        opened.add_user(name, password, role)
        typer.echo(f"{name} may {role} in {project}")
