"""Find the row of headings in a sheet: under titles, export notes and blank lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

LOOK_AT = 40  # rows from the top; deeper preambles are for a person to point out
_BELOW = 20

_KNOWN = re.compile(
    r"\b(e-?mail|email|mail|e-post|ebost|name|names|surname|forename|first|last|given|family|"
    r"post ?code|zip|address|phone|tel|telephone|mobile|title|date|timestamp|time|id|ref|interests?|"
    r"interested|tags?|topics?|consent|contact|opt|permission|subscribed|unsubscribed|status|"
    r"notes?|comments?|organisation|organization|company|ward|area|age|gender|enw)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+£$€(]?\s*\d[\d\s.,%/:()+-]*$")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[ ./-](\d{1,2}|[A-Za-z]{3,9})[ ./-]\d{2,4}\b|\+?\d[\d ]{6,}$"
)


def _shape(cell: str) -> str:
    """What a cell looks like: "", "email", "value" (a number, a date) or "text"."""
    text = cell.strip()
    if not text:
        return ""
    if "@" in text and " " not in text.strip("<> "):
        return "email"
    plain = not (_NUMBER.match(text) or _DATE.match(text) or text in ("TRUE", "FALSE"))
    return "text" if plain else "value"


def _agreement(row: Sequence[str], below: Sequence[Sequence[str]]) -> int:
    """Count the columns whose cells below look alike, and unlike their heading."""
    found = 0
    for index, cell in enumerate(row):
        if _shape(cell) != "text":
            continue
        shapes = [shape for other in below if (shape := _shape("".join(other[index : index + 1])))]
        for shape, worth in (("email", 3), ("value", 1)):
            if shapes.count(shape) * 2 > len(shapes):
                found += worth
    return found


def _score(row: Sequence[str], below: Sequence[Sequence[str]]) -> int:
    shapes = [_shape(cell) for cell in row]
    texts = {
        cell.strip().casefold()
        for cell, shape in zip(row, shapes, strict=True)
        if shape == "text" and len(cell) <= 150
    }
    known = sum(1 for text in texts if _KNOWN.search(text) and len(text) <= 60)
    data = shapes.count("email") * 10 + shapes.count("value") * 3
    return len(texts) + 2 * known + _agreement(row, below) - data


def find(rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the row of headings among the first rows of a sheet; None without one.

    A row earns by short, distinct words, by words that lists of people use, and by columns
    whose cells below are of another kind; addresses and numbers speak against it. It loses
    one for each wide row above it, so that of two rows of headings the upper one stands
    unless the lower one says more.
    """
    filled = [index for index, row in enumerate(rows[:LOOK_AT]) if any(map(str.strip, row))]
    widths = {index: sum(map(bool, map(str.strip, rows[index]))) for index in filled}
    widest = max(widths.values(), default=0)
    best, found, wide_above = 0, None, 0
    for place, index in enumerate(filled):
        below = [rows[other] for other in filled[place + 1 : place + 1 + _BELOW]]
        score = _score(rows[index], below) - wide_above
        if widths[index] * 3 < widest or (widths[index] == 1 < widest):
            score = 0  # a title or a note, not a row of headings
        if score > best:
            best, found = score, index
        wide_above += widths[index] > 1 or widest == 1
    return found
