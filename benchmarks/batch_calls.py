"""One call to a provider for many people, against a call for each; both as our worker does it.

The provider is a process on the same machine that answers at once, so that nothing is won by
waiting less often: what is compared is work. Over a network a call for each also waits for each.
"""

from __future__ import annotations

import secrets
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import django
from django.test import override_settings

from wagtail_engagement.line import Line
from wagtail_engagement.mail import Receipt

from . import sending
from .sink import Sink

PROVIDERS = {"mailgun": 500, "sendgrid": 500, "mailjet": 50}
# People and rounds.
SIZES = {"small": (60, 1), "full": (2_000, 3)}


class Watched(Line):
    """A line that knows how long our own work took to hand over, waiting left out."""

    seconds = 0.0

    def hand_over(self, message: Any) -> Receipt:
        return self._watched(super().hand_over, message)  # type: ignore[no-any-return]

    def hand_over_together(self, together: Any) -> list[Receipt] | None:
        return self._watched(super().hand_over_together, together)  # type: ignore[no-any-return]

    def _watched(self, hand_over: Callable[[Any], Any], what: Any) -> Any:
        began = time.process_time()
        try:
            return hand_over(what)
        finally:
            self.seconds += time.process_time() - began


def run(size: str) -> list[str]:
    """Print how much less work a batch is; return what was wrong."""
    people, rounds = SIZES[size]
    wrong: list[str] = []
    sending.fill(people)
    print("| provider | people a call | less work handing over | less work in all |")
    print("|---|---|---|---|")
    with Sink("benchmarks.http_sink") as sink, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anymail's, about the future of one provider
        for provider, most in PROVIDERS.items():
            ratios: list[tuple[float, float]] = []
            for _round in range(rounds):
                alone, batch = (
                    _once(provider, most, is_batch, people, sink, wrong)
                    for is_batch in (False, True)
                )
                ratios.append((alone[0] / batch[0], alone[1] / batch[1]))
            handing, whole = (statistics.median(column) for column in zip(*ratios, strict=True))
            print(f"| {provider} | {most} | {handing:.1f} x | {whole:.1f} x |", flush=True)
    return wrong


def _once(
    provider: str, most: int, is_batch: bool, people: int, sink: Sink, wrong: list[str]
) -> tuple[float, float]:
    """Send to everybody; return the CPU seconds of handing over, and of all of it."""
    from django.utils import timezone

    from wagtail_engagement.invitations import sending as ours

    sending.prepare("ours", people)
    sink.taken()
    line = Watched()
    with override_settings(**_through(provider, most, is_batch, sink.port)):
        began = time.process_time()
        settled = ours.work(owner=secrets.token_hex(8), at=timezone.now(), line=line)
        seconds = time.process_time() - began
        line.close()
    messages, reached = sink.taken()
    if {settled, messages, reached} != {people}:
        wrong.append(f"{provider}: {messages} messages to {reached} of {people} people")
    return line.seconds, seconds


def _through(provider: str, most: int, is_batch: bool, port: int) -> dict[str, Any]:
    """The settings of a site whose mail goes through this provider."""
    backend = f"anymail.backends.{provider}.EmailBackend"
    new, old = {"MAILERS": {"default": {"BACKEND": backend}}}, {"EMAIL_BACKEND": backend}
    name = provider.upper()
    account = {
        f"{name}_API_KEY": "x",
        f"{name}_API_URL": f"http://127.0.0.1:{port}/{provider}",
        "MAILJET_SECRET_KEY": "x",
    }
    return {
        **(new if django.VERSION >= (6, 1) else old),
        "ANYMAIL": account,
        "WAGTAIL_ENGAGEMENT_IN_DOUBT": most,
        "WAGTAIL_ENGAGEMENT_BATCH_CALLS": is_batch,
    }
