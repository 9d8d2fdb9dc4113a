"""What the lists of waiting things share: whose list it is, a line of it, and how days are said."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format


@dataclass(frozen=True)
class Line:
    """Something that waits for a person, and what becomes of it if nobody looks.

    `by` is the day on which that happens; None where nothing happens by itself.
    """

    text: str
    otherwise: str
    url: str
    by: datetime.date | None = None


@dataclass(frozen=True)
class Desk:
    """Whose list this is, the consultations whose answers they may read, and the time."""

    user: Any
    readable: Any
    at: datetime.datetime


def local(moment: datetime.datetime) -> datetime.date:
    return timezone.localtime(moment).date()


def day(date: datetime.date) -> str:
    return date_format(date, "j F Y")
