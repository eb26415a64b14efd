"""Just enough of JSON Schema to hold plausibility.json against its schema."""


def problems(value, schema, root, path="$"):
    """Sentences on what departs from the schema; empty where nothing does."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{path} is {value!r}, not {schema['const']!r}"]
    if "anyOf" in schema:
        return [] if any(not problems(value, each, root) for each in schema["anyOf"]) else [f"{path} fits no choice"]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
    kind = schema["type"]
    if kind in ("number", "integer"):
        fits = isinstance(value, int if kind == "integer" else int | float) and not isinstance(value, bool)
    else:
        fits = isinstance(value, kinds[kind])
    if not fits:
        return [f"{path} is {type(value).__name__}, not {kind}"]
    found = []
    if kind == "object" and "properties" in schema:
        found += [f"{path}.{name} is missing" for name in schema["required"] if name not in value]
        found += [f"{path}.{name} is unknown" for name in value if name not in schema["properties"]]
        for name, each in schema["properties"].items():
            found += problems(value[name], each, root, f"{path}.{name}") if name in value else []
    if kind == "array":
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{path} has {len(value)} items")
        for i, item in enumerate(value):
            each = (
                schema["prefixItems"][min(i, len(schema["prefixItems"]) - 1)]
                if "prefixItems" in schema
                else schema["items"]
            )
            found += problems(item, each, root, f"{path}[{i}]")
    return found
