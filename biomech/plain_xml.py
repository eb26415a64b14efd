"""A look at XML that somebody else wrote, before anything is made of it: no entities, no abysses, no floods."""

from xml.parsers import expat

MOST_BYTES = 200 * 2**20
MOST_DEPTH = 200


class ForbiddenXml(ValueError):
    """The file uses what no model needs and what can harm: its message completes "it ..."."""


def check_xml(data: bytes) -> None:
    """Walk through the text once. Text that is no XML passes: the real reader knows better what to say about it.

    Raises:
        ForbiddenXml: it declares a document type (entities that grow, files it would draw in), nests too deeply or is
            too large.
    """
    if len(data) > MOST_BYTES:
        raise ForbiddenXml(f"it has {len(data) >> 20} MB, more than {MOST_BYTES >> 20}")
    depth = 0

    def refuse(*_: object) -> None:
        raise ForbiddenXml("it declares a document type (<!DOCTYPE>), which could define entities")

    def enter(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > MOST_DEPTH:
            raise ForbiddenXml(f"its elements nest deeper than {MOST_DEPTH} levels")

    def leave(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        return
