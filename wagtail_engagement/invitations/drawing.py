"""Who is invited where not everybody is. Reads tables, writes none.

At random means that everybody has the same chance, and that each area has its share: people of an
area are put in a random order and spread evenly over the draw, from a random start, so that also
somebody who lives alone in an area has a chance. People without an area are an area of their own.
"""

from __future__ import annotations

import math
from typing import Any

from django.db.models.functions import Lower, Random

from . import affinity
from .audience import INCLUDED, Audience
from .models import Invitation

# One in five is drawn at random also among likely ones, so that new voices come in.
NEW_VOICES = 0.2


def invited(audience: Audience) -> tuple[str, tuple[Any, ...]]:
    """Return the SQL, with its values, for those who are invited.

    Its columns are `person`, and `chosen`, which `affinity.in_words` reads.
    """
    if audience.at_most is None:
        everybody, values = audience.numbers(INCLUDED).query.sql_with_params()
        return f"SELECT person, '' AS chosen FROM ({everybody}) everybody", values  # noqa: S608
    return _draw(audience, audience.at_most)


def likely_places(audience: Audience, places: int) -> int:
    """How many of the places go to who is most likely to take part."""
    if audience.chosen_by != Invitation.Chosen.LIKELY:
        return 0
    return places - math.ceil(places * NEW_VOICES)


def _draw(audience: Audience, places: int) -> tuple[str, tuple[Any, ...]]:
    """Those whom the law says to tell, then the likely ones, then who is drawn.

    In no order in the end, so that those whom a stopped invitation reached are a fair draw too.
    """
    is_likely = audience.chosen_by == Invitation.Chosen.LIKELY
    known = affinity.facts(audience) if is_likely else {}
    rows = audience.could_be_invited().annotate(
        home=Lower("participant__area"), chance=Random(), start=Random(), **known
    )
    columns = ["person", "must", "home", "chance", "start", *known]
    people, values = rows.order_by().values(*columns).query.sql_with_params()
    points = affinity.POINTS if known else "0"
    likely = f"CASE WHEN {affinity.KNOWN} THEN {affinity.LIKELY_CODE} ELSE '{affinity.RANDOM}' END"
    code = likely if known else f"'{affinity.RANDOM}'"
    sql = f"""
        WITH ranked AS (
            SELECT could.*, ROW_NUMBER() OVER (ORDER BY must DESC, {points} DESC, chance) AS rank
            FROM ({people}) could
        ), turns AS (
            SELECT ranked.*,
                CASE WHEN must THEN 1 WHEN rank <= {likely_places(audience, places)} THEN 2
                ELSE 3 END AS turn
            FROM ranked
        ), spread AS (
            SELECT turns.*,
                (ROW_NUMBER() OVER area - FIRST_VALUE(start) OVER area)
                / COUNT(*) OVER (PARTITION BY turn, home) AS place
            FROM turns WINDOW area AS (PARTITION BY turn, home ORDER BY chance)
        ), numbered AS (
            SELECT spread.*, ROW_NUMBER() OVER (ORDER BY turn, place, chance) AS number FROM spread
        )
        SELECT person,
            CASE turn WHEN 1 THEN '{affinity.TOLD}' WHEN 2 THEN {code}
            ELSE '{affinity.RANDOM}' END AS chosen
        FROM numbered WHERE turn = 1 OR number <= {places} ORDER BY chance
    """  # noqa: S608  own names and whole numbers alone
    return sql, values
