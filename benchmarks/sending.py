"""Handing messages over, against what a developer would else reach for.

Every way sends one message of its own to each person, to a sink on the same machine, in one, two and
four processes. Ours does all that is promised: consent asked again and a durable mark before each,
the outcome noted after it. The rival that keeps an account, django-post_office, does so by batches.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from typing import Any

from django.db import connection
from django.utils import timezone

from .sink import Sink

# People, rounds, and how many processes at once.
SIZES = {"small": (60, 1, (1,)), "full": (5_000, 3, (1, 2, 4))}
RIVALS = ("post_office", "plain Django", "floor")
OURS = ("ours", "ours, 50 in doubt")


def run(size: str) -> list[str]:
    """Print how fast each way is beside the others; return what was wrong."""
    people, rounds, workers = SIZES[size]
    wrong: list[str] = []
    fill(people)
    print("| messages a second | workers | median | times post_office | CPU us each | most MB |")
    print("|---|---|---|---|---|---|")
    with Sink() as sink:
        for number in workers:
            found: dict[str, list[tuple[float, float, int]]] = {}
            for _round in range(rounds):
                for way in (*OURS, *RIVALS):
                    found.setdefault(way, []).append(_once(way, number, people, sink, wrong))
            base = statistics.median(rate for rate, *_ in found["post_office"])
            for way, rows in found.items():
                rate, cpu, most = (statistics.median(column) for column in zip(*rows, strict=True))
                print(
                    f"| {way} | {number} | {rate:,.0f} | {rate / base:.1f} | {cpu:.0f} | {most:.0f} |",
                    flush=True,
                )
    return wrong


def _once(
    way: str, number: int, people: int, sink: Sink, wrong: list[str]
) -> tuple[float, float, int]:
    """Let so many processes send to everybody; return the rate, CPU microseconds each, memory."""
    prepare(way, people)
    sink.taken()
    is_one = way == "post_office"  # It makes its own processes.
    places = range(1 if is_one else number)
    senders = [_sender(way, place, number, people, sink.port) for place in places]
    for sender in senders:
        assert sender.stdout and sender.stdout.readline() == "ready\n"
    for sender in senders:
        assert sender.stdin
        print(file=sender.stdin, flush=True)
    ends = [sender.communicate()[0].split() for sender in senders]
    seconds = max(float(end[0]) for end in ends)
    cpu = sum(float(end[1]) for end in ends)
    messages, reached = sink.taken()
    if (messages, reached) != (people, people):
        wrong.append(f"{way}, {number} workers: {messages} messages to {reached} of {people}")
    return people / seconds, cpu / people * 1e6, max(int(end[2]) for end in ends)


def _sender(way: str, place: int, number: int, people: int, port: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.sending_settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "SINK_PORT": str(port),
        "IN_DOUBT": "50" if "50" in way else "1",
        "PROCESSES": str(number),
        "SHARE": f"{place} {number} {people}",
    }
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "benchmarks.sender", way]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, stderr=quiet, text=True
    )


# What there is to send


def letter() -> tuple[str, str, str]:
    """Headers, text and HTML of about the size of one of our invitations."""
    from wagtail_engagement.models import Invitation

    frozen = Invitation.objects.get().rendered
    return "Subject: Bus routes", frozen["text"], frozen["html"]


def address(number: int) -> str:
    return f"person{number}@example.com"


def people_of_worker() -> list[str]:
    """The share of one of several processes."""
    place, workers, people = map(int, os.environ["SHARE"].split())
    return [address(number) for number in range(place, people, workers)]


def fill(people: int) -> None:
    from tests.factories import UserFactory
    from tests.site import add_consultation
    from wagtail_engagement.invitations import sending
    from wagtail_engagement.models import ContactPermission, Delivery, Invitation, Participant

    for model in (Delivery, Invitation, ContactPermission, Participant):
        model.objects.all().delete()
    made = [Participant(email=address(n), address_key=address(n)) for n in range(people)]
    Participant.objects.bulk_create(made)
    granted = {"purpose": "invite", "may_write": True, "reason": "granted"}
    ContactPermission.objects.bulk_create(
        ContactPermission(participant=person, since=timezone.now(), **granted) for person in made
    )
    editor, now = UserFactory(), timezone.now()
    draft = sending.create_for(consultation=add_consultation().consultation, actor=editor, at=now)
    draft.opening = (
        "<p>The bus routes of the town change next spring. Tell us what you need.</p>" * 9
    )
    draft.save()
    sending.start(invitation=draft, shown_count=people, actor=editor, at=now)


def prepare(way: str, people: int) -> None:
    """Let everybody wait again."""
    from post_office.models import STATUS, Email

    from wagtail_engagement.models import Delivery, Invitation, Link, SendingLimit

    SendingLimit.objects.all().delete()

    if way in OURS:
        fresh: dict[str, Any] = {"state": "pending", "owner": "", "attempt": 0, "handed_at": None}
        Delivery.objects.update(retry_at=timezone.now(), lease_until=None, **fresh)
        Invitation.objects.update(status="sending", finished_at=None)
        Link.objects.all().delete()
    if way == "post_office":
        Email.objects.all().delete()
        _headers, text, html = letter()
        Email.objects.bulk_create(
            Email(
                from_email="engage@example.gov.uk",
                to=[address(number)],
                subject="Bus routes",
                message=text,
                html_message=html,
                status=STATUS.queued,
            )
            for number in range(people)
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
