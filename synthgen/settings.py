"""Strict dataclasses <-> plain data: unknown keys, wrong types and impossible values are errors that say what to do.

Generic over frozen dataclasses whose fields are float, int, str, bool, tuples and dicts of those, Literal, `| None`, or
further dataclasses. What a type cannot say (units, ranges, allowed names) comes as a table of rules by dotted key.
A field with metadata digest=False cannot change a single byte of a dataset and stays out of the digest.
"""

import dataclasses
import difflib
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from biomech.errors import ConfigError
from biomech.plain_yaml import load_yaml

_UNIONS = (typing.Union, types.UnionType)


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice (plain YAML silently keeps the last)."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict:
    seen: dict = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise ConfigError(f"line {key_node.start_mark.line + 1}: the key '{key}' is given twice; keep one")
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def parse_yaml(text: str, where: str) -> Any:
    """YAML text -> plain data. ConfigError names `where` and the line."""
    try:
        return load_yaml(text, _StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{where}{line}: not valid YAML ({getattr(error, 'problem', None) or error})") from None
    except ConfigError as error:
        raise ConfigError(f"{where}, {error}") from None


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint that names the closest known name, or lists them all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is allowed under one key, and what it means.

    Attributes:
        meaning: one line for the comment in the defaults file.
        unit: "px", "m", "share" .. or "".
        low, high: bounds of every number under the key; None for open.
        choices: allowed texts, or allowed names of a group; empty for any.
        interval: pairs of numbers are "lowest, highest" and must be in that order.
    """

    meaning: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    interval: bool = True


class Reader:
    """Builds dataclasses from plain data under a table of rules (dotted key -> Rule)."""

    def __init__(self, rules: Mapping[str, Rule] | None = None, default: Rule | None = None) -> None:
        self.rules = rules or {}
        self.default = default or Rule()  # of keys without a rule of their own

    def build(self, kind: type, data: Any, path: str = "", base: Any = None) -> Any:
        """Plain data -> an instance of the dataclass `kind`; what is left out keeps `base`'s value or the default.

        Raises ConfigError naming the dotted key, what was given and what is allowed.
        """
        if data is None:
            data = {}
        if not isinstance(data, Mapping):
            raise ConfigError(f"'{path or 'config'}' must be a group of keys, got {_show(data)}")
        names = [f.name for f in dataclasses.fields(kind)]
        hints = typing.get_type_hints(kind)
        values = {}
        for key, value in data.items():
            dotted = _join(path, key)
            if key not in names:
                raise ConfigError(f"unknown key '{dotted}'; {nearest(str(key), names)}")
            old = getattr(base, key) if base is not None else None
            values[key] = self._coerce(hints[key], value, dotted, self.rules.get(dotted, self.default), old)
        try:
            return dataclasses.replace(base, **values) if base is not None else kind(**values)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"'{path or 'config'}': {error}") from None

    def override(self, instance: Any, assignments: Sequence[str]) -> Any:
        """Apply "a.b=value" texts, last one wins; one entry of a group is set by naming it: "weights.squat=2"."""
        for text in assignments:
            dotted, equals, raw = text.partition("=")
            if not equals or not dotted.strip():
                raise ConfigError(f"'{text}' is no setting; write key=value, for example poses=100")
            value = parse_yaml(raw, f"value of '{dotted.strip()}'")
            instance = self._set(instance, dotted.strip().split("."), value, "")
        return instance

    def _set(self, instance: Any, keys: list[str], value: Any, path: str) -> Any:
        head, rest = keys[0], keys[1:]
        dotted = _join(path, head)
        names = [f.name for f in dataclasses.fields(instance)]
        if head not in names:
            raise ConfigError(f"unknown key '{dotted}'; {nearest(head, names)}")
        old = getattr(instance, head)
        if rest and dataclasses.is_dataclass(old):
            inner = self._set(old, rest, value, dotted)
            try:
                return dataclasses.replace(instance, **{head: inner})
            except (ValueError, TypeError) as error:
                raise ConfigError(f"'{path or 'config'}': {error}") from None
        if rest and isinstance(old, dict):
            value = {**old, ".".join(rest): value}
        elif rest:
            raise ConfigError(f"'{dotted}' has no keys below it, got '{_join(dotted, '.'.join(rest))}'")
        return self.build(type(instance), {head: value}, path, instance)

    def _coerce(self, hint: Any, value: Any, path: str, rule: Rule, base: Any = None) -> Any:
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if dataclasses.is_dataclass(hint):
            return self.build(typing.cast(type, hint), value, path, base)
        if origin in _UNIONS:
            if value is None and type(None) in args:
                return None
            return self._coerce(next(a for a in args if a is not type(None)), value, path, rule)
        if origin is typing.Literal:
            if value not in args:
                raise ConfigError(f"'{path}' is {_show(value)}; {nearest(str(value), [str(a) for a in args])}")
            return value
        if origin is tuple:
            return self._tuple(args, value, path, rule)
        if origin is dict:
            return self._dict(args[1], value, path, rule)
        return _scalar(hint, value, path, rule)

    def _tuple(self, args: tuple, value: Any, path: str, rule: Rule) -> tuple:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"'{path}' must be a list such as [1, 2], got {_show(value)}")
        endless = len(args) == 2 and args[1] is Ellipsis
        kinds = [args[0]] * len(value) if endless else args
        if len(kinds) != len(value):
            raise ConfigError(f"'{path}' must have {len(kinds)} values, got {_show(value)}")
        pairs = enumerate(zip(kinds, value, strict=True))
        items = tuple(self._coerce(kind, item, f"{path}[{i}]", rule) for i, (kind, item) in pairs)
        numbers = len(items) == 2 and not endless and all(k in (int, float) for k in kinds)
        if numbers and rule.interval and items[0] > items[1]:
            raise ConfigError(f"'{path}' is {_show(value)}, an empty range; give the lower bound first")
        return items

    def _dict(self, kind: Any, value: Any, path: str, rule: Rule) -> dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"'{path}' must be a group of 'name: value' lines, got {_show(value)}")
        for key in value:
            if rule.choices and str(key) not in rule.choices:
                raise ConfigError(f"unknown key '{_join(path, key)}'; {nearest(str(key), rule.choices)}")
        inner = dataclasses.replace(rule, choices=())
        return {str(k): self._coerce(kind, v, _join(path, k), inner) for k, v in value.items()}


def _scalar(hint: Any, value: Any, path: str, rule: Rule) -> Any:
    unit = f" ({rule.unit})" if rule.unit else ""
    if hint is float and isinstance(value, str):
        try:  # YAML reads 1e-3 as text
            value = float(value)
        except ValueError:
            pass
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        words = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise ConfigError(f"'{path}' must be {words.get(hint, hint)}{unit}, got {_show(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"'{path}' must be finite, got {value}")
    if rule.choices and value not in rule.choices:
        raise ConfigError(f"'{path}' is {_show(value)}; {nearest(str(value), rule.choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = rule.low, rule.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise ConfigError(f"'{path}' is {_show(value)}; allowed: {bounds(rule)}{unit}")
    return value


def bounds(rule: Rule) -> str:
    """The allowed numbers in words, or ""."""
    if rule.low is None and rule.high is None:
        return ""
    if rule.high is None:
        return f"at least {rule.low:.15g}"
    return f"at most {rule.high:.15g}" if rule.low is None else f"{rule.low:.15g} to {rule.high:.15g}"


_SCALARS = frozenset((float, int, str, bool, type(None)))


@lru_cache(maxsize=256)
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


def to_plain(value: Any) -> Any:
    """A dataclass -> nested dicts and lists, ready for JSON or YAML."""
    if value.__class__ in _SCALARS:  # most of what a spec holds; the rest takes ten times as long to tell apart
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in _field_names(value.__class__)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    return value


def digested(value: Any) -> Any:
    """`to_plain`, less the fields that carry digest=False."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kept = (f for f in dataclasses.fields(value) if f.metadata.get("digest", True))
        return {f.name: digested(getattr(value, f.name)) for f in kept}
    return to_plain(value)


def canonical_json(data: Any) -> str:
    """One text per value: sorted keys, no spaces, shortest round-trip floats."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def digest(value: Any) -> str:
    """sha256 of what can change a dataset."""
    return hashlib.sha256(canonical_json(digested(value)).encode()).hexdigest()


def diff(old: Any, new: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Differing keys of two plain values as (dotted key, old, new); a key only one side has shows as None."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found = []
        for key in sorted({*old, *new}):
            found += diff(old.get(key), new.get(key), _join(path, key))
        return found
    return [] if old == new else [(path, old, new)]


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _show(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
