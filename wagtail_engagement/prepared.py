"""Statements that run for every message, which PostgreSQL plans once for each connection.

Planning a statement with many conditions takes it ten times as long as carrying it out. Where a
pool hands each transaction another connection, nothing can be planned ahead: such sites tell Django
so by `DISABLE_SERVER_SIDE_CURSORS`; in those that do not, the first such error is the last.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, utils

try:
    import psycopg
    from psycopg import errors
except ImportError:  # The older driver prepares nothing by itself.
    psycopg = None  # type: ignore[assignment]

_is_pooled = False  # as far as this process has found out


def execute(sql: str, values: list[Any]) -> int:
    """Run one statement in a transaction of its own; return how many rows it changed."""
    global _is_pooled
    connection.ensure_connection()
    if _can_prepare():
        raw: Any = connection.connection
        before, raw.prepare_threshold = raw.prepare_threshold, 0
        try:
            with connection.make_cursor(psycopg.Cursor(raw)) as cursor:  # type: ignore[arg-type]
                cursor.execute(sql, values)
                return int(cursor.rowcount)
        except utils.Error as error:
            if not _is_about_plans(error):
                raise
            _is_pooled = True
        finally:
            raw.prepare_threshold = before
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def _can_prepare() -> bool:
    raw: Any = connection.connection
    return (
        psycopg is not None
        and isinstance(raw, psycopg.Connection)
        and not connection.in_atomic_block  # An error there could not be made good.
        and not connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]
        and not _is_pooled
    )


def _is_about_plans(error: BaseException) -> bool:
    """Whether the server knows nothing of the plan, and so did nothing."""
    known = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
    return isinstance(error.__cause__, known)
