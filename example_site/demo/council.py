"""What the invented council says about itself and its topics."""

INTERESTS = {
    "cycling-and-walking": (
        "Cycling and walking",
        "Lanes, paths, crossings and places to park a bicycle",
    ),
    "roads-and-transport": ("Roads and transport", "Streets, traffic, buses, trains and parking"),
    "parks-and-green-spaces": ("Parks and green spaces", "Parks, playgrounds, trees and the canal"),
    "libraries-and-culture": (
        "Libraries and culture",
        "Libraries, museums, festivals and the theatre",
    ),
    "housing-and-planning": (
        "Housing and planning",
        "New homes, council homes and what is built where",
    ),
    "recycling-and-waste": ("Recycling and waste", "Collections, recycling centres and litter"),
    "town-centre-and-high-streets": (
        "Town centre and high streets",
        "Shops, markets, squares and the evening",
    ),
    "budget-and-council-tax": (
        "Budget and council tax",
        "What things cost, and where the money comes from",
    ),
}

# Name; the name that its emails bear; where answers go; who belongs to it.
TEAMS = {
    "streets": (
        "Streets and town centre",
        "Westmere streets team",
        "streets@westmere.example",
        ("lead", "priya"),
    ),
    "parks": (
        "Parks and libraries",
        "Westmere parks and libraries",
        "parks@westmere.example",
        ("lead", "steward"),
    ),
}

HOME_INTRODUCTION = (
    "Before we decide, we ask. Before we ask again, we tell you what came of it. Here is what is"
    " open now, and what you changed."
)
INDEX_INTRODUCTION = (
    "<p>Everything the council is asking, has asked and is about to ask. You never need an account"
    " to answer.</p>"
)
SIGN_UP_INTRODUCTION = (
    "<p>Choose what you care about, and we write to you when a consultation opens that fits. You"
    " can leave with one click in any email.</p>"
)

# Slug: title, introduction, body, whether it is in the menu.
PAGES = {
    "about": (
        "About consultations",
        "Why we ask, who reads what you write, and what we promise.",
        "<h2>Why we ask</h2><p>People who use a street, a park or a library know things about it"
        " that nobody in an office knows. We ask while a decision is still open, and say what you"
        " can change and what you cannot.</p>"
        "<h2>What we promise</h2><ul><li>Time to answer: four weeks at least.</li>"
        "<li>Every answer is read by a person.</li>"
        "<li>We say by when we will reply, and then reply: what we asked, what you said, what we"
        " did, and where we did not, why.</li></ul>"
        "<h2>What this page is</h2><p>Westmere is an invented place. Its people, its answers and its"
        " decisions are made up to show how consultations can work.</p>",
        True,
    ),
    "privacy": (
        "Privacy",
        "What becomes of your answers and of your email address.",
        "<h2>Your answers</h2><p>We keep them apart from your name and address. People who write"
        " reports see the answers and not who gave them. We publish numbers, and sentences only"
        " when they name nobody.</p>"
        "<h2>Your email address</h2><p>We use it only for what you ticked, and only after you"
        " confirmed it. Every email has a link to see your choices, change them or leave.</p>"
        "<h2>How long</h2><p>Answers are kept for three years after the decision. Your address is"
        " kept until you leave.</p>"
        "<h2>Questions and complaints</h2><p>Write to the data protection officer at"
        " dataprotection@westmere.example or call 01632 960101. You can also complain to the"
        " Information Commissioner's Office.</p>",
        False,
    ),
    "accessibility": (
        "Accessibility",
        "How this site is meant to work for everybody, and what to do where it does not.",
        "<p>You can answer every consultation with a keyboard, with a screen reader, on a small"
        " telephone and without JavaScript. If something gets in your way, call 01632 960100 and"
        " we take your answers on the telephone.</p>",
        False,
    ),
}

SETTINGS = {
    "organisation": "Westmere Borough Council",
    "about_us": (
        "<p>Westmere Borough Council. The engagement team runs every consultation together with the"
        " service that it is about.</p>"
    ),
    "privacy_notice": (
        "<p>We use your answers to decide about this proposal, which is a task that the law gives"
        " us. They are kept apart from your name and address and deleted three years after the"
        " decision. An email address is used only for what you tick.</p>"
    ),
    "complaints": (
        "<p>If you are unhappy with how we use your data, write to"
        " dataprotection@westmere.example or call 01632 960101. We answer within 30 days. You can"
        " also complain to the Information Commissioner's Office.</p>"
    ),
    "other_ways": (
        "<p>Call 01632 960100, weekdays 9am to 5pm, and we fill in the form with you. Paper copies,"
        " large print and easy read are in every library. In other languages, say which one and we"
        " ring you back with an interpreter.</p>"
    ),
}

# The words beside the box for invitations since the second year; days count from today.
SECOND_WORDING = (
    -500,
    "Email me when the council asks about topics I care about",
    "We write only when a consultation opens that fits your topics. You can leave with one"
    " click in any email.",
)
HISTORY_STARTS = -1100
