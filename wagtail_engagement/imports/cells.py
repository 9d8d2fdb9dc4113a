"""What one cell says: an address, a name, a postcode, yes or no, a date, some interests.

Every function takes the text of a cell as it was typed. None knows tables or columns, and none
guesses where a wrong guess would write to somebody who did not agree.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection
from functools import lru_cache

from django.utils.translation import gettext as _

from .. import addresses
from .headings import plain

Vocabulary = Callable[[str], "int | None"]

_NOTHING = frozenset({"", "-", "--", "–", "—", "n/a", "na", "n a", "none", "null", "nil"})
_DOUBT = frozenset(
    "?|??|unknown|not known|tbc|to be confirmed|not sure|unsure|don't know|maybe|not asked|pending|"
    "nonsubscribed|non-subscribed|transactional|archived|not subscribed yet".split("|")
)
_YES = frozenset(
    "yes|y|true|1|t|x|✓|✔|☑|yes please|ok|okay|ticked|checked|on|agree|agreed|i agree|accepted|"
    "yes i agree|ja|oui|si|sí|ydw|ydy|ie|hoffwn".split("|")
)
_NO = frozenset(
    "no|n|false|0|f|✗|✘|☐|off|unticked|not ticked|nein|nej|nee|non|nac ydw|nac ydy".split("|")
)
_ALWAYS_IN = frozenset(
    "subscribed|opted in|opted-in|opt in|opt-in|consented|consent given|i consent|confirmed opt-in"
    "|ok to contact|happy to be contacted".split("|")
)
_ALWAYS_OUT = frozenset(
    "unsubscribed|unsubscribe|opted out|opted-out|opt out|opt-out|cleaned|bounced|hard bounce|"
    "complained|do not contact|do not email|don't contact|don't email|dnc|no thanks|no thank you|"
    "no contact|not to be contacted|withdrawn|consent withdrawn|never|refused|declined|stop|"
    "remove|removed|suppressed|blocked|nein danke|nej tack|non merci|dim diolch".split("|")
)
_NO_ADDRESS = _NOTHING | {"anonymous", "no email", "no e-mail", "none given", "not given", "?"}

_ADDRESS = re.compile(r"[^\s<>()\[\];,:\"|@]+@[^\s<>()\[\];,:\"|@]+")
_INSIDE = re.compile(r"[^<>@]*<\s*([^<>]*)\s*>")
_POSTCODE = re.compile(
    r"(GIR|[A-PR-UWYZ](?:[0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9]{1,2}|[A-HK-Y][0-9][A-Z]))"
    r"([0-9O])([ABD-HJLNP-UW-Z]{2})"
)
_TITLE = r"(?:mr|mrs|ms|miss|mx|dr|prof|professor|rev|revd|cllr|councillor|clr)\b\.?"
_TITLES = re.compile(rf"^(?:{_TITLE}\s+(?!&|and\b))+", re.IGNORECASE)
_TITLE_IN_BRACKETS = re.compile(rf"\s*[(\[]\s*{_TITLE}\s*[)\]]", re.IGNORECASE)
_HONOURS = frozenset("jr sr ii iii obe mbe cbe bem kbe phd ba bsc msc ma md frcs jp dl".split())
_PARTICLES = frozenset(
    "van von der den de del della di da du la le ten ter zu y af av ap ab".split()
)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_ORGANISATION = re.compile(
    r"organi[sz]|business|company|charity|\bgroup\b|council|parish|school|consultee|statutory|"
    r"agency|public body|association|society|\bclub\b|business|\bngo\b|förening|företag|verein",
    re.IGNORECASE,
)
_QUOTES = " \t\"'“”‘’[]"
_SEPARATORS = re.compile(r"[;,/|\n\r\t•]+|\+(?=\s*\w)")
LONGEST_ADDRESS_CELL = 1000  # characters; more is a text, and slow to search
LONGEST_TERM = 6  # pieces that may belong to one term, as in "Planning, development"

_MONTHS = {
    month: number
    for number, months in enumerate(
        (
            "jan january januari januar janvier ionawr",
            "feb february februari februar fevrier chwefror",
            "mar march mars marz maerz maart mawrth",
            "apr april avril ebrill",
            "may mai maj mei",
            "jun june juni juin mehefin",
            "jul july juli juillet gorffennaf",
            "aug august augusti augustus aout awst",
            "sep sept september septembre medi",
            "oct october okt oktober octobre hydref",
            "nov november novembre tachwedd",
            "dec december dez dezember decembre rhagfyr",
        ),
        start=1,
    )
    for month in months.split()
}
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_COMPACT = re.compile(r"((?:19|20)\d{2})(\d{2})(\d{2})(?:T\d+Z?)?")
_NUMBERS = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?!\d)")
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\.)?[-/ ]*(?:of )?([^\W\d]{3,})\.?,?[-/ ]*(\d{4}|\d{2})\b"
)
_MONTH_DAY = re.compile(r"([^\W\d]{3,})\.?[-/ ]*(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})\b")
_WEEKDAY = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
_SERIAL_ZERO = datetime.date(1899, 12, 30)


@lru_cache(maxsize=4096)
def _word(cell: str) -> str:
    """Return a cell as it is looked up among words: "Yes, please!" is "yes please"."""
    return re.sub(r"[\s,.!*]+", " ", cell.casefold().replace("’", "'")).strip()


def is_blank(cell: str) -> bool:
    """Return whether a cell says nothing: empty, a dash, "n/a"."""
    return _word(cell) in _NOTHING


def address(cell: str) -> tuple[str, str]:
    """Return the address in a cell and "", or "" and the sentence that says what is wrong.

    Both are empty where no address is given. The sentence never repeats the cell.
    """
    text = cell.strip()
    if _word(text) in _NO_ADDRESS:
        return "", ""
    if "@" not in text or len(text) > LONGEST_ADDRESS_CELL:
        return "", _("This is not an email address. Enter one, or leave the cell empty")
    found = _ADDRESS.findall(re.sub(r"mailto:", " ", text, flags=re.IGNORECASE))
    if len({addresses.key(each.rstrip(".")) for each in found}) > 1:
        return "", _("There are two addresses in this cell. Give each address a row of its own")
    if len(found) > 1:
        text = found[0]
    elif inside := _INSIDE.match(text):
        text = inside[1]
    text = re.sub(r"^\s*mailto:\s*", "", text, flags=re.IGNORECASE).partition("?")[0]
    text = text.strip(" \t\r\n\xa0\"'()[];,.:<>")
    if re.search(r"\s", text):
        return "", _("There is a space inside this email address. Enter it without the space")
    try:
        return addresses.clean(text), ""
    except addresses.AddressRefused as refusal:
        return "", str(refusal)


def postcode(cell: str) -> str:
    """Return a British postcode as the post writes it ("BN1 1AA"), or "" for anything else."""
    found = _POSTCODE.fullmatch(re.sub(r"[\s\-.,()\[\]'\"]+", "", cell.upper()))
    return f"{found[1]} {found[2].replace('O', '0')}{found[3]}" if found else ""


def storable(cell: str) -> str:
    """Return a text of several lines as a database takes it: nothing that it would refuse."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", cell).strip()


def tidy(cell: str) -> str:
    """Return a text in one line, without signs that nobody sees."""
    if not cell.isprintable():
        cell = "".join(sign if sign.isprintable() else " " for sign in cell)
    return " ".join(cell.split())


def _calm(word: str, *, alone: bool) -> str:
    """Return a word that was shouted as it is written: BLAKE is Blake, O'BRIEN is O'Brien."""
    if len(word) > 2 and word.casefold() in _HONOURS:
        return word
    if not word.isupper() or len(word) < (2 if alone else 3) or "." in word:
        return word
    parts = [part.capitalize() for part in re.split(r"([-'’])", word)]
    return re.sub(r"\bMc([a-z])", lambda found: f"Mc{found[1].upper()}", "".join(parts))


def person_name(cell: str) -> str:
    """Return a name in reading order: "BLAKE, Bailey (Cllr)" is "Bailey Blake"."""
    text = _TITLE_IN_BRACKETS.sub("", tidy(cell))
    if is_blank(text):
        return ""
    family, comma, given = (part.strip() for part in text.partition(","))
    if comma and family and given and "," not in given:
        if given.casefold().replace(".", "") not in _HONOURS and len(given.split()) <= 3:
            text = f"{given} {family}"
    words = _TITLES.sub("", text.strip(" ,")).split()
    shouted = all(word.isupper() for word in words)
    calm = [_calm(word, alone=shouted) for word in words]
    for place in range(1, len(calm) - 1):
        if words[place].isupper() and words[place].lower() in _PARTICLES:
            calm[place] = words[place].lower()
    return " ".join(calm)


def permission(
    cell: str, *, polarity: str, yes: Collection[str] = (), left_a_list: bool = False
) -> str:
    """Return "in", "out", "unknown" (doubt), "unclear" (not understood) or "" (says nothing).

    `polarity` is what yes means. Not having ticked an opt-out box is not consent, so that "no"
    says nothing there; with `left_a_list`, "no" is that of somebody who joined and stayed.
    """
    word = _word(cell)
    means_yes = word in {_word(each) for each in yes} if yes else False
    if not means_yes:
        if word in _NOTHING:
            return ""
        if word in _ALWAYS_OUT:
            return "out"
        if word in _ALWAYS_IN:
            return "in"
        if word in _DOUBT:
            return "unknown"
        if word in _NO:
            stayed = "in" if left_a_list else ""
            return stayed if polarity == "out" else "out"
        # A day stands for yes in columns like UNSUB_TIME; a bare number does not.
        means_yes = word in _YES or (not word.isdigit() and bool(date(cell, order="dmy")))
    if not means_yes:
        return "unclear"
    return "out" if polarity == "out" else "in"


def are_states(samples: Collection[str]) -> bool:
    """Return whether the cells say who is on a mailing list: "subscribed", "cleaned"."""
    words = {_word(sample) for sample in samples}
    states = _ALWAYS_IN | _ALWAYS_OUT | {"pending", "nonsubscribed", "non-subscribed"}
    return bool(words) and words <= states


def date(cell: str, *, order: str) -> datetime.date | None:
    """Return the day that a cell names, or None.

    `order` ("dmy", "mdy", "ymd") is how days in mere numbers are read; one that does not exist in
    that order is refused, never turned round. Serial numbers count days from 30 December 1899.
    """
    text = _WEEKDAY.sub("", tidy(cell))
    if (found := _SERIAL.fullmatch(text)) and 10_000 < int(found[1]) < 80_000:
        return _SERIAL_ZERO + datetime.timedelta(days=int(found[1]))
    if found := _YEAR_FIRST.match(text) or _COMPACT.fullmatch(text):
        return _day(found[1], found[2], found[3])
    if found := _NUMBERS.match(text):
        one, two, three = found.groups()
        if order == "ymd" and len(three) == 2:
            return _day(one, two, three)
        return _day(three, one, two) if order == "mdy" else _day(three, two, one)
    if found := _DAY_MONTH.match(text):
        return _day(found[3], found[2], found[1])
    if found := _MONTH_DAY.match(text):
        return _day(found[3], found[1], found[2])
    return None


def _day(year: str, month: str, day: str) -> datetime.date | None:
    number = int(month) if month.isdigit() else _MONTHS.get(plain(month), 0)
    # Two figures are read as every Unix does: 69 to 99 are of the last century.
    full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= 69 else 2000)
    try:
        return datetime.date(full, number, int(day)) if full >= 1900 else None
    except ValueError:
        return None


def order_of(samples: Collection[str]) -> str:
    """Return in which order the samples write their days: what they prove, else day first."""
    found = [match for sample in samples if (match := _NUMBERS.match(tidy(sample)))]
    day_first = any(int(match[1]) > 12 for match in found)
    if not day_first and any(int(match[2]) > 12 for match in found):
        return "mdy"
    years = [sample for sample in samples if _YEAR_FIRST.match(tidy(sample))]
    return "ymd" if years and len(years) == len(samples) else "dmy"


def is_organisation(cell: str) -> bool:
    """Return whether the word for a kind of participant means an organisation."""
    return bool(_ORGANISATION.search(cell))


def pieces(cell: str, vocabulary: Vocabulary | None = None) -> list[str]:
    """Return the interests of a delimited cell one by one, each once, as they are written.

    `vocabulary` returns a number for a known term, None else: the longest known term wins, so
    that "Planning, development" stays whole where a site calls a topic so.
    """
    spans = _spans(cell)
    found: dict[str, str] = {}
    first = 0
    while first < len(spans):
        last = first
        for end in range(min(len(spans), first + LONGEST_TERM) - 1, first - 1, -1):
            joined = cell[spans[first][0] : spans[end][1]]
            if vocabulary is not None and vocabulary(joined) is not None:
                last = end
                break
        piece = tidy(cell[spans[first][0] : spans[last][1]])
        if not is_blank(piece):
            found.setdefault(piece.casefold(), piece)
        first = last + 1
    return list(found.values())


def is_delimited(text: str) -> bool:
    """Return whether a text has a separator in it, so that it could be read as several."""
    return bool(_SEPARATORS.search(text))


def _spans(cell: str) -> list[tuple[int, int]]:
    """Return where each piece between separators begins and ends, without space and quotes."""
    if is_blank(cell):
        return []
    edges = [(match.start(), match.end()) for match in _SEPARATORS.finditer(cell)]
    starts = [0, *(end for _start, end in edges)]
    ends = [*(start for start, _end in edges), len(cell)]
    spans = []
    for start, end in zip(starts, ends, strict=True):
        text = cell[start:end]
        left = len(text) - len(text.lstrip(_QUOTES))
        right = len(text) - len(text.rstrip(_QUOTES))
        if left + right < len(text):
            spans.append((start + left, end - right))
    return spans
