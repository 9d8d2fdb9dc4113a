"""What is looked at before an invitation is sent, and what of it is in the way."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from .. import conf
from ..consent import queries as consent_queries
from ..consultations import queries as consultation_queries
from ..consultations.models import State
from ..participants.models import Participant
from ..seal import sealing
from .audience import Counts
from .models import Invitation
from .queries import WORKER_IS_LATE, worker_seen_at

SOON = datetime.timedelta(days=3)


@dataclass(frozen=True)
class Check:
    """One line of the list before sending: fine, to be looked at, or in the way."""

    text: str
    is_fine: bool = True
    is_blocking: bool = False
    url: str = ""  # Where there is more to see.


def checks(invitation: Invitation, counts: Counts, at: datetime.datetime) -> list[Check]:
    """What was looked at before sending, in plain words; blocking ones must be mended first."""
    return [
        _check_open(invitation, at),
        _check_page(invitation),
        _check_people(counts, invitation.reminds_id is not None),
        *_check_relevance(invitation),
        _check_text(invitation),
        _check_links(),
        _check_council(),
        _check_worker(at),
        *_check_seal(),
    ]


def _in_the_way(text: str) -> Check:
    return Check(text, is_fine=False, is_blocking=True)


def _check_open(invitation: Invitation, at: datetime.datetime) -> Check:
    consultation = invitation.consultation
    state = consultation.state_at(at)
    day = date_format(timezone.localtime(consultation.closes_at), "j F Y")
    if state == State.PLANNED:
        return _check_beginning(invitation)
    if state != State.OPEN:
        return _in_the_way(_("The consultation has closed, so nobody could answer."))
    if consultation.closes_at - at < SOON:
        text = _("The consultation closes on %(day)s. That leaves people little time.")
        return Check(text % {"day": day}, is_fine=False)
    return Check(_("The consultation is open until %(day)s.") % {"day": day})


def _check_beginning(invitation: Invitation) -> Check:
    """An invitation to a consultation that is not open yet has to begin later."""
    consultation = invitation.consultation
    opens = date_format(timezone.localtime(consultation.opens_at), "j F Y")
    if invitation.is_started and invitation.start == Invitation.Start.NOW:
        text = _("The consultation opens on %(day)s. Let the invitation begin then, or later.")
        return _in_the_way(text % {"day": opens})
    begins = invitation.begins_at
    if begins and begins < consultation.opens_at:
        text = _("The invitation would begin before the consultation opens on %(day)s.")
        return _in_the_way(text % {"day": opens})
    return Check(_("The consultation opens on %(day)s.") % {"day": opens})


def _check_relevance(invitation: Invitation) -> Iterator[Check]:
    """People were told that we write about what they chose, and about where they live."""
    consultation = invitation.consultation
    chosen, own = set(invitation.interests.all()), set(consultation.interests.all())
    strange = sorted(topic.name for topic in chosen - own if topic.merged_into not in own)
    if strange and own:
        text = _(
            "%(topics)s: not among the topics of this consultation. Say in the opening words what"
            " it has to do with them."
        )
        yield Check(text % {"topics": get_text_list(strange, _("and"))}, is_fine=False)
    elif chosen:
        yield Check(_("The people asked chose what the consultation is about."))
    area = consultation.area
    if not area:
        return
    placed = Participant.objects.exclude(area="")
    if placed.exists() and not placed.filter(area__iexact=area).exists():
        text = _(
            "Nobody is known to live in %(area)s, and everybody whose area is known is left out."
            " See whether it is spelt as in the register."
        )
        yield Check(text % {"area": area}, is_fine=False)


def _check_page(invitation: Invitation) -> Check:
    if invitation.consultation.is_live and consultation_queries.url_of(invitation.consultation):
        return Check(_("The consultation's page is published."))
    return _in_the_way(_("The consultation's page is not published. Publish it first."))


def _check_people(counts: Counts, is_reminder: bool) -> Check:
    if counts.included:
        return Check(_("There are people to invite."))
    if is_reminder:
        return _in_the_way(_("Nobody is left to remind: they have answered, or we may not write."))
    return _in_the_way(_("Nobody would get this. Choose other topics, or wait for people to join."))


def _check_text(invitation: Invitation) -> Check:
    if not invitation.subject.strip():
        return _in_the_way(_("There is no subject. Write one in step 2 and save."))
    if not invitation.opening.strip():
        text = _("There are no opening words. The email begins with the consultation itself.")
        return Check(text, is_fine=False)
    return Check(_("Subject and opening words are there."))


def _check_links() -> Check:
    scheme = urlsplit(conf.base_url()).scheme
    if not scheme:
        text = _("The site does not know its own address. Ask for WAGTAIL_ENGAGEMENT_BASE_URL.")
        return _in_the_way(text)
    if scheme != "https":
        text = _("The site's address does not begin with https. Leave buttons need that.")
        return Check(text, is_fine=False)
    return Check(_("Every link leads to this site, and everybody gets a link to leave."))


def _check_council() -> Check:
    if consent_queries.site_settings().complaints and consent_queries.organisation():
        return Check(_("The email says who writes and how to complain."))
    text = _("The email does not say who writes or how to complain. Fill in Settings, Engagement.")
    return Check(text, is_fine=False)


def _check_worker(at: datetime.datetime) -> Check:
    seen = worker_seen_at()
    if seen and at - seen < WORKER_IS_LATE:
        return Check(_("The part of the site that sends emails is running."))
    text = _("The part of the site that sends emails is not running. Emails wait until it is.")
    return Check(text, is_fine=False)


def _check_seal() -> list[Check]:
    """Only a database that may not send has a line of its own here."""
    refusal = sealing.why_not()
    return [_in_the_way(refusal.text)] if refusal else []
