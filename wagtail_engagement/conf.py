"""Every setting of the package: one function each, read at call time.

Each name is ``WAGTAIL_ENGAGEMENT_`` followed by the function's name in capitals.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PREFIX = "WAGTAIL_ENGAGEMENT_"


def _get(name: str, default: Any) -> Any:
    return getattr(settings, PREFIX + name, default)


def keys() -> dict[str, str]:
    """Key ids to secrets, newest first. Links and do-not-contact hashes are made with them.

    While DEBUG is on a site may leave them out; SECRET_KEY then stands in, so that a first try
    needs no preparation. Elsewhere missing keys are an error (checks.E001 says so earlier).
    """
    found: dict[str, str] = _get("KEYS", {})
    if found:
        return found
    if settings.DEBUG:
        return {"debug": settings.SECRET_KEY}
    raise ImproperlyConfigured("Set WAGTAIL_ENGAGEMENT_KEYS to a dictionary of key id to secret.")


def base_url() -> str:
    """Scheme and host that links in mails begin with, without a trailing slash."""
    return str(_get("BASE_URL", getattr(settings, "WAGTAILADMIN_BASE_URL", ""))).rstrip("/")


def environment() -> str:
    """What this installation is beside others of the same site, such as ``staging``."""
    return str(_get("ENVIRONMENT", ""))


def journal() -> str:
    """File outside the database that keeps what a restored copy must not forget; empty for none."""
    return str(_get("JOURNAL", "") or "")


def base_template() -> str:
    """The host's template that public pages extend."""
    return str(_get("BASE_TEMPLATE", "wagtail_engagement/base.html"))


def from_email() -> str:
    """The sender of every mail, ``Name <address>`` or a bare address."""
    return str(_get("FROM_EMAIL", settings.DEFAULT_FROM_EMAIL))


def reply_to() -> str:
    """Where answers to a mail go; empty means to the sender."""
    return str(_get("REPLY_TO", ""))


def list_id() -> str:
    """The List-Id header's value (RFC 2919), without angle brackets."""
    return str(_get("LIST_ID", f"consultations.{urlsplit(base_url()).hostname or 'localhost'}"))


def mailer() -> str:
    """Alias in Django 6.1's MAILERS that our mail goes through; older Djangos ignore it."""
    return str(_get("MAILER", "default"))


def pending_days() -> int:
    """Days after which an unconfirmed agreement to be invited ends."""
    return int(_get("PENDING_DAYS", 14))


def permission_days() -> int:
    """Days after which an agreement to be invited ends unless renewed; 0 means never."""
    return int(_get("PERMISSION_DAYS", 730))


def quarantine_days() -> int:
    """Days for which somebody whom we have no reason to keep stays in the register."""
    return int(_get("QUARANTINE_DAYS", 30))


def interest_days() -> int:
    """Days after which an interest shown by taking part fades unless renewed; 0 means never."""
    return int(_get("INTEREST_DAYS", 730))


def import_file_days() -> int:
    """Days after which an uploaded sheet is deleted; its hash stays."""
    return int(_get("IMPORT_FILE_DAYS", 30))


def import_bytes() -> int:
    """Largest sheet that can be uploaded, in bytes; the command has no such limit."""
    return int(_get("IMPORT_BYTES", 5 * 2**20))


def import_rows() -> int:
    """Most rows of a sheet that is uploaded; the command has no such limit."""
    return int(_get("IMPORT_ROWS", 100_000))


def import_dir() -> str:
    """Folder for uploaded sheets, outside MEDIA_ROOT so that no address on the site opens it."""
    return str(_get("IMPORT_DIR", ""))


def response_days() -> int:
    """Days after a decision, after which responses are cut from the people who gave them."""
    return int(_get("RESPONSE_DAYS", 183))


def undecided_days() -> int:
    """The same after closing, where no decision is known."""
    return int(_get("UNDECIDED_DAYS", 365))


def hold_days() -> int:
    """Days after which a held response is counted although nobody looked at it."""
    return int(_get("HOLD_DAYS", 7))


def confirmations_per_hour() -> int:
    """Most confirmation mails that the site sends in any hour; more wait, none is lost."""
    return int(_get("CONFIRMATIONS_PER_HOUR", 500))


def network_limit() -> int:
    """Responses from one network in an hour; further ones are held."""
    return int(_get("NETWORK_LIMIT", 60))


def address_limit() -> int:
    """Responses that name one address in a day; further ones are held."""
    return int(_get("ADDRESS_LIMIT", 5))


def trusted_proxies() -> int:
    """How many proxies in front of the site write X-Forwarded-For; 0 ignores the header."""
    return int(_get("TRUSTED_PROXIES", 0))


def quickest_answer() -> int:
    """Seconds within which nobody fills in a form by hand; quicker responses are held."""
    return int(_get("QUICKEST_ANSWER", 3))


def invited_days() -> int:
    """Days for which somebody who was invited counts as invited recently, as the form proposes."""
    return int(_get("INVITED_DAYS", 30))


def summary_days() -> int:
    """Days between two summaries to somebody who gets invitations together; 0 offers none."""
    return int(_get("SUMMARY_DAYS", 14))


def type_number_above() -> int:
    """Audience above which the editor types the number before an invitation goes out."""
    return int(_get("TYPE_NUMBER_ABOVE", 500))


def contact_cap() -> int:
    """Most invitations that one person gets in `contact_cap_days`, from all teams; 0 is no limit."""
    return int(_get("CONTACT_CAP", 3))


def contact_cap_days() -> int:
    """Days that `contact_cap` looks back."""
    return int(_get("CONTACT_CAP_DAYS", 30))


def approval_above() -> int:
    """Audience above which a second person has to send an invitation; 0 means never."""
    return int(_get("APPROVAL_ABOVE", 0))


def start_window_hours() -> float:
    """Hours after its time in which a scheduled invitation still begins; later it waits for a person."""
    return float(_get("START_WINDOW_HOURS", 2))


def quiet_hours() -> str:
    """Local time in which no invitation leaves, like ``21:00-07:00``; empty means none."""
    return str(_get("QUIET_HOURS", ""))


def rates(sender: str) -> dict[str, float]:
    """Most messages of a sender per ``second``, ``minute``, ``hour`` and ``day``; {} is no limit.

    The setting is such a dictionary for every sender, or one by sender's address, with ``*`` for
    the others.
    """
    found: dict[str, Any] = _get("RATES", {})
    if any(isinstance(value, dict) for value in found.values()):
        found = found.get(sender, found.get("*", {}))
    return {unit: float(rate) for unit, rate in found.items()}


def in_doubt() -> int:
    """Messages that a worker may have in doubt at once should it die; 1 is the safest."""
    return max(1, int(_get("IN_DOUBT", 1)))


def batch_calls() -> bool:
    """Whether what may be in doubt at once goes to the provider in one call, where that is safe."""
    return bool(_get("BATCH_CALLS", False))


def when_in_doubt() -> str:
    """``hold`` never sends a message again that may have left; ``resend`` does, twice at most."""
    return str(_get("WHEN_IN_DOUBT", "hold"))


def lease_seconds() -> int:
    """Seconds for which a worker owns a delivery; more than the mail timeout plus a minute."""
    return int(_get("LEASE_SECONDS", 100))


def event_days() -> int:
    """Days for which what a provider reported stays known, so that it does not count again."""
    return int(_get("EVENT_DAYS", 90))


def kill_bounces_percent() -> float:
    """Share of dead or refused addresses above which an invitation pauses by itself; 0 means never."""
    return float(_get("KILL_BOUNCES_PERCENT", 5))


def kill_complaints_percent() -> float:
    """Share of complaints above which an invitation pauses by itself; 0 means never."""
    return float(_get("KILL_COMPLAINTS_PERCENT", 0.1))


def notify_api_key() -> str:
    """API key of the GOV.UK Notify service that mail goes through, where it is the backend."""
    return str(_get("NOTIFY_API_KEY", ""))


def notify_template() -> str:
    """Id of the template at GOV.UK Notify, whose subject is ((subject)) and body ((message))."""
    return str(_get("NOTIFY_TEMPLATE", ""))


def notify_reply_to() -> str:
    """Id of a reply-to address at GOV.UK Notify; empty means the service's own."""
    return str(_get("NOTIFY_REPLY_TO", ""))


def notify_callback_token() -> str:
    """Bearer token with which GOV.UK Notify reports what became of a message."""
    return str(_get("NOTIFY_CALLBACK_TOKEN", ""))


def notify_url() -> str:
    """Where the API of GOV.UK Notify answers."""
    return str(_get("NOTIFY_URL", "https://api.notifications.service.gov.uk"))


def mail_timeout() -> int:
    """Seconds after which a mail server that says nothing is given up (Django's default: never)."""
    return int(_get("MAIL_TIMEOUT", 30))
