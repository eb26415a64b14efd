"""The JSON Schema of plausibility.json, written from the dataclasses of the report, so that both say the same.

`python -m synthgen.report_schema` writes it again after a change.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

from biomech.plausibility import PlausibilityReport
from synthgen.report import FORMAT
from synthgen.report_findings import Finding

SCHEMA = Path(__file__).parent / "data" / "plausibility.schema.json"
_COMMENT = re.compile(r"^    (\w+): .*?  # (.+)$", re.MULTILINE)
_NAMED = {"float": "number", "int": "integer", "str": "string", "bool": "boolean"}


def schema() -> dict[str, Any]:
    """The schema as plain data."""
    found: dict[str, Any] = {}
    report = _object(PlausibilityReport, found)
    report["properties"] = {
        "ok": {"type": "boolean", "description": "No hard limit, of a coordinate or of a region, is violated."},
        "hard_violations": {"type": "integer", "description": "Angles beyond a hard limit, over all poses."},
        **report["properties"],
    }
    report["required"] = ["ok", "hard_violations", *report["required"]]
    top = {
        "format": {"const": FORMAT},
        "version": {"type": "string", "description": "Of synthgen."},
        "input": {"type": "object", "description": "What was judged: file or dataset, digests, counts."},
        "findings": {
            "type": "array", "items": _object(Finding, found), "minItems": 10, "maxItems": 10,
            "description": "One per group, in order.",
        },
        "report": report,
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Plausibility report",
        "description": "Angles in degrees unless a unit says otherwise; null where there was too little to measure.",
        "type": "object",
        "properties": top,
        "required": list(top),
        "additionalProperties": False,
        "$defs": dict(sorted(found.items())),
    }


def text() -> str:
    """The schema file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _object(kind: type, found: dict[str, Any]) -> dict[str, Any]:
    """Schema of a dataclass; the comments behind its fields become descriptions."""
    hints = typing.get_type_hints(kind)
    said = dict(_COMMENT.findall(inspect.getsource(kind)))
    properties = {}
    for field in dataclasses.fields(kind):
        each = _of(hints[field.name], found)
        if field.name in said:
            each = {**each, "description": said[field.name]}
        properties[field.name] = each
    about = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Schema of a type: a number, a dataclass (under $defs), an optional, a tuple of fixed or open length."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        name = f"{hint.__module__.rpartition('.')[2]}.{hint.__name__}"
        if name not in found:
            found[name] = {}  # holds its place while its own fields are looked at
            found[name] = _object(hint, found)
        return {"$ref": f"#/$defs/{name}"}
    if isinstance(hint, types.UnionType):
        kinds = [_of(each, found) for each in typing.get_args(hint) if each is not type(None)]
        return {"anyOf": [*kinds, {"type": "null"}]}
    if typing.get_origin(hint) is tuple:
        items = typing.get_args(hint)
        if items[-1] is Ellipsis:
            return {"type": "array", "items": _of(items[0], found)}
        fixed = [_of(each, found) for each in items]
        return {"type": "array", "prefixItems": fixed, "minItems": len(fixed), "maxItems": len(fixed)}
    return {"type": _NAMED[hint.__name__]}


if __name__ == "__main__":
    SCHEMA.write_text(text(), encoding="utf-8", newline="\n")
