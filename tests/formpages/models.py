"""Form pages as Wagtail's documentation makes them: a plain one, and one with its own table."""

from typing import Any

from django.conf import settings
from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import (
    AbstractEmailForm,
    AbstractForm,
    AbstractFormField,
    AbstractFormSubmission,
)


class FormField(AbstractFormField):
    page = ParentalKey("FormPage", on_delete=models.CASCADE, related_name="form_fields")


class FormPage(AbstractForm):
    pass


class StaffFormField(AbstractFormField):
    page = ParentalKey("StaffFormPage", on_delete=models.CASCADE, related_name="own_fields")


class StaffSubmission(AbstractFormSubmission):
    """What somebody who was logged in has sent."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    def get_data(self) -> Any:
        return {**super().get_data(), "sent_by": self.user.email}


class StaffFormPage(AbstractEmailForm):
    def get_form_fields(self) -> Any:
        return self.own_fields.all()

    def get_data_fields(self) -> Any:
        return [("sent_by", "Sent by"), *super().get_data_fields()]

    def get_submission_class(self) -> Any:
        return StaffSubmission
