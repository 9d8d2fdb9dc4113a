"""The pages of the example site that are not the package's."""

from django.db import models
from django.utils import timezone
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField
from wagtail.models import Page

from wagtail_engagement.pages.models import ConsultationPage


class HomePage(Page):
    introduction = models.TextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    parent_page_types = ["wagtailcore.Page"]

    def get_context(self, request, *args, **kwargs):
        """Add what can be answered now, soonest end first, and what came of it lately."""
        now = timezone.now()
        pages = ConsultationPage.objects.live().public().descendant_of(self)
        return super().get_context(request, *args, **kwargs) | {
            "open_consultations": pages.filter(opens_at__lte=now, closes_at__gt=now).order_by(
                "closes_at"
            )[:6],
            "answered_consultations": pages.filter(closes_at__lte=now)
            .exclude(we_did="")
            .order_by("-closes_at")[:3],
        }


class StandardPage(Page):
    introduction = models.TextField(blank=True)
    body = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]
