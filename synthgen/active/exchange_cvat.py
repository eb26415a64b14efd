"""CVAT's XML for images (version 1.1) with skeletons: one element per person, one per point, by name.

`outside` stands for visibility 0, `occluded` for 1. The number of the person and the comment travel as attributes,
which the label declares. Parsed without entities or external references.
"""

import io
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np

from synthgen.active.errors import ProjectError
from synthgen.active.exchange import Person, Picture, box_about, row_of
from synthgen.keypoints import spinetrack
from synthgen.shards import write_atomic

LABEL, NUMBER, COMMENT = "person", "person_id", "comment"
_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)  # bombs and references need one
_MOST_BYTES = 2_000_000_000


def write(pictures: list[Picture], path: Path, final: bool, model: str) -> None:
    """An XML file, or a .zip with annotations.xml in it, as CVAT exports them."""
    source = "manual" if final else "auto"
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>", _meta()]
    names = spinetrack().names
    for number, picture in enumerate(pictures):
        size = f'width="{picture.width}" height="{picture.height}"'
        lines.append(f'  <image id="{number}" name={quoteattr(picture.name)} {size}>')
        for person in picture.people:
            lines.append(f'    <skeleton label="{LABEL}" source="{source}" z_order="0">')
            for name, (x, y, seen, _) in zip(names, person.points, strict=True):
                flags = f'occluded="{int(seen == 1)}" outside="{int(seen == 0)}"'
                lines.append(
                    f'      <points label="{name}" source="{source}" {flags} points="{x:.4f},{y:.4f}"></points>'
                )
            if person.number is not None:
                lines.append(f'      <attribute name="{NUMBER}">{person.number}</attribute>')
            if person.comment:
                lines.append(f'      <attribute name="{COMMENT}">{_escaped(person.comment)}</attribute>')
            lines.append("    </skeleton>")
        lines.append("  </image>")
    data = ("\n".join([*lines, "</annotations>"]) + "\n").encode()
    if path.suffix.lower() == ".zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("annotations.xml"), data, zipfile.ZIP_DEFLATED)
        data = buffer.getvalue()
    write_atomic(path, data)


def _meta() -> str:
    """The labels, as a task that takes the file must declare them."""
    lines = ["  <meta>", "    <task>", "      <labels>", "        <label>", f"          <name>{LABEL}</name>"]
    lines += ["          <type>skeleton</type>", "          <attributes>"]
    for name in (NUMBER, COMMENT):
        lines.append(
            f"            <attribute><name>{name}</name><mutable>False</mutable><input_type>text</input_type>"
            "<default_value></default_value><values></values></attribute>"
        )
    lines += ["          </attributes>", "        </label>"]
    for name in spinetrack().names:
        kind = f"<type>points</type><attributes></attributes><parent>{LABEL}</parent>"
        lines.append(f"        <label><name>{name}</name>{kind}</label>")
    return "\n".join([*lines, "      </labels>", "    </task>", "  </meta>"])


def read(path: Path) -> list[Picture]:
    """People of an XML file or of an archive that holds one.

    Raises:
        ProjectError: not such a file, or one that declares entities.
    """
    data = _bytes(path)
    if _FORBIDDEN.search(data):
        raise ProjectError(f"{path} declares a document type or entities, which CVAT's files do not; refused")
    try:
        root = ElementTree.fromstring(data)
        if root.tag != "annotations":
            raise ProjectError(f"{path} is no file of CVAT's: its root is <{root.tag}>, not <annotations>")
        return [_picture(image) for image in root.iter("image")]
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise ProjectError(f"{path} is no XML of CVAT's for images ({type(error).__name__}: {error})") from None


def _picture(image: ElementTree.Element) -> Picture:
    people = []
    for skeleton in image.iter("skeleton"):
        points = np.zeros((37, 4))
        for point in skeleton.iter("points"):
            row = row_of(point.attrib["label"])
            if row is None or point.get("outside") == "1":
                continue
            x, _, y = point.attrib["points"].partition(",")
            points[row] = (float(x), float(y), 1 if point.get("occluded") == "1" else 2, 1.0)
        said = {a.get("name"): (a.text or "").strip() for a in skeleton.findall("attribute")}
        number = said.get(NUMBER, "")
        people.append(
            Person(points, box_about(points), int(number) if number.isdigit() else None, said.get(COMMENT, ""))
        )
    size = (int(float(image.get("width") or 0)), int(float(image.get("height") or 0)))
    return Picture(image.attrib["name"], *size, tuple(people))


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _bytes(path: Path) -> bytes:
    try:
        if path.suffix.lower() != ".zip":
            return path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(".xml")]
            if not names:
                raise ProjectError(f"{path} holds no .xml; export as 'CVAT for images 1.1'")
            if archive.getinfo(names[0]).file_size > _MOST_BYTES:
                raise ProjectError(f"{names[0]} in {path} unpacks to more than {_MOST_BYTES // 10**9} GB; refused")
            return archive.read(names[0])
    except (OSError, zipfile.BadZipFile) as error:
        raise ProjectError(f"{path} cannot be read ({error})") from None
