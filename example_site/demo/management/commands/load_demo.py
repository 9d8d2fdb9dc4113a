"""Makes three years of invented history for the example site."""

import random

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from demo.ledger import Ledger
from demo.old_form import ask_as_before
from demo.pages import build
from demo.people import Crowd
from demo.story import Story
from wagtail_engagement.models import (
    Consultation,
    ConsultationResponse,
    Invitation,
    Participant,
)


class Command(BaseCommand):
    help = "Fill an empty example site with pages, people, answers and invitations, all invented."

    def add_arguments(self, parser):
        parser.add_argument(
            "--participants", type=int, default=2000, help="how many people there are (2000)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="another number tells another story (1)"
        )

    def handle(self, *args, **options):
        if options["participants"] < 1:
            raise CommandError("Ask for one participant at least.")
        if Consultation.objects.exists() or Participant.objects.exists():
            raise CommandError(
                "There is data in this database already, and it was left as it is. To start"
                " again, use an empty database and run `migrate` first."
            )
        with transaction.atomic():
            crowd = Crowd(build(), Ledger(), random.Random(options["seed"]))
            Story(crowd.place, crowd, options["participants"]).tell()
            ask_as_before(crowd, submissions=options["participants"] // 20)
        self.stdout.write(
            f"Made {Consultation.objects.count()} consultations,"
            f" {Participant.objects.count():,} participants,"
            f" {ConsultationResponse.objects.count():,} responses"
            f" and {Invitation.objects.count()} invitations."
        )
