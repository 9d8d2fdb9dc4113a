"""Many rows in one statement, without a model instance for each: several times as fast.

`insert` asks no model for defaults and sends no signals, so that callers name every column that has to
hold something.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models, router
from django.db.models.expressions import RawSQL

COPY_FROM = 100  # rows; fewer are quicker in one INSERT


def insert(
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    same: Mapping[str, Any] | None = None,
    ignore_conflicts: bool = False,
) -> None:
    """Insert rows of values for the fields `names`; `same` holds fields that all rows share."""
    connection = connections[router.db_for_write(model)]
    shared = same or {}
    fields: list[Any] = [model._meta.get_field(name) for name in (*names, *shared)]
    ready = [_preparing(field, connection) for field in fields]
    fixed = [
        prepare(value) for prepare, value in zip(ready[len(names) :], shared.values(), strict=True)
    ]
    varying = ready[: len(names)]
    lines = [
        [prepare(value) for prepare, value in zip(varying, row, strict=True)] + fixed
        for row in rows
    ]
    if not lines:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    tail = "ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            holes = ", ".join(["%s"] * len(fields))
            cursor.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({holes}) {tail}",  # noqa: S608
                lines,
            )
        elif ignore_conflicts or len(lines) < COPY_FROM or not hasattr(cursor, "copy"):
            # COPY passes over no conflict, and older drivers have none.
            arrays = ", ".join(f"%s::{_type(field, connection)}[]" for field in fields)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) {tail}",  # noqa: S608
                [list(column) for column in zip(*lines, strict=True)],
            )
        else:
            with connection.wrap_database_errors:
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                    for line in lines:
                        copy.write_row(line)


def among(values: Collection[int] | Collection[str]) -> Any:
    """Return numbers or texts for `field__in=`: one parameter, however many they are.

    Django spends longer on a thousand parameters than the database on the rows they find.
    """
    if not values:
        return []
    kind = "bigint" if isinstance(next(iter(values)), int) else "text"
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        each = f"value::{kind} FROM json_array_elements_text(%s::json)"
    else:
        each = "value FROM json_each(%s)"
    return RawSQL(f"SELECT {each}", [json.dumps(list(values))])  # noqa: S608, S611


def as_table(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Return a SELECT that has these rows, with the types of its columns, and its parameters.

    Its text is the same for one row, and for any other number of them, so that a database can keep
    its plan. The values are as the database takes them.
    """
    if connections[DEFAULT_DB_ALIAS].vendor != "postgresql":
        each = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(columns)
        )
        return f"SELECT {each} FROM json_each(%s)", [json.dumps([list(row) for row in rows])]  # noqa: S608
    if len(rows) == 1:  # Of an array, PostgreSQL keeps no plan: it takes ten rows for granted.
        each = ", ".join(f"%s::{kind} AS {name}" for name, kind in columns.items())
        return f"SELECT {each}", list(rows[0])
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    named = ", ".join(columns)
    values = [list(column) for column in zip(*rows, strict=True)]
    return f"SELECT * FROM unnest({arrays}) AS line({named})", values  # noqa: S608


def _preparing(field: Any, connection: Any) -> Callable[[Any], Any]:
    """What makes a value ready for the database; rows share few moments and choices."""
    shared: dict[Any, Any] = {}

    def prepare(value: Any) -> Any:
        if value is None or type(value) in (int, str):
            return value  # Most values by far; a field would hand them back as they are.
        if not isinstance(value, (datetime.datetime, Enum)):
            return field.get_db_prep_save(value, connection)
        if value not in shared:
            shared[value] = field.get_db_prep_save(value, connection)
        return shared[value]

    return prepare


def _type(field: Any, connection: Any) -> str:
    """What a cast calls the type of a column; a key's own is without its sequence."""
    return str(
        field.rel_db_type(connection) if field.primary_key else field.cast_db_type(connection)
    )
