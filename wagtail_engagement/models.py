"""Every table of the package in one place, for host sites and for Django."""

from .consent.models import (
    ConsentEvent,
    ConsentWording,
    ContactPermission,
    Suppression,
)
from .consent.notices import EngagementSettings
from .consultations.doors import NamedLink
from .consultations.models import (
    Answer,
    Consultation,
    ConsultationResponse,
    FormVersion,
    ResponseContact,
)
from .imports.models import ImportBatch, ImportRow
from .invitations.events import ProviderEvent
from .invitations.models import Delivery, Invitation
from .invitations.signs import TeamNotice, WorkerSign
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
from .seal.models import JournalEntry, Seal

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
    "JournalEntry",
    "Link",
    "Merge",
    "NamedLink",
    "Participant",
    "ParticipantInterest",
    "ParticipantName",
    "ParticipantNote",
    "PossibleDuplicate",
    "Postcode",
    "ProviderEvent",
    "RegisterMail",
    "ResponseContact",
    "RetentionRun",
    "RightsRequest",
    "Seal",
    "SendingLimit",
    "Suppression",
    "Team",
    "TeamNotice",
    "WorkerSign",
]
