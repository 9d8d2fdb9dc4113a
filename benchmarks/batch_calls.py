"""One call to a provider for many people, against a call for each; both as our worker does it.

The provider is a process on the same machine that answers at once, so that nothing is won by
waiting less often: what is saved is work. Over a network a call for each waits for each.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from django.db import connection

from . import sending
from .sink import Sink

PROVIDERS = {"mailgun": 500, "sendgrid": 500, "mailjet": 50}
# People and rounds.
SIZES = {"small": (60, 1), "full": (5_000, 3)}


def run(size: str) -> list[str]:
    """Print how many times as fast a batch is; return what was wrong."""
    people, rounds = SIZES[size]
    wrong: list[str] = []
    sending.fill(people)
    print(
        "| provider | people a call | times a call for each | CPU of one, us | CPU of a batch, us |"
    )
    print("|---|---|---|---|---|")
    with Sink("benchmarks.http_sink") as sink:
        for provider, most in PROVIDERS.items():
            found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
            for _round in range(rounds):
                for is_batch, rows in found.items():
                    rows.append(_once(provider, most, is_batch, people, sink, wrong))
            alone, batch = (
                [statistics.median(column) for column in zip(*rows, strict=True)]
                for rows in found.values()
            )
            cells = f"{most} | {batch[0] / alone[0]:.1f} | {alone[1]:.0f} | {batch[1]:.0f}"
            print(f"| {provider} | {cells} |", flush=True)
    return wrong


def _once(
    provider: str, most: int, is_batch: bool, people: int, sink: Sink, wrong: list[str]
) -> tuple[float, float]:
    """Send to everybody; return the messages a second, and CPU microseconds each."""
    sending.prepare("ours", people)
    sink.taken()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.sending_settings",
        "BENCH_DATABASE": str(connection.settings_dict["NAME"]),
        "SINK_PORT": str(sink.port),
        "PROVIDER": provider,
        "IN_DOUBT": str(most),
        **({"BATCH_CALLS": "1"} if is_batch else {}),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.sender", "ours"],
        env=environment,
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, cpu = map(float, ended.stdout.splitlines()[-1].split()[:2])
    messages, reached = sink.taken()
    if (messages, reached) != (people, people):
        wrong.append(f"{provider}: {messages} messages to {reached} of {people} people")
    return people / seconds, cpu / people * 1e6
