"""One factory for each table. Traits name states in the words of the register."""

import datetime

import factory
from django.contrib.auth import get_user_model
from django.utils import timezone
from factory.django import DjangoModelFactory

from wagtail_engagement import addresses, models
from wagtail_engagement.consent import settling
from wagtail_engagement.consent.models import Purpose
from wagtail_engagement.participants import links

DAY = datetime.timedelta(days=1)
Now = factory.LazyFunction(timezone.now)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    class Params:
        superuser = factory.Trait(is_staff=True, is_superuser=True)

    username = factory.Sequence("user{}".format)
    email = factory.LazyAttribute(lambda user: f"{user.username}@council.example.com")
    password = factory.PostGenerationMethodCall("set_password", "password")

    @classmethod
    def _after_postgeneration(cls, instance, create, results=None):
        instance.save()


class InterestFactory(DjangoModelFactory):
    class Meta:
        model = models.Interest

    name = factory.Sequence("Interest {}".format)
    slug = factory.Sequence("interest-{}".format)


class ConsultationFactory(DjangoModelFactory):
    class Meta:
        model = models.Consultation
        skip_postgeneration_save = True

    class Params:
        planned = factory.Trait(
            opens_at=factory.LazyFunction(lambda: timezone.now() + 7 * DAY),
            closes_at=factory.LazyFunction(lambda: timezone.now() + 28 * DAY),
        )
        closed = factory.Trait(
            opens_at=factory.LazyFunction(lambda: timezone.now() - 28 * DAY),
            closes_at=factory.LazyFunction(lambda: timezone.now() - 7 * DAY),
        )
        sensitive = factory.Trait(is_sensitive=True)

    title = factory.Sequence("Consultation {}".format)
    opens_at = factory.LazyFunction(lambda: timezone.now() - 7 * DAY)
    closes_at = factory.LazyFunction(lambda: timezone.now() + 14 * DAY)
    is_live = True

    @factory.post_generation
    def interests(self, create, extracted, **kwargs):
        if create and extracted:
            self.interests.set(extracted)


class FormVersionFactory(DjangoModelFactory):
    class Meta:
        model = models.FormVersion

    consultation = factory.SubFactory(ConsultationFactory)
    number = factory.Sequence(lambda n: n + 1)
    digest = factory.Sequence("{:064x}".format)
    definition = factory.LazyFunction(list)


class ConsentWordingFactory(DjangoModelFactory):
    class Meta:
        model = models.ConsentWording

    purpose = Purpose.INVITE
    language = "en"
    label = factory.Sequence("Tell me about other consultations, wording {}".format)


class ParticipantFactory(DjangoModelFactory):
    """A person. `agreed` may be invited, by a real event; `left` has withdrawn since."""

    class Meta:
        model = models.Participant
        skip_postgeneration_save = True

    email = factory.Sequence("person{}@example.com".format)
    address_key = factory.LazyAttribute(lambda person: addresses.key(person.email))
    confirmed_at = Now

    @factory.post_generation
    def agreed(self, create, extracted, **kwargs):
        if create and extracted:
            ConsentEventFactory(participant=self, at=timezone.now() - DAY)
            settling.settle([self.pk], at=timezone.now())

    @factory.post_generation
    def left(self, create, extracted, **kwargs):
        if create and extracted:
            ConsentEventFactory(participant=self, action="withdrawn", channel="leave_page")
            settling.settle([self.pk], at=timezone.now())

    @factory.post_generation
    def interests(self, create, extracted, **kwargs):
        for interest in extracted or ():
            ParticipantInterestFactory(participant=self, interest=interest)


class ParticipantInterestFactory(DjangoModelFactory):
    class Meta:
        model = models.ParticipantInterest

    class Params:
        inferred = factory.Trait(origin="inferred")
        removed = factory.Trait(removed_at=Now)

    participant = factory.SubFactory(ParticipantFactory)
    interest = factory.SubFactory(InterestFactory)
    origin = "declared"


class ConsentEventFactory(DjangoModelFactory):
    class Meta:
        model = models.ConsentEvent

    class Params:
        result = factory.Trait(
            purpose=Purpose.RESULT, consultation=factory.SubFactory(ConsultationFactory)
        )

    participant = factory.SubFactory(ParticipantFactory)
    purpose = Purpose.INVITE
    action = "given"
    channel = "form"
    at = Now


class ContactPermissionFactory(DjangoModelFactory):
    class Meta:
        model = models.ContactPermission

    class Params:
        stopped = factory.Trait(may_write=False, reason="stopped")
        undeliverable = factory.Trait(may_write=False, reason="undeliverable")

    participant = factory.SubFactory(ParticipantFactory)
    purpose = Purpose.INVITE
    may_write = True
    reason = "granted"
    is_by_consent = factory.LazyAttribute(lambda row: row.reason in ("granted", "paused"))
    since = Now


class SuppressionFactory(DjangoModelFactory):
    """A row of the do-not-contact list, about `address`."""

    class Meta:
        model = models.Suppression

    class Params:
        address = factory.Sequence("stopped{}@example.com".format)

    key_id = factory.LazyAttribute(lambda row: addresses.fingerprint(row.address)[1])
    fingerprint = factory.LazyAttribute(lambda row: addresses.fingerprint(row.address)[0])
    reason = "bounced"


class RegisterMailFactory(DjangoModelFactory):
    class Meta:
        model = models.RegisterMail

    class Params:
        address = factory.Sequence("mailed{}@example.com".format)

    kind = "confirm"
    key_id = factory.LazyAttribute(lambda row: addresses.fingerprint(row.address)[1])
    fingerprint = factory.LazyAttribute(lambda row: addresses.fingerprint(row.address)[0])


class ClaimFactory(DjangoModelFactory):
    """What somebody ticked. `both` ticks the result too; `mailed` has a mail that is out."""

    class Meta:
        model = models.Claim

    class Params:
        both = factory.Trait(
            purposes=factory.LazyFunction(
                lambda: {
                    "invite": ConsentWordingFactory().pk,
                    "result": ConsentWordingFactory(purpose=Purpose.RESULT).pk,
                }
            )
        )
        mailed = factory.Trait(
            mail=factory.SubFactory(
                RegisterMailFactory,
                address=factory.SelfAttribute("..email"),
                state="sent",
                attempt=1,
            )
        )

    email = factory.Sequence("claimed{}@example.com".format)
    address_key = factory.LazyAttribute(lambda claim: addresses.key(claim.email))
    purposes = factory.LazyFunction(lambda: {"invite": ConsentWordingFactory().pk})
    consultation = factory.SubFactory(ConsultationFactory)
    created_at = Now
    invite_until = factory.LazyAttribute(lambda claim: claim.created_at + 14 * DAY)
    result_until = factory.LazyAttribute(lambda claim: claim.created_at + 400 * DAY)


class LinkFactory(DjangoModelFactory):
    """A mailed link. `token` is what its address carries; only the hash is stored."""

    class Meta:
        model = models.Link

    class Params:
        token = "a" * 22

    purpose = "choices"
    uuid = factory.Faker("uuid4", cast_to=None)
    key_id = "k1"
    token_hash = factory.LazyAttribute(lambda link: links.fingerprint(link.token))
    participant = factory.SubFactory(ParticipantFactory)


class ConsultationResponseFactory(DjangoModelFactory):
    class Meta:
        model = models.ConsultationResponse

    class Params:
        held = factory.Trait(
            status="held", held_until=factory.LazyFunction(lambda: timezone.now() + 7 * DAY)
        )

    form_version = factory.SubFactory(FormVersionFactory)
    consultation = factory.SelfAttribute("form_version.consultation")
    submission_hash = factory.Sequence("{:064x}".format)


class AnswerFactory(DjangoModelFactory):
    class Meta:
        model = models.Answer

    response = factory.SubFactory(ConsultationResponseFactory)
    question_key = factory.Faker("uuid4")
    text = "More benches."


class ResponseContactFactory(DjangoModelFactory):
    class Meta:
        model = models.ResponseContact

    response = factory.SubFactory(ConsultationResponseFactory)
    email = factory.Sequence("contact{}@example.com".format)


class InvitationFactory(DjangoModelFactory):
    class Meta:
        model = models.Invitation
        skip_postgeneration_save = True

    consultation = factory.SubFactory(ConsultationFactory)
    subject = "A new consultation"

    @factory.post_generation
    def interests(self, create, extracted, **kwargs):
        if create and extracted:
            self.interests.set(extracted)


class DeliveryFactory(DjangoModelFactory):
    class Meta:
        model = models.Delivery

    class Params:
        accepted = factory.Trait(state="accepted", handed_at=Now)

    invitation = factory.SubFactory(InvitationFactory)
    participant = factory.SubFactory(ParticipantFactory)


class WorkerSignFactory(DjangoModelFactory):
    class Meta:
        model = models.WorkerSign

    name = factory.Sequence("worker {}".format)
    seen_at = Now
