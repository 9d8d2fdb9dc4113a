"""The consultations of the demo that are open, closing today or still to come."""

from .shape import Exercise, Letter, PassedOn, Question

HOW_OFTEN = ("Most days", "Every week", "Every month", "Less often", "Never")

MILL_ROAD = Exercise(
    slug="mill-road",
    title="A calmer Mill Road",
    summary=(
        "We have £1.4 million to make Mill Road safer between the bridge and the station. Tell us"
        " which of two layouts you prefer, and what we have missed."
    ),
    body=(
        "<p>About 9,200 vehicles and 1,900 bicycles use Mill Road on a weekday. In the last five"
        " years 31 people were hurt there, most of them walking or cycling.</p>"
        "<h2>What is proposed</h2>"
        "<p>Both layouts have wider pavements outside the shops and two new zebra crossings. They"
        " differ in what happens to the parking bays:</p>"
        "<ul><li><b>Layout A</b> takes out 22 of the 48 bays and adds a cycle lane on each side.</li>"
        "<li><b>Layout B</b> keeps 40 bays and adds a cycle lane uphill only.</li></ul>"
        "<h2>What you can change</h2>"
        "<p>The layout, where the crossings go, and the loading times. The money has to be spent"
        " on Mill Road, and the road stays open to buses and cars in both directions.</p>"
    ),
    interests=("cycling-and-walking", "roads-and-transport"),
    opens=-12,
    closes=16,
    decision=58,
    who_replies="The transport team",
    contact="streets@westmere.example or 01632 960114",
    theme="roads",
    share=300,
    added_option="By wheelchair or mobility scooter",
    links=(
        PassedOn("Poster in the bakery window", "partner", "BAKERY", 20),
        PassedOn("Westmere cycling club", "community", "CYC1ED", 16),
    ),
    questions=(
        Question(
            "multiple",
            "How do you usually travel along Mill Road?",
            ("On foot", "By bicycle", "By bus", "By car or van", "By taxi"),
            required=True,
            weights=(62, 34, 28, 47, 6, 3),
        ),
        Question("agree", "Mill Road feels safe to walk along", weights=(6, 20, 17, 34, 21, 2)),
        Question("agree", "Mill Road feels safe to cycle along", weights=(3, 9, 14, 31, 35, 8)),
        Question(
            "single",
            "Which layout do you prefer?",
            ("Layout A", "Layout B", "Neither: leave it as it is"),
            hint="Both have wider pavements and two new crossings.",
            required=True,
            weights=(51, 32, 17),
        ),
        Question(
            "guidance",
            "<p>Shops need deliveries. We can allow loading all day, or only before 10am and after"
            " 4pm, when fewer people walk and cycle.</p>",
        ),
        Question(
            "single",
            "When should loading be allowed?",
            ("All day", "Before 10am and after 4pm", "I have no view"),
            weights=(29, 52, 19),
        ),
        Question("long_text", "What have we missed?", answered=58),
    ),
    letter=Letter(
        day=-11,
        subject="Have your say on Mill Road",
        preheader="Two layouts, one choice, about five minutes",
        opening=(
            "<p>You told us that you care how people get around Westmere. We have drawn two"
            " layouts for Mill Road and would like to know which you prefer before anything is"
            " decided.</p><p>It takes about five minutes.</p>"
        ),
        status="paused",
        team="streets",
        remind_days=5,
    ),
)

PLAYGROUNDS = Exercise(
    slug="playgrounds",
    title="Which playgrounds should we rebuild first?",
    summary=(
        "Five of our playgrounds are worn out. There is money for two this year. Help us to choose,"
        " and say what children need there."
    ),
    body=(
        "<p>Our yearly inspection found five playgrounds that need new surfaces and equipment."
        " Two can be rebuilt by next summer; the others follow as money allows.</p>"
        "<h2>What you can change</h2>"
        "<p>Which two come first, and what is built there. Answers of children and of people who"
        " care for them count most, and we will also visit all schools nearby.</p>"
    ),
    interests=("parks-and-green-spaces",),
    opens=-20,
    closes=9,
    decision=45,
    who_replies="The parks team",
    contact="parks@westmere.example or 01632 960127",
    theme="parks",
    share=230,
    questions=(
        Question(
            "multiple",
            "Which two playgrounds should we rebuild first?",
            ("Alder Close", "Canal Basin", "Elm Park", "Northfield Green", "St Anne's Recreation"),
            hint="Choose two.",
            required=True,
            weights=(31, 44, 57, 49, 22),
        ),
        Question("single", "How often do you visit a playground?", HOW_OFTEN),
        Question(
            "number",
            "How many children do you usually bring?",
            hint="Enter 0 if you come without children.",
            between=(0, 5),
            answered=84,
        ),
        Question(
            "multiple",
            "What matters most to you?",
            (
                "Equipment for children under 5",
                "Equipment for children over 10",
                "Equipment that children in wheelchairs can use",
                "Shade and seats",
                "A fence and a gate that closes",
                "Toilets nearby",
            ),
            weights=(38, 29, 33, 45, 40, 52),
        ),
        Question("text", "What is the one thing you would add?", answered=49),
        Question("long_text", "Is there anything else that we need to know?", answered=36),
    ),
    letter=Letter(
        day=0,
        subject="Which playgrounds should we rebuild first?",
        preheader="There is money for two of five",
        opening=(
            "<p>Five of our playgrounds are worn out, and there is money for two of them this"
            " year. You told us that parks matter to you, so we should like to hear from you"
            " before we choose.</p>"
        ),
        status="draft",
        team="parks",
    ),
)

WELLBEING = Exercise(
    slug="mental-health-support",
    title="Mental health support close to home",
    summary=(
        "What helps, what is missing, and where would you feel comfortable to go? You can answer"
        " without saying who you are."
    ),
    body=(
        "<p>The council and local health services want to open two places where people can drop"
        " in and talk to somebody, without an appointment. Before we look for buildings we want"
        " to learn from people who may use them.</p>"
        "<h2>If you need help now</h2>"
        "<p>This page is not read day and night. Call NHS 111 and choose the mental health option,"
        " or 999 if somebody's life is at risk.</p>"
    ),
    interests=(),
    opens=-15,
    closes=27,
    decision=80,
    who_replies="The public health team",
    contact="01632 960138, weekdays 9am to 5pm",
    theme="wellbeing",
    share=90,
    is_sensitive=True,
    ask_name="not_asked",
    questions=(
        Question(
            "multiple",
            "What would make it easier to come in?",
            (
                "Open in the evening",
                "Open at weekends",
                "Close to a bus stop",
                "No appointment",
                "A separate room to talk",
                "Somebody who speaks my language",
            ),
            weights=(58, 44, 39, 66, 52, 11),
        ),
        Question(
            "single",
            "Where would you feel most comfortable?",
            ("A library", "A community centre", "A health centre", "Somewhere else"),
            weights=(34, 37, 18, 11),
        ),
        Question(
            "agree", "I know where to turn when I need support", weights=(7, 19, 20, 31, 18, 5)
        ),
        Question("long_text", "What has helped you, or somebody close to you?", answered=51),
    ),
)

LIBRARIES = Exercise(
    slug="library-hours",
    title="When should your library be open?",
    summary=(
        "We can keep all six libraries open for the same number of hours a week, but at other"
        " times. Tell us which hours suit you. This closes today."
    ),
    body=(
        "<p>No library will close, and no hours are lost. But our counts show long quiet mornings"
        " and full Saturdays, and many of you have asked for evenings.</p>"
        "<h2>What you can change</h2>"
        "<p>The hours of each library from next spring. Staff can work on two evenings a week in"
        " each building.</p>"
    ),
    interests=("libraries-and-culture",),
    opens=-42,
    closes=0,
    decision=40,
    who_replies="The libraries team",
    contact="libraries@westmere.example or 01632 960141",
    theme="libraries",
    share=520,
    questions=(
        Question(
            "single",
            "Which library do you use most?",
            ("Central", "Northfield", "Canal Side", "Hollin Bank", "St Anne's", "Eastgate"),
            required=True,
            weights=(41, 17, 14, 9, 11, 8),
        ),
        Question("single", "How often do you go there?", HOW_OFTEN),
        Question(
            "multiple",
            "When would you like it to be open?",
            (
                "Weekday mornings",
                "Weekday afternoons",
                "Weekday evenings",
                "Saturday",
                "Sunday afternoon",
            ),
            weights=(24, 41, 55, 63, 38),
        ),
        Question("date", "When did you last borrow something?", between=(2, 300), answered=61),
        Question("agree", "The present hours suit me", weights=(9, 24, 18, 31, 16, 2)),
        Question("long_text", "What else would bring you to a library?", answered=52),
    ),
    letter=Letter(
        day=-40,
        subject="When should your library be open?",
        preheader="No hours are lost; tell us which suit you",
        opening=(
            "<p>We are looking at the opening hours of all six libraries. No library closes and"
            " no hours are lost, but we can open at times that suit you better.</p>"
        ),
        team="parks",
    ),
)

MARKET = Exercise(
    slug="market-place",
    title="A new plan for the Market Place",
    summary=(
        "Stalls, seats, trees and events: a first sketch of the Market Place is ready, and soon"
        " you can say what goes where."
    ),
    body=(
        "<p>The paving of the Market Place has to be taken up for new water pipes. That is the"
        " moment to ask what goes back: the same, or something better.</p>"
    ),
    interests=("town-centre-and-high-streets",),
    opens=10,
    closes=52,
    decision=110,
    who_replies="The town centre team",
    contact="towncentre@westmere.example or 01632 960152",
    questions=(
        Question("single", "How often do you come to the Market Place?", HOW_OFTEN),
        Question(
            "multiple",
            "What should there be more of?",
            ("Market stalls", "Seats", "Trees and shade", "Room for events", "Cycle stands"),
        ),
        Question("agree", "Cars should be able to stop on the Market Place"),
        Question("long_text", "What should stay as it is?"),
    ),
    letter=Letter(
        day=0,
        subject="What goes back on the Market Place?",
        preheader="Stalls, seats, trees: a first sketch is ready",
        opening=(
            "<p>The paving of the Market Place comes up for new water pipes. Before it goes back we"
            " should like to know what you want to find there.</p>"
        ),
        status="scheduled",
        team="streets",
    ),
)

BUDGET_NEXT = Exercise(
    slug="next-years-budget",
    title="Next year's budget: what matters most to you?",
    summary=(
        "Every year we ask what to protect and what to do differently before we set council tax."
        " It opens in about a month."
    ),
    body=(
        "<p>We expect to have £6.8 million less than it costs to go on as now. We will publish"
        " what each service costs before we ask.</p>"
    ),
    interests=("budget-and-council-tax",),
    opens=30,
    closes=65,
    decision=120,
    who_replies="The finance team",
    contact="budget@westmere.example or 01632 960160",
    owner="priya",
    questions=(
        Question(
            "multiple",
            "Which services should we protect first?",
            ("Care for adults", "Children's services", "Roads", "Libraries", "Parks", "Recycling"),
            hint="Choose up to three.",
        ),
        Question("number", "By how many per cent may council tax rise?", between=(0, 6)),
        Question("agree", "The council spends its money well"),
        Question("long_text", "Where could we save?"),
    ),
)

EXERCISES = (MILL_ROAD, PLAYGROUNDS, WELLBEING, LIBRARIES, MARKET, BUDGET_NEXT)
