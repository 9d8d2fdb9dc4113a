"""The worker: sends what waits, for as long as it runs."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections

from ... import work

logger = logging.getLogger(__name__)

POLL_SECONDS = 5
LONGEST_WAIT_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Sends what waits: confirmations, links and invitations. Runs until it is told to stop;"
        " with --once until nothing is due. Any number may run, on any number of machines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop when nothing is due.")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = work.new_owner()
        with _stopped_by_signals() as stopping:
            if options["once"]:
                _until_nothing_is_due(owner, stopping)
                return
            self.stdout.write(f"Worker {owner} is running. Stop it with Ctrl-C.")
            _until_told_to_stop(owner, stopping)
            self.stdout.write("The worker has stopped. What it had not sent waits for the next.")


def _until_nothing_is_due(owner: str, stopping: threading.Event) -> None:
    try:
        while not stopping.is_set() and any(
            work.drain(owner=owner, stopping=stopping.is_set).values()
        ):
            pass
    except DatabaseError as error:
        raise CommandError(f"The database gave up: {type(error).__name__}") from error


def _until_told_to_stop(owner: str, stopping: threading.Event) -> None:
    wait = POLL_SECONDS
    while not stopping.is_set():
        close_old_connections()
        try:
            was_busy = any(work.drain(owner=owner, stopping=stopping.is_set).values())
            wait = POLL_SECONDS
        except DatabaseError as error:
            # The database restarts, or another process holds SQLite's lock: what was leased is
            # given back when the lease is over.
            logger.warning("The database gave up (%s); trying again.", type(error).__name__)
            connections.close_all()
            was_busy = False
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        if not was_busy:
            stopping.wait(wait)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Finish the message in hand, then stop. Who calls us as a task gets its own handlers back."""
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # Only the main thread is told of signals.
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_args: stopping.set()) for number in numbers}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
