"""Senders killed at moments that nobody chose, and what became of everybody they should write to.

A real mail server takes each message after up to 20 ms and says who got what. Whoever got nothing
although the sender's books say otherwise is lost; whoever got more than one copy is counted by the
copies too many; in doubt are those of whom the books say that nobody can tell.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.utils import timezone

from tests.fault_server import FaultServer

from . import sending
from .nursery import Nursery, Sender

# People, and kills of each sender.
SIZES = {"small": (40, 1), "full": (1_000, 30)}
WORKERS = 4
ROUNDS = 60
LEASE = 2


@dataclass(frozen=True)
class Way:
    """A sender: its command, how many at once, and what else is set for it."""

    name: str
    command: tuple[str, ...]
    workers: int
    settings: dict[str, str]
    bound: float  # copies too many, or people in doubt, that one kill may leave


OURS = ("engagement_work",)
WAYS = (
    Way("ours, hold (default)", OURS, WORKERS, {}, 1),
    Way("ours, resend", OURS, WORKERS, {"WHEN_IN_DOUBT": "resend"}, 1),
    Way("ours, hold, 10 in doubt", OURS, WORKERS, {"IN_DOUBT": "10"}, 10),
    Way("post_office", ("send_queued_mail",), 1, {}, float("inf")),
)


def run(size: str) -> list[str]:
    """Print a table; return what broke a promise of ours."""
    people, kills = SIZES[size]
    wrong: list[str] = []
    print(f"| {kills} kills, {people:,} people | workers | lost | copies too many | in doubt |")
    print("|---|---|---|---|---|")
    sending.fill(people)
    for way in WAYS:
        lost, twice, doubt = _once(way, people, kills)
        print(f"| {way.name} | {way.workers} | {lost} | {twice} | {doubt} |", flush=True)
        if way.command == OURS and (lost or twice + doubt > kills * way.bound):
            wrong.append(f"{way.name}: {lost} lost, {twice} copies too many, {doubt} in doubt")
        if "hold" in way.name and twice:
            wrong.append(f"{way.name}: {twice} copies too many")
    return wrong


def _once(way: Way, people: int, kills: int) -> tuple[int, int, int]:
    sending.prepare("post_office" if way.name == "post_office" else "ours", people)
    chance = random.Random(people + kills)
    with FaultServer() as server, Nursery(_environment(way, server.port)) as nursery:
        running = [_start(way, nursery) for _ in range(way.workers)]
        for moment in sorted(chance.sample(range(1, people * 3 // 4), kills)):
            _until(server, moment, running, way, nursery)
            victim = chance.randrange(way.workers)
            running[victim].kill()
            _wait(running[victim])
            running[victim] = _start(way, nursery)
        for sender in running:
            sender.terminate()
            _wait(sender)
        for _round in range(ROUNDS):
            if not _waiting(way):
                break
            _wait(_start(way, nursery, once=True))
            time.sleep(LEASE / 4)
        got = server.accepted
    known, doubt = _books(way)
    lost = len(known - set(got))
    return lost, sum(got.values()) - len(got), doubt


def _environment(way: Way, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.sending_settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "SINK_PORT": str(port),
        "LEASE_SECONDS": str(LEASE),
        **way.settings,
    }


def _start(way: Way, nursery: Nursery, *, once: bool = False) -> Sender:
    if way.name == "post_office":
        _unlock()
    options = ["--once"] if once and way.command == OURS else []
    return nursery.start(*way.command, *options)


def _wait(sender: Sender) -> None:
    while not sender.has_ended:
        time.sleep(0.01)


def _unlock() -> None:
    """What a person does after a crash: the lock names a process that is no more."""
    for lock in Path("/tmp").glob("post_office*.lock"):  # noqa: S108  where that package puts it
        lock.unlink(missing_ok=True)


def _until(
    server: FaultServer, number: int, running: list[Sender], way: Way, nursery: Nursery
) -> None:
    """Wait for so many messages. A sender that ends by itself, as cron's do, is started again."""
    limit = time.monotonic() + 120
    while sum(server.accepted.values()) < number and time.monotonic() < limit:
        for place, sender in enumerate(running):
            if sender.has_ended:
                running[place] = _start(way, nursery)
        time.sleep(0.01)


def _waiting(way: Way) -> bool:
    from post_office.models import STATUS, Email

    from wagtail_engagement.models import Delivery

    if way.name == "post_office":
        return Email.objects.filter(status__in=(STATUS.queued, STATUS.requeued)).exists()
    return Delivery.objects.live().filter(retry_at__lte=timezone.now()).exists()


def _books(way: Way) -> tuple[set[str], int]:
    """Whom the sender believes to have written to, and of how many it cannot tell."""
    from post_office.models import STATUS, Email

    from wagtail_engagement.models import Delivery

    if way.name == "post_office":
        return {email.to[0] for email in Email.objects.filter(status=STATUS.sent)}, 0
    rows = Delivery.objects.filter(state="accepted")
    sent = set(rows.values_list("participant__email", flat=True))
    return sent, Delivery.objects.filter(state="uncertain").count()
