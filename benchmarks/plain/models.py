from django.db import models
from modelcluster.fields import ParentalKey
from taggit.managers import TaggableManager
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.fields import RichTextField


class PlainFormField(AbstractFormField):
    page = ParentalKey("PlainFormPage", on_delete=models.CASCADE, related_name="form_fields")


class PlainFormPage(AbstractForm):
    intro = RichTextField(blank=True)

    template = "benchmarks/plain_form_page.html"
    landing_page_template = "benchmarks/plain_form_page_landing.html"


class PlainContact(models.Model):
    """A contact with tags, as a site without us keeps it."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    opted_in = models.BooleanField(default=False)
    tags = TaggableManager()


class TaggedContact(models.Model):
    """The same where people are picked by tag: lean, with the plain indexes that one would add."""

    email = models.EmailField(unique=True)
    opted_in = models.BooleanField(default=False, db_index=True)
    joined_at = models.DateTimeField(db_index=True)
    tags = TaggableManager()
