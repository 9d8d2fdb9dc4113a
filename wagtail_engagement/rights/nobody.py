"""Tables that hold nobody of the register, and why; a test knows that no other is left."""

NOBODY = {
    "Area": "names of wards",
    "Postcode": "which ward a postcode lies in",
    "Consultation": "what was asked; its owner is staff",
    "ConsentWording": "words of the council; its author is staff",
    "EngagementSettings": "what a site says about itself",
    "FormVersion": "questions, not answers",
    "Interest": "the vocabulary of topics",
    "Invitation": "one letter for many; its author is staff",
    "JournalEntry": "keyed hashes for a week; what they say stands in Do not contact",
    "Seal": "whose database this is",
    "ImportBatch": "what was declared of a sheet; its file is dealt with by erasing.py",
    "NamedLink": "an address for a poster or a partner; its author is staff",
    "RetentionRun": "counts alone",
    "SendingLimit": "what the council's own sender may send",
    "TeamNotice": "which invitation a team was told of",
    "Team": "names and mailboxes of the council",
    "WorkerSign": "names of machines",
}
