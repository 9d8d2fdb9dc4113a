"""The consultations of the demo that are closed: two still to be answered, four answered."""

from .shape import Exercise, Letter, Outcome, Question

TWENTY_MILES = Exercise(
    slug="twenty-miles-an-hour",
    title="20 miles an hour where people live",
    summary=(
        "Should 20 be the limit on all residential streets, as it is near schools already? We"
        " asked about 214 streets in nine wards."
    ),
    body=(
        "<p>Main roads would stay at 30. On the 214 streets on the list, signs and markings would"
        " change; no humps would be built.</p>"
    ),
    interests=("roads-and-transport", "cycling-and-walking"),
    opens=-80,
    closes=-24,
    decision=20,
    who_replies="The transport team",
    contact="streets@westmere.example or 01632 960114",
    theme="roads",
    share=850,
    questions=(
        Question(
            "agree",
            "The limit on residential streets should be 20 miles an hour",
            required=True,
            weights=(37, 21, 9, 12, 19, 2),
        ),
        Question(
            "single",
            "How fast is traffic in your street?",
            ("Mostly too fast", "Sometimes too fast", "About right", "Too slow"),
            weights=(28, 41, 29, 2),
        ),
        Question(
            "multiple",
            "How do you usually get around Westmere?",
            ("On foot", "By bicycle", "By bus", "By car or van"),
            weights=(57, 27, 31, 68),
        ),
        Question("number", "How many cars does your household have?", between=(0, 3), answered=88),
        Question("text", "Which street is it about?", answered=55),
        Question("long_text", "Why do you think so?", answered=47),
    ),
    letter=Letter(
        day=-79,
        subject="Have your say: 20 miles an hour where people live",
        preheader="214 streets, nine wards, six questions",
        opening=(
            "<p>We are asking whether 20 miles an hour should be the limit on all residential"
            " streets. Look whether yours is on the list, and tell us what you think.</p>"
        ),
    ),
)

NORTHFIELD = Exercise(
    slug="northfield-homes",
    title="New homes at Northfield",
    summary=(
        "The old bus depot can have up to 140 homes. We asked what kind, how high, and what the"
        " neighbourhood needs beside them."
    ),
    body=(
        "<p>The depot has been empty for four years and belongs to the council. This was the first"
        " of two rounds; a planning application follows only after both.</p>"
    ),
    interests=("housing-and-planning",),
    opens=-130,
    closes=-75,
    decision=-10,
    who_replies="The housing team",
    contact="northfield@westmere.example or 01632 960133",
    theme="housing",
    share=600,
    questions=(
        Question(
            "multiple",
            "Which homes does Northfield need?",
            (
                "Flats to rent from the council",
                "Flats to buy",
                "Family houses",
                "Homes for older people",
                "Homes for people with a disability",
            ),
            weights=(56, 22, 49, 37, 34),
        ),
        Question(
            "single",
            "How high may the buildings be?",
            ("Two floors", "Three or four floors", "Five or six floors"),
            weights=(31, 52, 17),
        ),
        Question("agree", "The depot is the right place for homes", weights=(29, 37, 14, 9, 8, 3)),
        Question(
            "multiple",
            "What is needed beside homes?",
            ("A doctor's surgery", "A shop", "A playground", "Parking", "A better bus"),
            weights=(61, 35, 41, 38, 47),
        ),
        Question("long_text", "What worries you, and what would help?", answered=59),
    ),
)

STATION_ROAD = Exercise(
    slug="station-road-cycle-lanes",
    title="Protected cycle lanes on Station Road",
    summary=(
        "A kerb between bicycles and traffic, from the station to the hospital. We asked who would"
        " use it and what it would cost them."
    ),
    body=(
        "<p>Station Road is the straight way from the trains to the hospital, and the road on which"
        " most people in Westmere say they would cycle if they felt safe.</p>"
    ),
    interests=("cycling-and-walking", "roads-and-transport"),
    opens=-430,
    closes=-395,
    decision=-330,
    who_replies="The transport team",
    contact="streets@westmere.example or 01632 960114",
    theme="cycling",
    share=1100,
    questions=(
        Question(
            "agree",
            "Station Road should have protected cycle lanes",
            required=True,
            weights=(41, 20, 8, 11, 18, 2),
        ),
        Question(
            "single",
            "How often do you cycle in Westmere?",
            ("Most days", "Every week", "Every month", "Less often", "Never"),
            weights=(17, 21, 13, 19, 30),
        ),
        Question(
            "multiple",
            "What keeps you from cycling more?",
            ("Traffic", "Nowhere to lock up", "Hills", "My health", "I have no bicycle", "Nothing"),
            weights=(57, 26, 12, 15, 22, 9),
        ),
        Question(
            "number",
            "How many minutes does your usual journey take?",
            between=(5, 55),
            answered=77,
        ),
        Question("long_text", "What would the lanes change for you?", answered=54),
    ),
    letter=Letter(
        day=-428,
        subject="Protected cycle lanes on Station Road: what do you think?",
        preheader="From the station to the hospital",
        opening=(
            "<p>We want to put a kerb between bicycles and traffic on Station Road. Before we"
            " draw the final plan we want to hear from the people who would use it, and from"
            " those whom it would get in the way of.</p>"
        ),
    ),
    outcome=Outcome(
        day=-328,
        we_asked=(
            "<p>Whether Station Road should have protected cycle lanes, who would use them, and"
            " what they would get in the way of.</p>"
        ),
        you_said=(
            "<p>Six in ten were for the lanes, three in ten against. People who cycle asked for a"
            " kerb, not paint. Shopkeepers asked where vans would stop, and the hospital's patient"
            " forum asked that nobody should have to cross a cycle lane to reach a bus.</p>"
        ),
        we_did=(
            "<p>We are building the lanes, with a kerb, from the station to the hospital. There are"
            " seven new loading bays in the side streets, and at both hospital stops the lane runs"
            " behind the bus shelter.</p>"
            "\n<p>Many of you asked to take the lanes on to the ring road. <b>No, because</b> the"
            " bridge is too narrow for lanes and pavements together; we have asked for money to"
            " widen it and will say here what came of that.</p>"
        ),
    ),
)

FOOD_WASTE = Exercise(
    slug="food-waste",
    title="Weekly collections of food waste",
    summary=(
        "A small green bin, emptied every week, and general rubbish every three weeks. We asked how"
        " that would work in your home."
    ),
    body=(
        "<p>About a third of what we find in general rubbish is food. Collected apart it makes gas"
        " and fertiliser, and costs half as much to get rid of.</p>"
    ),
    interests=("recycling-and-waste",),
    opens=-620,
    closes=-578,
    decision=-520,
    who_replies="The waste and recycling team",
    contact="recycling@westmere.example or 01632 960119",
    theme="recycling",
    share=900,
    questions=(
        Question(
            "single",
            "What kind of home do you live in?",
            ("House", "Flat with its own bins", "Flat with shared bins", "Something else"),
            required=True,
            weights=(61, 14, 22, 3),
        ),
        Question("agree", "I would use a bin for food waste", weights=(38, 33, 9, 9, 9, 2)),
        Question("number", "How many people live with you?", between=(0, 5), answered=86),
        Question(
            "multiple",
            "What would make it easier?",
            ("Free bags", "A lid that locks", "A smaller bin", "A reminder by text", "Clear signs"),
            weights=(66, 41, 24, 30, 28),
        ),
        Question(
            "agree", "General rubbish every three weeks is enough", weights=(12, 22, 15, 23, 26, 2)
        ),
        Question("long_text", "What would be difficult in your home?", answered=45),
    ),
    outcome=Outcome(
        day=-515,
        we_asked=(
            "<p>Whether you would use a bin for food waste, and whether general rubbish could then"
            " be collected every three weeks.</p>"
        ),
        you_said=(
            "<p>Seven in ten would use the bin. But half of you did not think that three weeks is"
            " enough for general rubbish, above all families with babies and people in flats"
            " with shared bins.</p>"
        ),
        we_did=(
            "<p>Food waste has been collected weekly from every house since spring, with free bags"
            " and a lid that locks. General rubbish stays at two weeks.</p>"
            "\n<p>You asked for the same in flats at once. <b>No, because</b> 61 blocks have no room"
            " for the bins yet; the first 20 join this autumn.</p>"
        ),
    ),
)

SAVINGS = Exercise(
    slug="where-shall-we-save",
    title="Where should we save £4 million?",
    summary=(
        "Six ways to close the gap in the budget, what each would save, and what it would mean. We"
        " asked which you could live with."
    ),
    body="<p>The law says that our budget must balance. These six proposals would do it.</p>",
    interests=("budget-and-council-tax",),
    opens=-820,
    closes=-785,
    decision=-740,
    who_replies="The finance team",
    contact="budget@westmere.example or 01632 960160",
    theme="budget",
    share=950,
    questions=(
        Question(
            "multiple",
            "Which of these could you live with?",
            (
                "Dimming street lights after midnight",
                "Charging for garden waste",
                "Fewer council offices",
                "Higher parking charges",
                "Shorter library hours",
                "Cutting grass less often",
            ),
            required=True,
            weights=(58, 37, 71, 33, 9, 54),
        ),
        Question(
            "number", "By how many per cent may council tax rise?", between=(0, 6), answered=81
        ),
        Question("agree", "The council spends its money well", weights=(4, 21, 28, 25, 16, 6)),
        Question("agree", "I understand what council tax pays for", weights=(14, 37, 19, 19, 7, 4)),
        Question("long_text", "Where else could we save?", answered=49),
    ),
    outcome=Outcome(
        day=-735,
        we_asked="<p>Which of six ways to save £4 million you could live with.</p>",
        you_said=(
            "<p>Seven in ten could live with fewer council offices, six in ten with dimmer lights"
            " after midnight. Nine in ten could not live with shorter library hours.</p>"
        ),
        we_did=(
            "<p>Two of five offices were sold, lights are dimmed from midnight to 5am, and we cut"
            " grass less often where flowers grow. Library hours stay as they are.</p>"
            "\n<p>You suggested paying councillors less. <b>No, because</b> their allowances are set"
            " by an independent panel, whose next report is due in spring.</p>"
        ),
    ),
)

ELM_PARK = Exercise(
    slug="elm-park",
    title="Ten years for Elm Park",
    summary=(
        "A plan for the meadow, the café and the old bandstand. We asked what the park is for, and"
        " what it must never become."
    ),
    body="<p>Elm Park is 130 years old and used by half the borough. Its plan has run out.</p>",
    interests=("parks-and-green-spaces",),
    opens=-1060,
    closes=-1010,
    decision=-950,
    who_replies="The parks team",
    contact="parks@westmere.example or 01632 960127",
    theme="parks",
    share=700,
    questions=(
        Question(
            "single",
            "How often do you go to Elm Park?",
            ("Most days", "Every week", "Every month", "Less often", "Never"),
            required=True,
            weights=(24, 38, 21, 14, 3),
        ),
        Question(
            "multiple",
            "What do you do there?",
            (
                "Walk",
                "Walk a dog",
                "Play sport",
                "Bring children",
                "Meet friends",
                "Look at nature",
            ),
            weights=(71, 26, 19, 37, 33, 42),
        ),
        Question("agree", "Half the meadow should be left to grow", weights=(34, 31, 12, 12, 8, 3)),
        Question("agree", "The café should open in the evening", weights=(18, 29, 21, 17, 11, 4)),
        Question("text", "Describe the park in three words", answered=57),
        Question("long_text", "What must the park never become?", answered=51),
    ),
    outcome=Outcome(
        day=-940,
        we_asked="<p>What Elm Park is for, and what should happen to meadow, café and bandstand.</p>",
        you_said=(
            "<p>Two in three wanted half the meadow left to grow. You were split over the café, and"
            " many of you wrote about toilets, which we had not asked about at all.</p>"
        ),
        we_did=(
            "<p>Half the meadow is cut once a year. The bandstand is repaired and can be booked by"
            " anybody. New toilets opened beside the café last summer.</p>"
            "\n<p>Some of you asked to let the café open until midnight. <b>No, because</b> the park's"
            " neighbours would have had no quiet evening from May to September; it opens until"
            " 9pm.</p>"
        ),
    ),
)

EXERCISES = (TWENTY_MILES, NORTHFIELD, STATION_ROAD, FOOD_WASTE, SAVINGS, ELM_PARK)
