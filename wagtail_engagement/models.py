"""Every table of the package in one place, for host sites and for Django."""

from .consent.models import (
    ConsentEvent,
    ConsentWording,
    ContactPermission,
    EngagementSettings,
    Suppression,
)
from .consultations.models import (
    Answer,
    Consultation,
    ConsultationResponse,
    FormVersion,
    ResponseContact,
)
from .invitations.models import Delivery, Invitation, WorkerSign
from .participants.models import (
    Claim,
    Interest,
    Link,
    Participant,
    ParticipantInterest,
    RegisterMail,
)

__all__ = [
    "Answer",
    "Claim",
    "ConsentEvent",
    "ConsentWording",
    "Consultation",
    "ConsultationResponse",
    "ContactPermission",
    "Delivery",
    "EngagementSettings",
    "FormVersion",
    "Interest",
    "Invitation",
    "Link",
    "Participant",
    "ParticipantInterest",
    "RegisterMail",
    "ResponseContact",
    "Suppression",
    "WorkerSign",
]
