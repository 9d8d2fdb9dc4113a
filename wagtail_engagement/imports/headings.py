"""What a column heading means, in the words of the systems and offices that sheets come from.

Tables of words, read by `columns.guess`. A heading is first made plain (`plain`); short exact
phrases decide about names and places, so that "Event name" is nobody's name, and patterns decide
about questions ("May we email you about ...?"), which everybody words in their own way.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 300  # characters of a heading that are looked at: some forms put whole notices there

# Words around the one that matters: "Your email", "What is your name?", "Primary email".
_FILLERS = frozenset(
    "your my the a an what whats is are enter give provide contact primary main preferred home "
    "personal work participant participants member resident attendee respondent customer supporter "
    "subscriber user person of optional required mandatory capitals block print please".split()
)
_ADDRESS = frozenset("address addresses adress adresse adres adressen adrese cyfeiriad".split())

EXACT: dict[str, list[str]] = {
    "email": (
        "email|emails|mail|mailadress|mailadresse|emailadress|emailadresse|emailadres|epost|e post|"
        "epostadress|e postadress|courriel|courrier electronique|ebost|e bost|correo electronico"
    ).split("|"),
    "given_name": (
        "first name|firstname|first names|forename|forenames|forename s|given name|given names|"
        "given|first|christian name|fname|fornamn|vorname|prenom|enw cyntaf|voornaam"
    ).split("|"),
    "family_name": (
        "last name|lastname|last names|surname|surnames|family name|family|last|second name|lname|"
        "efternamn|nachname|familienname|nom de famille|cyfenw|achternaam|apellidos"
    ).split("|"),
    "name": (
        "name|names|full name|full names|fullname|name in full|complete name|first and last name|"
        "first name and surname|forename and surname|name and surname|name surname|namn|"
        "fullstandigt namn|vollstandiger name|vor und nachname|nom complet|nom et prenom|"
        "nom prenom|nom|enw|enw llawn|naam|volledige naam|nombre"
    ).split("|"),
    "postcode": (
        "postcode|postcodes|post code|postal code|zip|zip code|zip postal code|postcode zip|"
        "full postcode|plz|postleitzahl|code postal|postnummer|cod post|codigo postal"
    ).split("|"),
    "area": (
        "ward|wards|ward name|area|neighbourhood|neighborhood|district|parish|suburb|locality|"
        "village|town|electoral ward|electoral division|division|stadtteil|quartier|stadsdel|"
        "which area do you live in|which ward do you live in|"
        "bydel|ardal|wijk|barrio"
    ).split("|"),
    "organisation": (
        "organisation|organization|organisation name|organization name|name organisation|"
        "name organization|company|company name|group name|business|business name|foretag|"
        "organisationsnamn|firma|unternehmen|organisme|sefydliad|mudiad|organisatie"
    ).split("|"),
    "notes": "notes|note|remarks|anteckningar|notizen|bemerkungen|remarques|nodiadau".split("|"),
}

_NEVER = re.compile(
    r"\bip\b|\bipv?[46]?$|latitude|longitude|birth|\bborn\b|\bdob\b|\bage\b|gender|\bsex\b|ethnic|"
    r"disab|religio|orientation|password|phone|mobile|\btel\b|\bfax\b|emergency|next of kin|"
    r"guardian|parent|carer|\bchild|referr|assigned|\buser ?name|screen name|nickname|"
    r"display name|checked in|attend(ee|ance) status"
)
_KIND = re.compile(
    r"(individual|person|resident|yourself) or .*(organi[sz]ation|group|business)|"
    r"on behalf of|^(respondent|contact|stakeholder|consultee) (type|kind)$|"
    r"^(type|kind) of (respondent|contact|stakeholder|consultee)$|^kind$"
)
_INTERESTS = re.compile(
    r"\binterests?\b|\binterested in\b|\btopics?\b|\btags?\b|^categor(y|ies)$|\bthemes?\b|\bwhich issues\b|"
    r"\bsubjects\b|\bamnen\b|\bintressen|interessen|\bthemen|\binterets?\b|\bsujets\b|pynciau|"
    r"diddordeb|onderwerpen|\btemas\b|etiquet"
)
_NOT_INTERESTS = re.compile(
    r"conflict|declaration|pecuniary|interested in (being|receiving|hearing|joining|taking|attend)"
)
_OUT = re.compile(
    r"unsub|opt(ed|ing)? ?out|optout|(\bdo ?not|\bdont|\bnever|\bwould not|\bwouldnt|\b(rather|prefer) "
    r"not)\b.*(email|mail|contact|send|write|invite|message|receive|hear|inform)|\bdnc\b|suppress|\bno (more |further )?(emails?|contact|mail|mailings?)\b|"
    r"\bnot (to )?(be )?(contacted|emailed)|^clean(ed)?( time| date)?$|^bounced$|withdr[ae]wn?|"
    r"objected to|avregistrer|avanmal|abgemeldet|abmeld|desinscri|desabonn|danysgrif|uitgeschreven|"
    r"blacklist|blocklist"
)
_IN = re.compile(
    r"\bconsent(s|ed|ing)?\b|\bopt(ed|ing)? ?in\b|optin|\bpermissions?\b|\bsubscribed?\b|"
    r"subscription|\b(ok|okay|happy|willing|fine|agree[ds]?|like|want|wish)\b.*(contact|email|mail|"
    r"hear|write|invite|receive|updates|news|informed|in touch)|\b(may|can|could|shall|should) we\b.*"
    r"(contact|email|mail|write|keep|send|invite)|\b(contact|email|keep|send|tell|invite|notify|"
    r"inform) me\b|\bgdpr\b|\bmarketing\b|(mailing|email) list|newsletter|contactable|"
    r"\bke(ep|pt) (\w+ )?(informed|in touch|updated|posted)|stay in touch|future (contact|"
    r"consultations)|email (updates|alerts|news|status)|receive (updates|emails|news)|informiert|member status|samtyck|einwillig|zustimm|"
    r"consentement|caniat|cydsyni|toestemming|consentimiento|nyhetsbrev|infolettre|rundbrief|"
    r"cylchlythyr|\babonn"
)
# Agreeing to these is not agreeing to be written to by email.
_ELSE = re.compile(
    r"photo|image|film|video|recording|\bterms\b|condition|privacy|policy|notice|conduct|source|"
    r"wording|version|campaign|\btitle\b|reason|method|\bsubject\b|\bid$|\bip$|\btype$|count"
)
_OTHER_CHANNEL = re.compile(r"\bsms\b|\btexts?\b|phone|\bcalls?\b|\bpost\b|postal|whatsapp|mobile")

_DATES = tuple(  # the day that says most about permission comes first
    re.compile(pattern)
    for pattern in (
        r"opt(ed|ing)? ?in",
        r"consent|permission|agreed|(?<!un)subscri",
        r"confirm",
        r"\badded\b|joined|join date|signed up|sign up|signup|registered|registration|collected|anmelde",
        r"timestamp|time stamp|tidstampel|zeitstempel|horodat|completion|completed|submi|received",
        r"created|creation|\bentered\b|\bentry\b",
        r"order|booking|booked|purchase",
        r"^(date|datum|dyddiad|fecha|day)$",
    )
)
# Names of sheets and files. "Opted out removed" and "Not unsubscribed" hold those who stayed.
_LEFT = (
    r"(\bunsub\w*|\bopt(ed)? ?outs?\b|\b(do ?not|dont) (contact|email|mail|invite)|\bdnc\b|"
    r"\bnot to be (contacted|emailed)|\bsuppress\w*|\bbounce[ds]\b|\bsaid no\b|\bblacklist|"
    r"\bblocklist|\babgemeldet|\bavregistrer|\bdesinscri|\bdanysgrif|\buitgeschreven)"
)
_LEAVERS = re.compile(rf"{_LEFT}|^cleaned|\bcleaned (contacts|members|audience)")
_WITHOUT = re.compile(
    rf"\b(without|excl\w*|minus|except|not|no|less) (the )?{_LEFT}|"
    rf"{_LEFT}( \w+)?( have| has| are| were)?( been)? (removed|excluded|deleted|taken out)\b"
)
_TIME_WORD = re.compile(
    r"\b(date|time|day|at|on|when|timestamp|time ?stamp|\w*datum|dyddiad)\b|^(created|joined|added|"
    r"registered|submitted|completed|horodateur|tidstampel|zeitstempel)$"
)
_NOT_DATES = re.compile(
    r"birth|\bborn\b|\bdob\b|fodel|geburt|naissance|\bgeni\b|\blast\b|update|chang|modif|expir|renew|"
    r"^start|\bevent|\bdue\b|unsub|clean|login|\bseen\b|opened|\bsent\b|zone|by$"
)
_NOT_EMAIL = re.compile(
    r"\b(sent|opens?|opened|clicks?|clicked|status|type|display|date|time|domain|subject|format|"
    r"client|verified|confirmed|valid|hash|id|campaign|preference|preferences|frequency|bounced?|"
    r"count)\b"
)
_EMAIL = re.compile(r"\bemail|\be ?post|\bcourriel|\be ?bost|\bcorreo\b|\bmail\b")


@lru_cache(maxsize=2048)
def plain(heading: str) -> str:
    """Return a heading in lower case, without accents and signs: "E-mail (Work)" is "email work"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading[:LONGEST])
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(sign for sign in text if not unicodedata.combining(sign) and sign not in "'’‘")
    text = re.sub(r"[\W_]+", " ", text).strip()
    return re.sub(r"\be ?mail", "email", text)


def exact(heading: str) -> str:
    """Return the field that a short heading names ("Your email", "Last name/Surname"), or ""."""
    heading = heading[:LONGEST]
    bare = re.sub(r"[(\[].*?[)\]]", " ", heading)
    last = re.split(r"\s[-–—]\s|:\s", bare)[-1]
    for text in (heading, bare, *re.split(r"[/\n|]", bare), last):
        words = [word for word in plain(text).split() if not word.isdigit()]
        phrase = " ".join(word for word in words if word not in _FILLERS)
        shorter = " ".join(word for word in phrase.split() if word not in _ADDRESS)
        for field, phrases in EXACT.items():
            if phrase in phrases or (field == "email" and shorter in phrases):
                return field
    return ""


def is_private(heading: str) -> bool:
    """Return whether nobody asked for this column: birthdays, telephones, places of computers."""
    return bool(_NEVER.search(plain(heading)))


def mentions_email(heading: str) -> bool:
    """Return whether a longer heading may stand above addresses."""
    text = plain(heading)
    return bool(_EMAIL.search(text)) and not _NOT_EMAIL.search(text)


def is_kind(heading: str) -> bool:
    """Return whether the column tells persons from organisations."""
    return bool(_KIND.search(plain(heading)))


def is_interests(heading: str) -> bool:
    """Return whether the column names topics."""
    text = plain(heading)
    return bool(_INTERESTS.search(text)) and not _NOT_INTERESTS.search(text)


def polarity(heading: str) -> str:
    """Return "in" or "out" for a column about permission to write by email, else ""."""
    text = plain(heading)
    by_email = bool(_EMAIL.search(text))
    if _ELSE.search(text) or (_OTHER_CHANNEL.search(text) and not by_email):
        return ""
    if _OUT.search(text):
        return "out"
    if date_rank(heading) is not None or not _IN.search(text):
        return ""
    return "in"


def left_a_list(heading: str) -> bool:
    """Return whether the column is about leaving a list that one had joined, not an opt-out box."""
    return "unsub" in plain(heading)


def is_leavers_time(heading: str) -> bool:
    """Return whether only a file of people who left (or bounced) has this column."""
    return plain(heading) in ("unsub time", "clean time")


def are_leavers(name: str) -> bool:
    """Return whether a sheet or file with this name holds none but people who left."""
    text = plain(name)
    return bool(_LEAVERS.search(text)) and not _WITHOUT.search(text)


def date_rank(heading: str) -> int | None:
    """Return how much a date column says about permission, 0 most; None for other columns."""
    text = plain(heading)
    if _NOT_DATES.search(text) or not _TIME_WORD.search(text):
        return None
    if text.split()[0] in ("may", "can", "are", "would", "do", "ok", "happy"):
        return None  # a question with the word "on" or "at" in it
    return next((rank for rank, pattern in enumerate(_DATES) if pattern.search(text)), None)
