"""Page types ready to use. Each is one of the mixins and Wagtail's Page, and nothing else."""

from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import ObjectList, TabbedInterface
from wagtail.models import Page

from ..consultations.pages import (
    ConsultationIndexPageMixin,
    ConsultationPageMixin,
    RegistrationPageMixin,
)


class ConsultationPage(ConsultationPageMixin, Page):
    template = ConsultationPageMixin.template
    subpage_types: list[str] = []
    edit_handler = TabbedInterface(
        [
            ObjectList(
                [*Page.content_panels, *ConsultationPageMixin.about_panels], heading=_("Content")
            ),
            ObjectList(ConsultationPageMixin.question_panels, heading=_("Questions")),
            ObjectList(ConsultationPageMixin.people_panels, heading=_("People")),
            ObjectList(ConsultationPageMixin.date_panels, heading=_("Dates and reply")),
            ObjectList(ConsultationPageMixin.outcome_panels, heading=_("What came of it")),
            ObjectList([*Page.promote_panels, *Page.settings_panels], heading=_("Page")),
        ]
    )

    class Meta:
        app_label = "wagtail_engagement_pages"
        verbose_name = _("consultation")
        verbose_name_plural = _("consultations")


class ConsultationIndexPage(ConsultationIndexPageMixin, Page):
    template = ConsultationIndexPageMixin.template
    content_panels = [*Page.content_panels, *ConsultationIndexPageMixin.list_panels]

    class Meta:
        app_label = "wagtail_engagement_pages"
        verbose_name = _("list of consultations")
        verbose_name_plural = _("lists of consultations")


class RegistrationPage(RegistrationPageMixin, Page):
    template = RegistrationPageMixin.template
    subpage_types: list[str] = []
    content_panels = [*Page.content_panels, *RegistrationPageMixin.sign_up_panels]

    class Meta:
        app_label = "wagtail_engagement_pages"
        verbose_name = _("sign-up page")
        verbose_name_plural = _("sign-up pages")
