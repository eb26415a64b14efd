"""The annotation page's server: the application, its guards and its doors. What it answers is in `routes`."""

from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.gzip import GZipMiddleware

from synthgen.active.access import SESSION_SECONDS, Door, Refused, Session, check_origin
from synthgen.active.errors import Conflict, LeaseTaken, ProjectError
from synthgen.active.payload import json_body, text_of
from synthgen.active.routes import add_routes, person_json

# No script, style or picture but ours, nothing inline, nobody frames us.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the address may hold the token
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def create_app(project, door: Door, prior=None, suggest=None) -> FastAPI:
    """The application.

    Args:
        project: synthgen.active.store.Project.
        door: who may come in.
        prior: synthgen.active.prior.SpinePrior; without one the page shows no anatomical range.
        suggest: synthgen.active.adding.Suggester for people who are added; without one they get the mean pose.
    """
    app = FastAPI(title="synthgen annotate", docs_url=None, redoc_url=None, openapi_url=None)
    files = web_files()

    async def session_of(request: Request) -> Session:
        session = door.session(request.cookies.get(door.cookie))
        if request.method not in ("GET", "HEAD"):
            headers = request.headers
            csrf = headers.get("x-csrf-token", "")
            door.check_change(session, csrf, headers.get("origin", ""), headers.get("host", ""))
        return session

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            door.check_host(request.headers.get("host", ""))
            response = await call_next(request)
        except Refused as refused:
            response = _refusal(request, refused)
        response.headers.update(_HEADERS)
        if "cache-control" not in response.headers:
            response.headers["cache-control"] = "no-store"
        return response

    @app.get("/")
    def page(token: str = "") -> Response:
        # The page itself holds nothing; it takes the token out of the address bar once the cookie is set.
        response = _file(files, "index.html")
        if token:
            _remember(response, door, door.enter(token))
        return response

    @app.get("/web/{name}")
    def web(name: str) -> Response:
        return _file(files, name)

    @app.get("/api/door")
    def how_in() -> dict:
        return {"login": door.check_user is not None}

    @app.post("/login")
    async def log_in(request: Request) -> Response:
        check_origin(request.headers.get("origin", ""), request.headers.get("host", ""))
        data = await json_body(request)
        name, password = text_of(data, "name", 100), text_of(data, "password", 1000)
        address = request.client.host if request.client else ""
        response = JSONResponse({"name": name})
        _remember(response, door, await _in_thread(door.log_in, name, password, address))
        return response

    @app.post("/logout")
    async def log_out(request: Request) -> Response:
        door.leave(await session_of(request))
        response = JSONResponse({})
        response.delete_cookie(door.cookie)
        return response

    add_routes(app, project, prior, session_of, suggest)
    _answer_errors(app)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)
    return app


def web_files() -> dict[str, tuple[bytes, str]]:
    """Name -> content and type of every file of the page, read once: nothing else can be asked for."""
    folder = Path(str(resources.files("synthgen") / "active" / "web"))
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES:
            found[path.name] = (path.read_bytes(), _TYPES[path.suffix])
    return found


def _file(files: dict[str, tuple[bytes, str]], name: str) -> Response:
    if name not in files:
        raise Refused(404, "there is no such file in the page")
    content, kind = files[name]
    return Response(content, media_type=kind, headers={"cache-control": "no-cache"})


def _remember(response: Response, door: Door, session: Session) -> None:
    response.set_cookie(
        door.cookie, session.id, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=door.secure
    )


async def _in_thread(function: Callable, *args):
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(function, *args)


def _refusal(request: Request, refused: Refused) -> Response:
    if request.url.path == "/":  # a person reads this one
        return Response(f"{refused}\n", refused.status, media_type="text/plain")
    return JSONResponse({"error": str(refused)}, refused.status)


def _answer_errors(app: FastAPI) -> None:
    """Every deliberate error becomes JSON with its sentence; what happens besides becomes a bare 500."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _refusal(request, error)

    @app.exception_handler(Conflict)
    async def conflict(_: Request, error: Conflict) -> Response:
        return JSONResponse({"error": str(error), "theirs": person_json(error.view)}, 409)

    @app.exception_handler(LeaseTaken)
    async def taken(_: Request, error: LeaseTaken) -> Response:
        return JSONResponse({"error": str(error), "by": error.by, "until": error.until}, 423)

    @app.exception_handler(ProjectError)
    async def wrong(_: Request, error: ProjectError) -> Response:
        return JSONResponse({"error": str(error)}, 404 if "there is no" in str(error) else 422)
