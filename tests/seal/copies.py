"""Copies of the database, as backups make them: taken, and put back."""

from django.apps import apps
from django.db import connection, transaction


def tables():
    """Every table that holds something of ours or of Wagtail's log."""
    models = [*apps.get_app_config("wagtail_engagement").get_models(include_auto_created=True)]
    return [model._meta.db_table for model in models]


def take():
    """Return a copy of all rows of our tables."""
    copy = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT * FROM "{table}"')
            copy[table] = ([column[0] for column in cursor.description], cursor.fetchall())
    return copy


def put_back(copy):
    """Let the tables hold what they held when the copy was taken, and nothing else."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            cursor.execute("PRAGMA defer_foreign_keys = ON")
        for table, (names, rows) in copy.items():
            cursor.execute(f'DELETE FROM "{table}"')
            columns = ", ".join(f'"{name}"' for name in names)
            holes = ", ".join(["%s"] * len(names))
            if rows:
                cursor.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({holes})', rows)
