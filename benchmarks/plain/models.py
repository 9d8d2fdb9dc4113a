from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.fields import RichTextField


class PlainFormField(AbstractFormField):
    page = ParentalKey("PlainFormPage", on_delete=models.CASCADE, related_name="form_fields")


class PlainFormPage(AbstractForm):
    intro = RichTextField(blank=True)

    template = "benchmarks/plain_form_page.html"
    landing_page_template = "benchmarks/plain_form_page_landing.html"
