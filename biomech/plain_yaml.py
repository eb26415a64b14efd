"""Reading YAML that somebody else wrote: plain data only, and no more of it than the file is long.

A file of a few lines can name a list of lists of the same list, and so on, and grow to gigabytes as soon as anyone
walks through it; or nest so deeply that the reader itself gives up. Both are refused before anything is made of them.
"""

from typing import Any

import yaml

MOST_NODES = 200_000
MOST_DEPTH = 64
MOST_CHARACTERS = 2_000_000


def load_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    """Text -> dicts, lists, texts and numbers.

    Args:
        loader: yaml.SafeLoader or one derived from it.

    Raises:
        yaml.YAMLError: not YAML, a value that its tag forbids, an alias inside itself, or too much once unfolded.
        SynthgenError: whatever a loader of ours raises.
    """
    if len(text) > MOST_CHARACTERS:
        raise yaml.YAMLError(f"{len(text):,} characters; allowed: {MOST_CHARACTERS:,}")
    reader = loader(text)
    begin = reader.fetch_flow_collection_start

    def begin_checked(kind: type) -> None:  # PyYAML's effort grows with the square of the depth
        if reader.flow_level >= MOST_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MOST_DEPTH} levels")
        begin(kind)

    setattr(reader, "fetch_flow_collection_start", begin_checked)  # noqa: B010
    try:
        node = reader.get_single_node()
        if node is None:
            return None
        _measure(node, {}, set(), 0)
        return reader.construct_document(node)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        said = (str(error).splitlines() or [""])[0]
        raise yaml.YAMLError(f"a value cannot be read: {said}") from None
    except RecursionError:
        raise yaml.YAMLError(f"nested deeper than {MOST_DEPTH} levels") from None
    finally:
        reader.dispose()


def _measure(node: yaml.Node, known: dict[int, int], open_nodes: set[int], depth: int) -> int:
    """How many nodes there are below one and itself, aliases counted each time they stand."""
    if depth > MOST_DEPTH:
        raise yaml.YAMLError(f"nested deeper than {MOST_DEPTH} levels")
    if id(node) in open_nodes:
        raise yaml.YAMLError("an alias stands inside what it names")
    if id(node) not in known:
        open_nodes.add(id(node))
        below: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            below = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            below = node.value
        known[id(node)] = 1 + sum(_measure(part, known, open_nodes, depth + 1) for part in below)
        open_nodes.discard(id(node))
        if known[id(node)] > MOST_NODES:
            raise yaml.YAMLError(f"more than {MOST_NODES} values once its aliases are unfolded")
    return known[id(node)]
