"""Which addresses may be one mailbox, and how they differ. Only ever a hint to staff (trust 1.6)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Other names of one provider, by the name that stands for all of them.
_ONE_PROVIDER = {"googlemail.com": "gmail.com"}
_IGNORES_DOTS = frozenset({"gmail.com"})
_OFTEN_MISTYPED = (
    "gmail.com",
    "googlemail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "outlook.com",
    "yahoo.com",
    "yahoo.co.uk",
    "icloud.com",
    "btinternet.com",
    "virginmedia.com",
)
# Providers of their own, whose names are one slip away from one of the above.
_REAL = frozenset(
    {*_OFTEN_MISTYPED, "mail.com", "email.com", "ymail.com", "hotmail.co", "gmail.co.uk"}
)
_SLIPPED_ENDINGS = {"con": "com", "cmo": "com", "comm": "com", "vom": "com", "xom": "com"}
# Letters of other alphabets that are drawn like ours.
_DRAWN_ALIKE = str.maketrans("асеорхуіјѕԁԛԝһӏкмтьαορνικ", "aceopxyijsdqwhlkmtbaopvik")


def normal(address_key: str) -> str:
    """Return the form that two spellings of what may be one mailbox share."""
    local, _at, domain = address_key.rpartition("@")
    provider = provider_of(domain)
    local = local.partition("+")[0] or local
    if provider in _IGNORES_DOTS:
        local = local.replace(".", "") or local
    return f"{local}@{provider}"


@lru_cache(maxsize=10_000)
def provider_of(domain: str) -> str:
    """Return the domain that was probably meant."""
    drawn = _as_drawn(domain)
    front, _dot, ending = drawn.rpartition(".")
    if front and ending in _SLIPPED_ENDINGS:
        drawn = f"{front}.{_SLIPPED_ENDINGS[ending]}"
    if drawn not in _REAL:
        drawn = next((known for known in _OFTEN_MISTYPED if _is_one_slip(drawn, known)), drawn)
    return _ONE_PROVIDER.get(drawn, drawn)


def differ_by(first: str, second: str) -> str:
    """Say how two keys of one normal form differ: "domain", "lookalike", "tag" or "dots"."""
    (one, _at, here), (other, _at, there) = first.rpartition("@"), second.rpartition("@")
    if here != there:
        known = {_ONE_PROVIDER.get(domain, domain) for domain in (here, there)}
        return "domain" if len(known) == 1 else "lookalike"
    return "tag" if "+" in one or "+" in other else "dots"


def _as_drawn(domain: str) -> str:
    """Return the domain as a reader sees it, in Latin letters where they look the same."""
    labels = []
    for label in domain.split("."):
        if label.startswith("xn--"):
            try:
                label = label[4:].encode().decode("punycode")
            except UnicodeError:
                pass
        labels.append(label)
    shown = unicodedata.normalize("NFKD", ".".join(labels)).translate(_DRAWN_ALIKE)
    return "".join(sign for sign in shown if not unicodedata.combining(sign))


def _is_one_slip(typed: str, meant: str) -> bool:
    """Whether one letter is missing, doubled, changed or has changed places with its neighbour."""
    if abs(len(typed) - len(meant)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), None)
    if start is None:
        return len(typed) != len(meant)
    one, other = typed[start:], meant[start:]
    swapped = one[1:2] + one[:1] + one[2:]
    return other in (swapped, one[1:]) or one[1:] == other[1:] or one == other[1:]
