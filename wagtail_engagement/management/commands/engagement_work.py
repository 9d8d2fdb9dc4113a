"""The worker: sends what waits, for as long as it runs."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections, connections
from django.utils import timezone

from ... import work
from ...line import Line

logger = logging.getLogger(__name__)

POLL_SECONDS = 5
LONGEST_WAIT_SECONDS = 60
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    help = (
        "Sends what waits: confirmations, links and invitations. Runs until it is told to stop;"
        " with --once until nothing is due. Any number may run, on any number of machines."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop when nothing is due.")
        parser.add_argument(
            "--concurrency",
            type=int,
            default=1,
            metavar="N",
            help="Run so many workers, each in a process of its own, and start again any that dies.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        number = options["concurrency"]
        if number < 1:
            raise CommandError("--concurrency takes a number from 1.")
        if number > 1 and options["once"]:
            raise CommandError("--once runs alone; start it several times for more.")
        with _stopped_by_signals() as stopping:
            if options["once"]:
                _until_nothing_is_due(work.new_owner(), stopping)
            elif number > 1:
                self.stdout.write(f"{number} workers are running. Stop them with Ctrl-C.")
                _several(number, stopping)
                self.stdout.write("All workers have stopped. What they had not sent waits.")
            else:
                owner = work.new_owner()
                self.stdout.write(f"Worker {owner} is running. Stop it with Ctrl-C.")
                _until_told_to_stop(owner, stopping)
                self.stdout.write(
                    "The worker has stopped. What it had not sent waits for the next."
                )


def _until_nothing_is_due(owner: str, stopping: threading.Event) -> None:
    line = Line()
    try:
        while not stopping.is_set() and any(
            work.drain(owner=owner, stopping=stopping.is_set, line=line).values()
        ):
            pass
    except DatabaseError as error:
        raise CommandError(f"The database gave up: {type(error).__name__}") from error
    finally:
        line.close()


def _until_told_to_stop(owner: str, stopping: threading.Event) -> None:
    line = Line()
    pause: float = POLL_SECONDS
    while not stopping.is_set():
        close_old_connections()
        try:
            done = work.drain(owner=owner, stopping=stopping.is_set, line=line)
            was_busy = any(done.values())
            pause = work.seconds_to_wait(at=timezone.now(), most=POLL_SECONDS)
        except DatabaseError as error:
            # The database restarts, or another process holds SQLite's lock: what was leased is
            # given back when the lease is over.
            logger.warning("The database gave up (%s); trying again.", type(error).__name__)
            connections.close_all()
            was_busy = False
            pause = min(max(pause, POLL_SECONDS) * 2, LONGEST_WAIT_SECONDS)
        if not was_busy:
            line.close()  # A server hangs up on who is silent.
            stopping.wait(pause)
    line.close()


def _several(number: int, stopping: threading.Event) -> None:
    """Keep so many workers running until told to stop, then let each finish what it has in hand."""
    connections.close_all()  # A connection must not be shared with a child.
    fork = multiprocessing.get_context("fork")

    def started() -> Any:
        process = fork.Process(target=_one_of_several)
        process.start()
        return process

    workers = [started() for _ in range(number)]
    while not stopping.is_set():
        for place, worker in enumerate(workers):
            if not worker.is_alive():
                logger.warning("A worker died (exit code %s); starting another.", worker.exitcode)
                workers[place] = started()
        stopping.wait(1)
    while any(worker.is_alive() for worker in workers):
        for worker in workers:
            worker.terminate()  # Again, for one that was just starting has not heard the first.
            worker.join(1)


def _one_of_several() -> None:
    with _stopped_by_signals() as stopping:
        _until_told_to_stop(work.new_owner(), stopping)
    connections.close_all()


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Finish the message in hand, then stop. Who calls us as a task gets its own handlers back."""
    stopping = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # Only the main thread is told of signals.
        return
    before = {number: signal.signal(number, lambda *_args: stopping.set()) for number in SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
