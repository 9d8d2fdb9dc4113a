"""Links to a consultation that others pass on, each with a name to count responses by."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import REFERENCE_ALPHABET, Consultation, ConsultationResponse

CODE_LENGTH = 6
# What people read off a poster and type instead; these letters are in no code.
MISREAD = str.maketrans("OIL", "011")


def new_code() -> str:
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(CODE_LENGTH))


def as_code(typed: str) -> str:
    """Return a code as it is stored, however it was typed; "" for what can be none."""
    code = typed.strip().upper().translate(MISREAD)
    return code if len(code) == CODE_LENGTH and set(code) <= set(REFERENCE_ALPHABET) else ""


class NamedLink(models.Model):
    """An address of a consultation for one poster, partner or group. It says nothing of a person."""

    class Kind(models.TextChoices):
        PARTNER = (
            ConsultationResponse.Route.PARTNER.value,
            _("a partner or a place, such as a library"),
        )
        COMMUNITY = (
            ConsultationResponse.Route.COMMUNITY.value,
            _("a community, such as a forum or a club"),
        )

    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, related_name="named_links"
    )
    name = models.CharField(
        _("name"), max_length=80, help_text=_("For yourselves, such as “Library poster”.")
    )
    kind = models.CharField(
        _("it is passed on by"), max_length=12, choices=Kind.choices, default=Kind.PARTNER
    )
    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=new_code, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        verbose_name = _("named link")
        verbose_name_plural = _("named links")
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "name"], name="engagement_named_link_once"
            )
        ]

    def __str__(self) -> str:
        return self.name
