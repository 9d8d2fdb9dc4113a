"""A copy of everything that the register holds of a person (UK GDPR article 15).

One ZIP: a page to read and print, and the same for machines. It is made when it is asked for and
never stored.
"""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .. import conf
from ..consent.queries import organisation, site_settings
from ..participants.models import Participant
from . import tracing
from .holdings import HOLDINGS, Holding

FILES = ("index.html", "data.json")
# What people look for comes first; whatever else there is follows.
FIRST = (
    "Participant",
    "ParticipantName",
    "ParticipantInterest",
    "ConsultationResponse",
    "ContactPermission",
    "ConsentEvent",
    "Delivery",
    "ParticipantNote",
)


def archive(person: Participant, *, at: datetime.datetime) -> bytes:
    """Return the ZIP of one person: `index.html` to read, `data.json` for machines."""
    them = tracing.whom(Participant.objects.filter(pk=person.merged_into_id or person.pk))
    tables = [table for holding in sorted(HOLDINGS, key=_place) if (table := _table(holding, them))]
    about = supplement()
    page = render_to_string(
        "wagtail_engagement/rights/copy.html",
        {
            "tables": [_readable(table) for table in tables],
            "about": about,
            "made_at": at,
            "organisation": organisation(),
            "language": get_language() or "en",
        },
    )
    data = {
        "made_at": at,
        "organisation": organisation(),
        "data": {table["name"]: table["rows"] for table in tables},
        "about": [{"heading": heading, "text": text} for heading, text in about],
    }
    text = json.dumps(data, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in zip(FILES, (page, text), strict=True):
            file.writestr(name, content.encode("utf-8", "replace"))
    return packed.getvalue()


def _place(holding: Holding) -> int:
    name = holding.model.__name__
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _table(holding: Holding, them: tracing.Whom) -> dict[str, Any] | None:
    """One table of the copy; None where there is nothing, or it is shown within another."""
    if not holding.shown:
        return None
    rows = [
        {str(label): _value(row, path) for label, path in holding.shown}
        for row in holding.to_show(them)
    ]
    if not rows:
        return None
    return {"name": holding.model.__name__, "heading": str(holding.heading), "rows": rows}


def _value(row: Any, path: Any) -> Any:
    if callable(path):
        return path(row)
    found = row
    for name in path.split("."):
        found = getattr(found, name, None)
        found = found() if callable(found) else found
    return str(found) if hasattr(found, "_proxy____args") else found


def _readable(table: dict[str, Any]) -> dict[str, Any]:
    """The same for people: without what is empty, with days and words instead of codes."""
    rows = [
        [(label, _words(value)) for label, value in row.items() if value not in (None, "", [], {})]
        for row in table["rows"]
    ]
    return {"heading": table["heading"], "rows": rows}


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime.datetime):
        return date_format(timezone.localtime(value), "j F Y, H:i")
    if isinstance(value, datetime.date):
        return date_format(value, "j F Y")
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_words(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return "\n".join(_pair(item) for item in value)
    return "" if value is None else str(value)


def _pair(item: Any) -> str:
    """A question with its answer below it; anything else as it is."""
    if isinstance(item, list) and len(item) == 2:
        return f"{item[0]}\n{item[1] or _('No answer')}\n"
    return _words(item)


# What the law wants said beside the data


def supplement() -> list[tuple[str, str]]:
    """Purposes, recipients, clocks, rights and complaints, from this site's own settings."""
    said = site_settings()
    unsaid = _("The council has not written this down yet. Ask it.")
    invites = said.get_invite_basis_display()
    return [
        (
            _("What we use it for"),
            _(
                "To ask residents what they think, to invite people to consultations, and to"
                " tell them what came of those. Invitations rest on: %(basis)s."
            )
            % {"basis": invites},
        ),
        (_("Our privacy notice"), _plain(said.privacy_notice) or unsaid),
        (_("Who handles it for us"), said.processors.strip() or unsaid),
        (_("How long we keep it"), "\n".join(clocks())),
        (
            _("Where it comes from"),
            _("From what you told us on forms, from what you did there, and from the lists named."),
        ),
        (
            _("Your rights"),
            _(
                "You can ask us to correct it, to erase it, to stop writing to you, to use it"
                " less, or to give it to you in this form. No decision about you is made by a"
                " machine alone."
            ),
        ),
        (_("Data protection officer"), said.dpo.strip() or unsaid),
        (_("How to complain"), _plain(said.complaints) or unsaid),
    ]


def clocks() -> list[str]:
    """How long each kind of data is kept, by the settings of this site."""
    days = {
        _("What was ticked and not confirmed: %(days)s days."): conf.pending_days(),
        _("A permission to invite you, unless renewed: %(days)s days."): conf.permission_days(),
        _("A topic that nothing renews, unless you chose it and may be invited: %(days)s days."): (
            conf.interest_days()
        ),
        _("A record without any permission or purpose: %(days)s days."): conf.quarantine_days(),
        _("Spreadsheets that were brought in: %(days)s days."): conf.import_file_days(),
        _("Your name beside your answers: %(days)s days after the decision."): conf.response_days(),
        _("The same where no decision is known: %(days)s days after closing."): (
            conf.undecided_days()
        ),
    }
    kept = _("Do not contact: for good, as a code that cannot be read back into an address.")
    return [text % {"days": number} for text, number in days.items() if number] + [kept]


def _plain(rich: str) -> str:
    return capfirst(" ".join(strip_tags(rich.replace("</p>", "</p> ")).split()))
