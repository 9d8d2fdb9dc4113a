"""Areas of the council and their postcodes, as the council's own file names them; tables only."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Area(models.Model):
    """A ward, parish or other part of the council. People and consultations carry its name."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    code = models.CharField(_("code"), max_length=20, blank=True)
    loaded_at = models.DateTimeField(_("loaded"), auto_now=True)

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Postcode(models.Model):
    """Which area a postcode lies in; `code` is in capitals without spaces."""

    code = models.CharField(max_length=8, primary_key=True)
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="postcodes")

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("postcode")
        verbose_name_plural = _("postcodes")

    def __str__(self) -> str:
        return self.code
