"""Scratch databases: which ones there are, and one made anew for a run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import dj_database_url
import psycopg
from django.test.utils import setup_databases, teardown_databases

USUAL = "postgres://postgres@127.0.0.1:5432/postgres"


def found() -> list[str]:
    """SQLite, and the PostgreSQL that DATABASE_URL names, else this machine's if it answers."""
    address = os.environ.get("DATABASE_URL", USUAL)
    wanted = dj_database_url.parse(address)
    if "postgresql" not in wanted["ENGINE"]:
        return [""]
    if not _answers(wanted):
        print(f"PostgreSQL is left out: none answers at {wanted['HOST']}:{wanted['PORT']}.")
        return [""]
    return ["", address]


def _answers(wanted: dj_database_url.DBConfig) -> bool:
    try:
        psycopg.connect(
            host=wanted["HOST"],
            port=wanted["PORT"] or None,
            user=wanted["USER"],
            password=wanted["PASSWORD"],
            dbname="postgres",
            connect_timeout=3,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


@contextlib.contextmanager
def scratch() -> Iterator[None]:
    """Make a database for one run, and remove it."""
    made = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)
