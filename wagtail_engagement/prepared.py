"""Statements that run for every message, which PostgreSQL plans once for each connection.

Planning a statement with many conditions takes it ten times as long as carrying it out. A plan goes
by a name that is made of its text. So where a pool hands connections around, whoever finds a plan
of that name finds the right one, and who finds none has the statement run as it is.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, utils

UNKNOWN, KNOWN = "26000", "42P05"  # SQLSTATE: no such plan, and there is one already.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def execute(sql: str, values: list[Any]) -> int:
    """Run one statement in a transaction of its own; return how many rows it changed."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        prepare, run = _named(sql)
        try:
            _plan(prepare)
            return _run(run, values)
        except utils.Error as error:
            if _state(error) != UNKNOWN:
                raise
    return _run(sql, values)


def _plan(prepare: str) -> None:
    connection.ensure_connection()
    known = _known.setdefault(connection.connection, set())
    if prepare not in known:
        try:
            _run(prepare, None)
        except utils.Error as error:
            if _state(error) != KNOWN:
                raise
        known.add(prepare)


@cache
def _named(sql: str) -> tuple[str, str]:
    """What makes the plan of a statement, and what runs it."""
    name = f"engagement_{hashlib.sha256(sql.encode()).hexdigest()[:32]}"
    places = itertools.count(1)
    numbered = re.sub("%s", lambda _hole: f"${next(places)}", sql)
    holes = ", ".join(["%s"] * (next(places) - 1))
    return f"PREPARE {name} AS {numbered}", f"EXECUTE {name} ({holes})"


def _run(sql: str, values: list[Any] | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _state(error: BaseException) -> str | None:
    """The code of an error, as the newer or the older driver names it."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
