"""What a provider's report can say of a message and of the address that it went to."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Kind(TextChoices):
    HARD = "hard", _("the address does not exist")
    SOFT = "soft", _("mailbox full or busy")
    BLOCKED = "blocked", _("turned away by the provider or the receiving server")
    COMPLAINT = "complaint", _("reported as spam")
    UNSUBSCRIBED = "unsubscribed", _("left at the provider")
    DELIVERED = "delivered", _("delivered")
    DELAYED = "delayed", _("delayed, and tried again")
    ACCEPTED = "accepted", _("taken by the provider")
    NOTHING = "nothing", _("nothing that concerns us")


# Why a message came back, from the mildest to the worst; of what is reported of one, the worst stays.
RETURNED = (Kind.BLOCKED, Kind.SOFT, Kind.HARD)


class Halt(TextChoices):
    """What made an invitation stop by itself, for a person to look at."""

    BOUNCES = "bounces", _("too many addresses do not exist")
    COMPLAINTS = "complaints", _("too many people reported it as spam")
    REFUSALS = "refusals", _("the mail server refused too many")
