"""Two at the same moment on PostgreSQL: one acts while what the other did is not committed yet."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

one_at_a_time = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite writes one at a time"
)


def is_blocked(task):
    """Wait until a thread waits for a lock of ours; False if it is done without."""
    by_us = "SELECT 1 FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        while not task.done():
            cursor.execute(by_us)
            if cursor.fetchone():
                return True
            time.sleep(0.01)
    return False


def alone(act):
    """Do something in a thread, with its connection closed at the end."""
    try:
        act()
    finally:
        connection.close()


def meanwhile(first, then):
    """Begin with `then` in a thread while `first` is done and not committed yet."""
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        first()
        task = pool.submit(alone, then)
        is_blocked(task)
        transaction.on_commit(lambda: task.result(timeout=20))
