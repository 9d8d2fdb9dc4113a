"""One process that sends all that waits, in one of several ways. See `sending` for the comparison.

Prints "ready", waits for a line, sends, and prints the seconds, its CPU seconds and its most memory.
"""

from __future__ import annotations

import os
import resource
import smtplib
import sys
import time
from collections.abc import Callable


def ours() -> None:
    from django.core.management import call_command

    call_command("engagement_work", once=True)


def post_office() -> None:
    """As its command does it: with its defaults, until nothing is left.

    It makes its own processes; a second command on one machine finds the lock and leaves.
    """
    from post_office.mail import send_queued_mail_until_done

    send_queued_mail_until_done(processes=int(os.environ["PROCESSES"]))


def plain_django() -> None:
    """A loop over one connection that keeps no account of who got it."""
    from django.core.mail import EmailMultiAlternatives, get_connection

    from .sending import letter, people_of_worker

    _headers, text, html = letter()
    with get_connection() as server:
        for address in people_of_worker():
            message = EmailMultiAlternatives("Bus routes", text, to=[address], connection=server)
            message.attach_alternative(html, "text/html")
            message.send()


def floor() -> None:
    """Ready bytes over one connection: what no sender in Python can be quicker than."""
    from .sending import letter, people_of_worker

    headers, text, html = letter()
    body = f"{headers}\r\n\r\n{text}\r\n{html}".encode()
    with smtplib.SMTP("127.0.0.1", int(os.environ["SINK_PORT"])) as server:
        for address in people_of_worker():
            server.sendmail("engage@example.gov.uk", [address], body)


WAYS: dict[str, Callable[[], None]] = {
    "ours": ours,
    "ours, 50 in doubt": ours,
    "post_office": post_office,
    "plain Django": plain_django,
    "floor": floor,
}


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    way = WAYS[sys.argv[1]]
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.perf_counter(), time.process_time()
    way()
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seconds} {used} {most}", flush=True)


if __name__ == "__main__":
    main()
