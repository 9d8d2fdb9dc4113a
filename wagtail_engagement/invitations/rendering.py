"""What an invitation says. Rendered once for all people; three links are put in for each.

No template runs over what an editor typed: the opening words are cleaned HTML, everything else is
escaped, and per person there is nothing but `str.replace` (trust.md 3.5).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from bs4 import BeautifulSoup, NavigableString, Tag
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.text import Truncator, get_text_list
from django.utils.translation import gettext as _
from wagtail.rich_text import expand_db_html

from .. import conf
from ..consent import queries as consent_queries
from ..consultations import queries as consultation_queries
from ..consultations import routes
from ..consultations.models import Consultation
from ..participants.models import Interest, Link, ParticipantInterest
from .models import Invitation
from .topics import groups

ALLOWED_TAGS = {"p", "br", "b", "strong", "i", "em", "a", "ul", "ol", "li"}
ALLOWED_SCHEMES = {"http", "https", "mailto", "tel"}
INERT = "#"
Origin = ParticipantInterest.Origin
WHY, TOPICS, TOLD = "why", "topics", "told"
# Below this many people a code would tell who answered, as it would of whatever is anonymous or
# sensitive: their letter leads to the page without one.
FEWEST = 5


@dataclass(frozen=True)
class Letter:
    """A subject and the two forms of a text."""

    subject: str
    html: str
    text: str


def freeze(invitation: Invitation) -> dict[str, Any]:
    """Return the letter with placeholders that no text can contain by chance."""
    names, code = ["choices", "leave"], ""
    if invitation.recipients >= FEWEST and routes.of(invitation.consultation):
        names, code = [*names, "answer"], invitation.code
    marks = {name: f"{name}-{secrets.token_hex(16)}" for name in (*names, WHY)}
    letter = _render(invitation, list(invitation.interests.all()), code, marks)
    said = {"subject": letter.subject, "html": letter.html, "text": letter.text}
    told = facts_of(invitation.consultation)
    return {**said, **marks, TOPICS: _topics(invitation), TOLD: told}


def facts_of(consultation: Consultation) -> dict[str, Any]:
    """What a letter says of its consultation that would do harm once it is wrong."""
    home = timezone.get_default_timezone()
    with translation.override(settings.LANGUAGE_CODE), timezone.override(home):
        day = date_format(timezone.localtime(consultation.closes_at), "j F Y")
    # Without the host, which the process of the site and that of a worker may write differently.
    page = urlsplit(consultation_queries.url_of(consultation)).path
    return {"page": page, "day": day, "is_told": routes.of(consultation)}


def explained(frozen: dict[str, Any], why: str) -> dict[str, Any]:
    """The frozen letter with the reason that holds for some of its people."""
    mark = frozen.get(WHY)
    if not mark:
        return frozen  # Frozen before each person had a reason of their own.
    html, text = (
        frozen["html"].replace(mark, escape(why)),
        frozen["text"].replace(mark, why),
    )
    return {**frozen, "html": html, "text": text}


def why(*, topics: dict[str, list[str]], has_agreed: bool) -> str:
    """Why one person gets an invitation: by what right, and which of their topics it is about.

    `topics` are the names by where we know of them; what somebody chose counts first.
    """
    with translation.override(settings.LANGUAGE_CODE):
        if has_agreed:
            right = _(
                "You get this email because you agreed that we may tell you about consultations"
            )
        else:
            right = _("You get this email because we told you that we write about consultations")
        for origin, words in (
            (Origin.DECLARED, _("%(right)s, and your topics include %(topics)s.")),
            (Origin.INFERRED, _("%(right)s, and you took part in one about %(topics)s.")),
            (None, _("%(right)s, and we have noted that you care about %(topics)s.")),
        ):
            names = topics.get(origin, []) if origin else sum(topics.values(), [])
            if names:
                facts = {"right": right, "topics": get_text_list(sorted(set(names)), _("and"))}
                return words % facts
        return f"{right}."


def _topics(invitation: Invitation) -> dict[str, str]:
    """The names of the topics asked, by number; none where they would tell what it is about."""
    if invitation.consultation.is_sensitive:
        return {}
    asked = list(invitation.interests.all()) or list(invitation.consultation.interests.all())
    families = zip(asked, groups(asked), strict=True)
    return {str(pk): topic.name for topic, family in families for pk in family}


def links_in(frozen: dict[str, Any]) -> list[Link.Purpose]:
    """Which links of one person a frozen letter has."""
    purposes = (Link.Purpose.CHOICES, Link.Purpose.LEAVE, Link.Purpose.ANSWER)
    return [purpose for purpose in purposes if purpose.value in frozen]


def address_to(frozen: dict[str, Any], *, choices: str, leave: str, answer: str = "") -> Letter:
    """Put one person's links into the frozen letter; `answer` is the token alone.

    It goes behind the address of the consultation, where the letter has a mark for it.
    """
    html, text = frozen["html"], frozen["text"]
    for name, put in (("choices", choices), ("leave", leave), ("answer", behind(answer))):
        if mark := frozen.get(name):
            html = html.replace(mark, escape(put))
            text = text.replace(mark, put)
    return Letter(frozen["subject"], html, text)


def behind(answer: str) -> str:
    """What goes behind the address of the consultation in one person's letter."""
    return f"&{routes.ANSWERING}={answer}" if answer else ""


def tells_route(invitation: Invitation) -> bool:
    """Whether the letter that was sent leads to the page by the invitation's code."""
    return not invitation.rendered or invitation.code in invitation.rendered["text"]


def shown(frozen: dict[str, Any]) -> str:
    """The text that was sent, without anybody's links."""
    if not frozen:
        return ""
    told = explained(frozen, _("(Here stands why this person gets it.)"))
    return address_to(told, choices=INERT, leave=INERT).text


def preview(invitation: Invitation, interests: Iterable[Interest] | None = None) -> Letter:
    """Return the letter with links that lead nowhere, and without a code to be counted by."""
    chosen = invitation.interests.all() if interests is None else interests
    return _render(invitation, list(chosen), "", {"choices": INERT, "leave": INERT})


def consultation_address(invitation: Invitation, code: str, mark: str = "") -> str:
    """The page's address with the invitation's code, which is the same for all its people.

    `mark` is where the part of one message goes. A letter without a code leads to the page alone.
    """
    url = consultation_queries.url_of(invitation.consultation)
    if not url or not code:
        return url
    return f"{url}?{urlencode({routes.INVITED: code})}{mark}"


def subject_of(invitation: Invitation) -> str:
    """What stands in the subject line: the editor's words, else ours."""
    return invitation.subject or suggested_subject(invitation.consultation)


def suggested_subject(consultation: Consultation) -> str:
    """A first subject, which the editor may change."""
    if consultation.is_sensitive:
        return _("A consultation that may matter to you")
    return Truncator(_("Have your say: %(title)s") % {"title": consultation.title}).chars(120)


def _render(
    invitation: Invitation, interests: list[Interest], code: str, links: dict[str, str]
) -> Letter:
    # The site's language and clock, not those of the editor who happens to press Send.
    home = timezone.get_default_timezone()
    with translation.override(settings.LANGUAGE_CODE), timezone.override(home):
        subject = subject_of(invitation)
        about_us = consent_queries.site_settings()
        opening = clean(invitation.opening)
        complaints = clean(about_us.complaints)
        context = {
            "subject": subject,
            "invitation": invitation,
            "consultation": invitation.consultation,
            "consultation_url": consultation_address(invitation, code, links.get("answer", "")),
            "opening": mark_safe(opening),  # noqa: S308  cleaned just above
            "opening_text": as_text(opening),
            "outcome": _last_outcome(invitation.consultation, interests),
            "why": links.get(WHY) or _why(invitation, interests),
            "organisation": consent_queries.organisation(),
            "complaints": mark_safe(complaints),  # noqa: S308  cleaned just above
            "complaints_text": as_text(complaints),
            "choices_url": links["choices"],
            "leave_url": links["leave"],
        }
        html = render_to_string("wagtail_engagement/mail/invitation.html", context)
        text = render_to_string("wagtail_engagement/mail/invitation.txt", context)
    return Letter(subject, html, text)


def _why(invitation: Invitation, interests: list[Interest]) -> str:
    """Why somebody gets this; without topics where they would tell what it is about."""
    if not interests or invitation.consultation.is_sensitive:
        return _("You get this email because you agreed that we may tell you about consultations.")
    joint = _("or") if invitation.match == Invitation.Match.ANY else _("and")
    topics = get_text_list([interest.name for interest in interests], joint)
    return _(
        "You get this email because you agreed that we may tell you about consultations, and your"
        " topics include %(topics)s."
    ) % {"topics": topics}


def _last_outcome(consultation: Consultation, interests: list[Interest]) -> dict[str, str] | None:
    """What came of the last consultation on one of these topics, if its page says so."""
    if consultation.is_sensitive:
        return None
    earlier = (
        Consultation.objects.live()
        .filter(answered_at__isnull=False, is_sensitive=False)
        .filter(
            pk__in=Consultation.interests.through.objects.filter(interest__in=interests).values(
                "consultation"
            )
        )
        .exclude(pk=consultation.pk)
        .order_by("-answered_at")
        .first()
    )
    page: Any = earlier and consultation_queries.page_of(earlier)
    we_did = as_text(clean(getattr(page, "we_did", "") or ""))
    if not earlier or not we_did:
        return None
    url = consultation_queries.url_of(earlier)
    return {"title": earlier.title, "we_did": Truncator(we_did).words(60), "url": url}


def clean(rich_text: str, tags: Collection[str] = ALLOWED_TAGS) -> str:
    """Return rich text as HTML for a mail: few tags, absolute links, nothing that runs."""
    soup = BeautifulSoup(expand_db_html(rich_text), "html.parser")
    for tag in soup.find_all(["script", "style", "embed", "iframe", "object"]):
        tag.decompose()
    for tag in soup.find_all(True):
        href = _absolute(str(tag.get("href") or "").strip()) if tag.name == "a" else ""
        tag.attrs = {"href": href} if href else {}
        if tag.name not in tags or (tag.name == "a" and not href):
            tag.unwrap()
    return str(soup)


def _absolute(href: str) -> str:
    """A link as a mail can carry it; "" for none, for what could run, and for what is no address."""
    try:
        url = urljoin(f"{conf.base_url()}/", href)
        return url if href and urlsplit(url).scheme in ALLOWED_SCHEMES else ""
    except ValueError:
        return ""


def as_text(html: str) -> str:
    """Return cleaned HTML as plain text: links after their words, lists with dashes."""
    soup = BeautifulSoup(html, "html.parser")
    paragraphs = [" ".join(line.split()) for line in "".join(_words(soup)).split("\n")]
    return "\n".join(_without_double_gaps(paragraphs)).strip()


def _words(node: Tag) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, NavigableString):
            yield str(child).replace("\n", " ")
        elif isinstance(child, Tag):
            inside = "".join(_words(child))
            if child.name == "a" and child["href"] not in (inside, f"mailto:{inside}"):
                yield f"{inside} ({child['href']})"
            elif child.name == "br":
                yield "\n"
            elif child.name == "li":
                yield f"\n- {inside}"
            elif child.name in ("p", "ul", "ol"):
                yield f"\n\n{inside}\n\n"
            else:
                yield inside


def _without_double_gaps(lines: list[str]) -> Iterator[str]:
    last = ""
    for line in lines:
        if line or last:
            yield line
        last = line
