"""Every table of the package in one place, for host sites and for Django."""

from .consent.models import (
    ConsentEvent,
    ConsentWording,
    ContactPermission,
    Suppression,
)
from .consent.notices import EngagementSettings
from .consultations.models import (
    Answer,
    Consultation,
    ConsultationResponse,
    FormVersion,
    ResponseContact,
)
from .imports.models import ImportBatch, ImportRow
from .invitations.models import Delivery, Invitation, TeamNotice, WorkerSign
from .invitations.teams import SendingLimit, Team
from .participants.details import ParticipantName, ParticipantNote
from .participants.merges import AddressChange, Merge, PossibleDuplicate
from .participants.models import (
    Claim,
    Interest,
    Link,
    Participant,
    ParticipantInterest,
    RegisterMail,
)
from .participants.places import Area, Postcode
from .rights.models import RetentionRun, RightsRequest

__all__ = [
    "AddressChange",
    "Answer",
    "Area",
    "Claim",
    "ConsentEvent",
    "ConsentWording",
    "Consultation",
    "ConsultationResponse",
    "ContactPermission",
    "Delivery",
    "EngagementSettings",
    "FormVersion",
    "ImportBatch",
    "ImportRow",
    "Interest",
    "Invitation",
    "Link",
    "Merge",
    "Participant",
    "ParticipantInterest",
    "ParticipantName",
    "ParticipantNote",
    "PossibleDuplicate",
    "Postcode",
    "RegisterMail",
    "ResponseContact",
    "RetentionRun",
    "RightsRequest",
    "SendingLimit",
    "Suppression",
    "Team",
    "TeamNotice",
    "WorkerSign",
]
