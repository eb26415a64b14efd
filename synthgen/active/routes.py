"""What the page asks the server for: queue, people, pictures, leases, saves, the anatomical range, progress."""

import contextlib
import hashlib
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse

from synthgen.active.access import Refused, Session
from synthgen.active.adding import Suggester, add_person, people_in
from synthgen.active.errors import LeaseTaken, ProjectError
from synthgen.active.images import TYPES, inside, measure, read_image
from synthgen.active.payload import MOST_COMMENT, box_of, json_body, points_of, status_of, text_of, whole_of
from synthgen.keypoints import SPINE_IDS, spinetrack

_SHOWN_BY_BROWSERS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "BMP": "image/bmp"}
_MOST_LISTED = 500
_JPEG_QUALITY = 95


def add_routes(
    app: FastAPI, project, prior, session_of: Callable[[Request], Awaitable[Session]], suggest: Suggester | None = None
) -> None:
    """Hang everything below /api on the application."""
    Who = Annotated[Session, Depends(session_of)]
    Body = Annotated[dict[str, Any], Depends(_guarded_body(session_of))]

    @app.get("/api/project")
    def about(who: Who) -> dict:
        return {
            "project": project_name(project),
            "id": project_id(project),
            "me": {"name": who.name, "role": who.role},
            "csrf": who.csrf,
            "schema": schema_json(),
            "images": project.image_count(),
            "progress": plain(project.progress()),
            "prior": prior is not None,
        }

    @app.get("/api/progress")
    def progress(who: Who) -> dict:
        return {"progress": plain(project.progress())}

    @app.get("/api/agreement")
    def agreement(who: Who) -> dict:
        return {"agreement": plain(project.agreement())}

    @app.get("/api/queue")
    def queue(who: Who, limit: int = 200, after: int | None = None) -> dict:
        items = project.queue(who.name, limit=min(max(limit, 1), _MOST_LISTED), after_rank=after)
        return {"items": [item_json(item) for item in items]}

    @app.post("/api/next")
    def next_one(who: Who) -> dict:
        item = project.next_for(who.name, who.role)
        return {"item": None if item is None else item_json(item)}

    @app.get("/api/people/{person_id}")
    def person(who: Who, person_id: int) -> dict:
        return person_json(project.person(person_id))

    @app.get("/api/people/{person_id}/history")
    def history(who: Who, person_id: int) -> dict:
        return {"history": [revision_json(r) for r in project.history(person_id)]}

    @app.put("/api/people/{person_id}")
    def save(who: Who, person_id: int, data: Body) -> dict:
        status = status_of(data, who.role)
        comment = text_of(data, "comment", MOST_COMMENT, "")
        base = whole_of(data, "base_revision")
        points = points_of(data, project.image(project.person(person_id).image_id))
        revision = project.save(person_id, points, who.name, base, comment=comment, status=status)
        with contextlib.suppress(LeaseTaken):  # who saves is at it; the lease begins anew
            project.lease(person_id, who.name)
        return {"revision": revision, "status": status}

    @app.post("/api/people/{person_id}/lease")
    def lease(who: Who, person_id: int) -> dict:
        return {"until": project.lease(person_id, who.name).until}

    @app.delete("/api/people/{person_id}/lease")
    def release(who: Who, person_id: int) -> dict:
        project.release(person_id, who.name)
        return {}

    @app.post("/api/people/{person_id}/propagate")
    def propagate(who: Who, person_id: int, data: Body) -> dict:
        target = whole_of(data, "to")
        if target not in project.person(person_id).neighbours:
            raise Refused(422, f"person {target} is not a video neighbour of person {person_id}")
        return {"revision": project.propagate(person_id, target, who.name)}

    @app.post("/api/people/{person_id}/anatomy")
    def anatomy(who: Who, person_id: int, data: Body) -> dict:
        points = points_of(data, project.image(project.person(person_id).image_id))
        return anatomy_json(prior, points, snap=data.get("snap") is True)

    @app.get("/api/images/{image_id}/people")
    def people(who: Who, image_id: int) -> dict:
        project.image(image_id)
        with project.reading() as connection:
            return {"people": people_in(connection, image_id)}

    @app.post("/api/images/{image_id}/people")
    def add(who: Who, image_id: int, data: Body) -> dict:
        path = project.image(image_id).path
        try:
            return {"item": item_json(add_person(project, image_id, box_of(data), who.name, suggest))}
        except ProjectError as error:
            raise Refused(422, _without(str(error), path, path.resolve())) from None

    @app.get("/api/images/{image_id}")
    def image(who: Who, image_id: int) -> Response:
        return picture(project, image_id)


def _guarded_body(session_of: Callable) -> Callable:
    """The body is read only once the session and its CSRF token have been checked."""

    async def body(request: Request, _: Annotated[Session, Depends(session_of)]) -> dict[str, Any]:
        return await json_body(request)

    return body


def picture(project, image_id: int) -> Response:
    """The file as it lies there, where browsers show its type; anything else as a JPEG made on the way.

    The header is measured first: too many pixels, a foreign type or a file beyond the sources is refused.
    """
    row = project.image(image_id)
    try:
        path = inside(row.path, project.roots())
        width, height, upright = measure(path)
        if (width, height) != (row.width, row.height):
            raise ProjectError(
                f"{row.path.name} is {width}x{height} now and was {row.width}x{row.height} when the project was made; "
                "put the old file back"
            )
        keep = {"cache-control": "private, max-age=3600"}
        kind = _SHOWN_BY_BROWSERS.get(TYPES[row.path.suffix.lower()])
        if kind and upright:
            return FileResponse(path, media_type=kind, headers=keep)
        import cv2

        _, data = cv2.imencode(".jpg", read_image(path), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        return Response(data.tobytes(), media_type="image/jpeg", headers=keep)
    except ProjectError as error:
        raise Refused(422, _without(str(error), row.path, row.path.resolve())) from None  # no paths to the outside


def _without(message: str, *paths: Path) -> str:
    for path in paths:
        message = message.replace(str(path), path.name)
    return message


def anatomy_json(prior, points: np.ndarray, snap: bool) -> dict:
    """How unlikely the spine is and why, the range to draw it against, and on demand the snapped points."""
    if prior is None:
        raise Refused(404, "this server has no anatomical prior")
    seen = points.copy()
    unlikely, reasons = prior.unlikely(seen)
    found = {"unlikely": plain(unlikely), "reasons": list(reasons), "range": None, "snapped": None}
    band = prior.range_curve(seen)
    if band is not None:
        found["range"] = {"lower": plain(band[0]), "upper": plain(band[1])}
    if snap:
        found["snapped"] = plain(prior.snap(seen))
    return found


def project_name(project) -> str:
    """The name of the project's folder."""
    return project.folder.name


def project_id(project) -> str:
    """What edits kept in a browser are filed under: another project at the same address must not get them."""
    return hashlib.sha256(str(project.folder.resolve()).encode()).hexdigest()[:12]


def schema_json() -> dict:
    """The keypoints as the page needs them."""
    schema = spinetrack()
    return {
        "names": list(schema.names),
        "flip": schema.flip.tolist(),
        "links": [[link.start, link.end] for link in schema.links],
        "spine": list(SPINE_IDS),
        "definitions": [k.definition for k in schema.keypoints],
        "seen": [k.seen for k in schema.keypoints],
    }


def item_json(item) -> dict:
    """A QueueItem."""
    return {
        "person": item.person_id, "image": item.image_id, "rank": item.rank, "reasons": list(item.reasons),
        "status": item.status, "leased_by": item.leased_by, "mine": item.mine,
    }  # fmt: skip


def person_json(view) -> dict:
    """A PersonView."""
    return {
        "person": view.person_id, "image": view.image_id, "bbox": plain(view.bbox), "model": plain(view.model),
        "teacher": plain(view.teacher), "corrected": plain(view.corrected), "revision": view.revision,
        "status": view.status, "comment": view.comment, "reasons": list(view.reasons),
        "neighbours": list(view.neighbours), "start": plain(view.start), "origin": view.origin,
    }  # fmt: skip


def revision_json(revision) -> dict:
    """A Revision."""
    return {
        "id": revision.id, "kind": revision.kind, "author": revision.author, "created": revision.created,
        "comment": revision.comment, "status": revision.status, "points": plain(revision.points),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """Arrays and nested values as JSON can hold them; numbers that are none become null."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
