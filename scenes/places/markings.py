"""Lines of sports grounds, exact to their rules (scenes/data/markings.csv); the middle at the origin, x is long."""

import csv
from functools import cache
from importlib import resources

import numpy as np

from scenes.places.layout import LINE_Y
from scenes.places.shapes import Piece, arc, ground, line


@cache
def measures(sport: str) -> dict[str, float]:
    """name -> m for one sport.

    Raises:
        KeyError: the table has no such sport.
    """
    text = (resources.files("scenes") / "data" / "markings.csv").read_text(encoding="utf-8")
    found = {row["name"]: float(row["value_m"]) for row in csv.DictReader(text.splitlines()) if row["sport"] == sport}
    if not found:
        raise KeyError(f"no markings for {sport!r}; data/markings.csv lists the sports")
    return found


def rectangle(x: float, z: float, wide: float) -> Piece:
    """Lines whose outer edge is a rectangle of x by z m around the middle."""
    a, b = (x - wide) / 2, (z - wide) / 2
    return line([(-a, -b), (a, -b), (a, b), (-a, b)], wide, LINE_Y, closed=True)


def _across(x: float, half: float, wide: float) -> Piece:
    return ground((x - wide / 2, -half), (x + wide / 2, half), LINE_Y, 50.0)


def _along(z: float, low: float, high: float, wide: float) -> Piece:
    return ground((low, z - wide / 2), (high, z + wide / 2), LINE_Y, 50.0)


def lines(sport: str) -> list[Piece]:
    """Every line of a ground; its outer edge has the length and width of the rules."""
    m = measures(sport)
    w, a, b = m["line"], m["length"] / 2, m["width"] / 2
    found = [rectangle(m["length"], m["width"], w)]
    if sport == "football":
        found += [_across(0, b - w, w), line(arc(0, 0, m["circle"] - w / 2)[:-1], w, LINE_Y, closed=True)]
        reach = np.arccos((m["penalty_depth"] - m["spot"]) / m["circle"])
        for s in (-1, 1):
            for depth, width in (("penalty_depth", "penalty_width"), ("goal_area_depth", "goal_area_width")):
                x, z = s * (a - m[depth] + w / 2), m[width] / 2 - w / 2
                found.append(line([(s * (a - w), -z), (x, -z), (x, z), (s * (a - w), z)], w, LINE_Y))
            spot = s * (a - m["spot"])
            turn = 0.0 if s < 0 else np.pi
            found.append(line(arc(spot, 0, m["circle"] - w / 2, turn - reach, turn + reach, 20), w, LINE_Y))
            found.append(line(arc(spot, 0, 0.06, steps=10)[:-1], 0.12, LINE_Y, closed=True))
    elif sport == "basketball":
        found += [_across(0, b - w, w), line(arc(0, 0, m["circle"] - w / 2, steps=36)[:-1], w, LINE_Y, closed=True)]
        for s in (-1, 1):
            x, z = s * (a - m["key_depth"] + w / 2), m["key_width"] / 2 - w / 2
            found.append(line([(s * (a - w), -z), (x, -z), (x, z), (s * (a - w), z)], w, LINE_Y))
            turn = 0.0 if s < 0 else np.pi
            found.append(line(arc(x, 0, m["circle"] - w / 2, turn - np.pi / 2, turn + np.pi / 2, 20), w, LINE_Y))
            basket, r, side = s * (a - m["basket"]), m["three_point"] - w / 2, b - m["three_point_side"] - w / 2
            reach = np.arcsin(side / r)
            bow = arc(basket, 0, r, turn - reach, turn + reach, 36)
            ends = [np.array([[s * (a - w), k[1]]]) for k in (bow[0], bow[-1])]
            found.append(line(np.vstack([ends[0], bow, ends[1]]), w, LINE_Y))
    elif sport == "tennis":
        inner = m["singles"] / 2 - w / 2
        found += [_along(s * inner, -a + w, a - w, w) for s in (-1, 1)]
        found += [_across(s * (m["service"] - w / 2), inner, w) for s in (-1, 1)]
        found.append(_along(0.0, -m["service"], m["service"], w))
    elif sport == "volleyball":
        found.append(_across(0, b - w, w))
        found += [_across(s * (m["attack"] - w / 2), b - w, w) for s in (-1, 1)]
    elif sport == "badminton":
        found += [_along(s * (m["singles"] / 2 - w / 2), -a + w, a - w, w) for s in (-1, 1)]
        for s in (-1, 1):
            found += [_across(s * (m["service"] + w / 2), b - w, w), _across(s * (a - m["long"] - w / 2), b - w, w)]
            found.append(_along(0.0, min(s * m["service"], s * a), max(s * m["service"], s * a), w))
    return found
