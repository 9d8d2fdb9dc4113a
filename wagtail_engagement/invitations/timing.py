"""When invitations may leave: not in quiet hours, and not long after their time."""

from __future__ import annotations

import datetime

from django.utils import timezone

from .. import conf

# A summary waits no longer than so many days before a consultation in it closes.
TIME_TO_ANSWER = datetime.timedelta(days=5)


def quiet_hours() -> tuple[datetime.time, datetime.time] | None:
    """The setting as two times of the day. Raises ValueError where it is neither that nor empty."""
    if not conf.quiet_hours():
        return None
    begins, ends = conf.quiet_hours().split("-")
    return datetime.time.fromisoformat(begins.strip()), datetime.time.fromisoformat(ends.strip())


def is_quiet(at: datetime.datetime) -> bool:
    """Whether it is a time, by the site's own clock, in which people are left alone."""
    return quiet_until(at) is not None


def quiet_until(at: datetime.datetime) -> datetime.datetime | None:
    """When the quiet hours end that it is in now; None outside of them."""
    hours = quiet_hours()
    home = timezone.get_default_timezone()
    local = timezone.localtime(at, home)
    if hours is None or hours[0] == hours[1]:
        return None
    begins, ends = hours
    now = local.time()
    is_in = begins <= now < ends if begins < ends else now >= begins or now < ends
    if not is_in:
        return None
    day = local.date() + datetime.timedelta(days=int(now >= ends))
    return datetime.datetime.combine(day, ends, home)


def is_too_late(begins_at: datetime.datetime, at: datetime.datetime) -> bool:
    """Whether a scheduled start was missed by so much that a person has to look at it first."""
    return at > begins_at + datetime.timedelta(hours=conf.start_window_hours())
