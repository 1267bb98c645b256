"""Numbers as switches write them become one form (domain reference 4 and 6)."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdr.engine import classes
from cdr.engine.emergency import BY_COUNTRY, country_list
from cdr.engine.extensions import BadPattern, check_pattern, is_extension
from cdr.engine.numbering import country_code, identify
from cdr.engine.numbers import MAX_NUMBER, DialPlan, Number, clean, is_emergency, normalise

MILAN = DialPlan(
    country="IT", exit_code="0", area_code="02", extension_patterns=("2XX", "7XXX"),
    emergency_numbers=("112", "113"),
)  # fmt: skip
BERLIN = DialPlan(
    country="DE", exit_code="0", national_prefix="0", area_code="30", extension_patterns=("2XX",)
)
LONDON = DialPlan(
    country="GB", exit_code="9", national_prefix="0", area_code="20", local_lengths=(8,),
    extension_patterns=("2XXX",),
)  # fmt: skip
NEW_YORK = DialPlan(
    country="US", exit_code="9", international_prefix="011", national_prefix="1", area_code="212",
    local_lengths=(7,), extension_patterns=("2XXX",),
)  # fmt: skip
PARIS = DialPlan(country="FR", exit_code="0", national_prefix="0", area_code="1")
MADRID = DialPlan(country="ES", exit_code="0", area_code="91", extension_patterns=("4XXX",))
SYDNEY = DialPlan(
    country="AU", exit_code="0", international_prefix="0011", national_prefix="0", area_code="2",
    local_lengths=(8,),
)  # fmt: skip
PLANS = {
    "Milan": MILAN, "Berlin": BERLIN, "London": LONDON, "New York": NEW_YORK, "Paris": PARIS,
    "Madrid": MADRID, "Sydney": SYDNEY,
}  # fmt: skip


def dialled(raw: str, plan: DialPlan = MILAN, **facts: object) -> Number:
    return normalise(raw, plan=plan, dialled=True, **facts)  # type: ignore[arg-type]


def caller(raw: str, plan: DialPlan = MILAN, **facts: object) -> Number:
    return normalise(raw, plan=plan, dialled=False, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "raw", "text", "number_class", "nation"),
    [
        ("Milan", "00266771234", "+390266771234", "local", "IT"),
        ("Milan", "00612345678", "+390612345678", "national", "IT"),
        ("Milan", "03351234567", "+393351234567", "mobile", "IT"),
        ("Milan", "0800123456", "+39800123456", "toll-free", "IT"),
        ("Milan", "0199123456", "+39199123456", "shared", "IT"),
        ("Milan", "0892424", "+39892424", "premium", "IT"),
        ("Milan", "000442079460123", "+442079460123", "international", "GB"),
        ("Milan", "000390266771234", "+390266771234", "local", "IT"),
        ("Milan", "0119", "119", "shared", "IT"),
        ("Milan", "01520", "1520", "unknown", ""),
        ("Milan", "+390669812345", "+390669812345", "national", "VA"),
        ("Berlin", "0030123456", "+4930123456", "local", "DE"),
        ("Berlin", "012345678", "+493012345678", "local", "DE"),
        ("Berlin", "0089123456", "+4989123456", "national", "DE"),
        ("Berlin", "0015123456789", "+4915123456789", "mobile", "DE"),
        ("Berlin", "000390266771234", "+390266771234", "international", "IT"),
        ("Berlin", "009001234567", "+499001234567", "premium", "DE"),
        ("Berlin", "0115", "115", "shared", "DE"),
        ("London", "902079460123", "+442079460123", "local", "GB"),
        ("London", "979460123", "+442079460123", "local", "GB"),
        ("London", "901614960123", "+441614960123", "national", "GB"),
        ("London", "907400123456", "+447400123456", "mobile", "GB"),
        ("London", "908001111", "+448001111", "toll-free", "GB"),
        ("London", "901534123456", "+441534123456", "national", "JE"),
        ("London", "900390266771234", "+390266771234", "international", "IT"),
        ("New York", "912125551234", "+12125551234", "local", "US"),
        ("New York", "92125551234", "+12125551234", "local", "US"),
        ("New York", "95551234", "+12125551234", "local", "US"),
        ("New York", "913105551234", "+13105551234", "national", "US"),
        ("New York", "914165551234", "+14165551234", "international", "CA"),
        ("New York", "918765551234", "+18765551234", "international", "JM"),
        ("New York", "917875551234", "+17875551234", "national", "PR"),
        ("New York", "918005551234", "+18005551234", "toll-free", "US"),
        ("New York", "919005551234", "+19005551234", "premium", "US"),
        ("New York", "9011390266771234", "+390266771234", "international", "IT"),
        ("New York", "9411", "411", "shared", "US"),
        ("Paris", "00142687788", "+33142687788", "local", "FR"),
        ("Paris", "00612345678", "+33612345678", "mobile", "FR"),
        ("Paris", "000390266771234", "+390266771234", "international", "IT"),
        ("Paris", "03631", "3631", "premium", "FR"),
        ("Madrid", "0912345678", "+34912345678", "local", "ES"),
        ("Madrid", "0612345678", "+34612345678", "mobile", "ES"),
        ("Madrid", "0902123456", "+34902123456", "shared", "ES"),
        ("Sydney", "0293744000", "+61293744000", "local", "AU"),
        ("Sydney", "00293744000", "+61293744000", "local", "AU"),
        ("Sydney", "00412345678", "+61412345678", "mobile", "AU"),
        ("Sydney", "00011390266771234", "+390266771234", "international", "IT"),
    ],
)
def test_a_dialled_number_gets_its_form_class_and_country(
    place: str, raw: str, text: str, number_class: str, nation: str
) -> None:
    number = dialled(raw, PLANS[place])

    assert (number.text, number.number_class, number.nation) == (text, number_class, nation)
    assert number.digits == text.removeprefix("+")
    assert not number.is_internal


@pytest.mark.parametrize("country", ["RU", "KZ"])
def test_the_same_code_in_another_country_is_international(country: str) -> None:
    moscow, almaty = "+74951234567", "+77272345678"
    plan = DialPlan(country=country)
    own, other = (moscow, almaty) if country == "RU" else (almaty, moscow)

    assert dialled(own, plan).number_class == "national"
    assert dialled(other, plan).number_class == "international"


@pytest.mark.parametrize(
    ("raw", "number_class"),
    [("+80012345678", "toll-free"), ("+881612345678", "international"), ("+870773112345", "international")],
)  # fmt: skip
def test_worldwide_codes_belong_to_no_country(raw: str, number_class: str) -> None:
    number = dialled(raw)

    assert (number.text, number.number_class, number.nation) == (raw, number_class, "")


def test_italy_keeps_the_leading_zero() -> None:
    forms = ["00266771234", "000390266771234", "+390266771234", "0266771234"]

    assert {dialled(raw).text for raw in forms} == {"+390266771234"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("0266771234", "+390266771234"),
        ("3351234567", "+393351234567"),
        ("393351234567", "+393351234567"),
        ("+39 02 6677 1234", "+390266771234"),
        ("00390266771234", "+390266771234"),
        ("00266771234", "+390266771234"),  # the switch put the exit code there, to call back
        ("00442079460123", "+442079460123"),
    ],
)
def test_a_callers_number_is_normalised_without_an_exit_code(raw: str, text: str) -> None:
    assert caller(raw).text == text


@pytest.mark.parametrize(
    "raw", ["", "anonymous", "Anonymous", "sip:anonymous@anonymous.invalid", "266696687", "private"]
)
def test_a_withheld_caller_is_private(raw: str) -> None:
    number = caller(raw)

    assert number == Number("", "", classes.UNKNOWN, is_private=True)


def test_nothing_dialled_is_not_private() -> None:
    assert not dialled("").is_private


@pytest.mark.parametrize("raw", ["201", "7123", "sip:201@10.0.0.1;user=phone"])
def test_an_extension_of_the_site_is_internal(raw: str) -> None:
    number = dialled(raw)

    assert number.is_internal
    assert number.number_class == "internal"


def test_an_extension_behind_a_dialled_exit_code_is_not_internal() -> None:
    assert not dialled("0201", exit_digits="0").is_internal


def test_a_known_extension_is_internal_whatever_the_patterns_say() -> None:
    assert dialled("4711", known_extension=True).is_internal
    assert dialled("4711", DialPlan(country="IT", extensions=frozenset({"4711"}))).is_internal
    assert not dialled("4711").is_internal


@pytest.mark.parametrize("raw", ["*21", "**5", "#9", "b00112233001"])
def test_feature_codes_and_bridges_are_no_outside_numbers(raw: str) -> None:
    assert dialled(raw).is_internal


def test_a_service_code_before_a_number_is_taken_off() -> None:
    assert dialled("#31#03351234567").text == "+393351234567"
    assert dialled("*6792125551234", NEW_YORK).text == "+12125551234"


def test_the_stated_exit_code_is_believed_before_the_sites_own() -> None:
    assert dialled("802079460123", LONDON, exit_digits="8").text == "+442079460123"
    assert dialled("02079460123", LONDON, exit_digits="").text == "+442079460123"


def test_digits_really_sent_are_preferred_when_they_make_a_number() -> None:
    assert dialled("902079460123", LONDON, sent="+441614960123").text == "+441614960123"
    assert dialled("902079460123", LONDON, sent="10321#junk").text == "+442079460123"
    assert dialled("98765", LONDON, exit_digits="9", sent="+442079460123").text == "+442079460123"


def test_a_number_that_fits_nothing_is_kept_with_class_unknown() -> None:
    number = dialled("09999999999999999999")

    assert (number.text, number.number_class) == ("9999999999999999999", "unknown")


def test_an_address_that_is_no_number_is_kept() -> None:
    assert dialled("sip:alice@example.com;transport=tcp").text == "alice@example.com"


def test_a_fixed_line_has_its_city_and_others_their_country() -> None:
    assert dialled("00266771234").area == "Milan"
    assert dialled("03351234567").area == "Italy"
    assert dialled("000442079460123").area == "London"
    assert dialled("+80012345678").area == ""


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+39 (02) 6677-1234", "+390266771234"),
        ("902079460123#", "902079460123"),
        ("\\+442079460123", "+442079460123"),
        ('"Alice" <sip:%2B390266771234@10.0.0.1:5060;user=phone>', "+390266771234"),
        ("tel:+39-02-66771234;ext=5", "+390266771234"),
        ("0266771234,,55", "0266771234"),
        ("٠٢٦٦٧٧١٢٣٤", "0266771234"),
    ],
)
def test_what_is_no_part_of_the_number_is_stripped(raw: str, expected: str) -> None:
    assert clean(raw) == expected


# --- Emergency ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "raw"),
    [
        *((place, number) for place in PLANS for number in ("112", "911", "+112", "sip:112@pbx")),
        ("Milan", "0112"), ("Milan", "118"), ("Milan", "0113"), ("Milan", "+39112"),
        ("Milan", "0039112"), ("Milan", "00039112"), ("Milan", "#31#112"),
        ("Berlin", "110"), ("Berlin", "0110"), ("London", "999"), ("London", "9999"),
        ("London", "9112"), ("New York", "9911"), ("New York", "+1911"), ("Paris", "15"),
        ("Paris", "018"), ("Madrid", "061"), ("Sydney", "000"), ("Sydney", "0000"),
    ],
)  # fmt: skip
def test_emergency_numbers_are_known_in_every_form(place: str, raw: str) -> None:
    number = dialled(raw, PLANS[place])

    assert number.number_class == "emergency"
    assert is_emergency(raw, plan=PLANS[place])


def test_the_sites_own_emergency_numbers_are_added_to_the_countrys() -> None:
    plan = DialPlan(country="GB", exit_code="9", emergency_numbers=("5555",))

    assert [dialled(raw, plan).number_class for raw in ("5555", "95555", "999")] == [
        "emergency"
    ] * 3


def test_a_country_list_cannot_be_set_away() -> None:
    plan = DialPlan(country="IT", emergency_numbers=())

    assert is_emergency("113", plan=plan)
    assert is_emergency("112", plan=DialPlan())


def test_an_exit_code_pressed_out_of_habit_does_not_stop_an_emergency_call() -> None:
    assert is_emergency("9112", plan=MILAN)
    assert is_emergency("39112", plan=MILAN)
    assert not is_emergency("3351234567", plan=MILAN)


def test_a_defined_extension_with_an_emergency_number_is_internal_and_still_let_through() -> None:
    assert dialled("112", known_extension=True).number_class == "internal"
    assert is_emergency("112", plan=MILAN)


def test_digits_sent_to_an_emergency_number_make_it_one() -> None:
    assert dialled("9000", LONDON, sent="999").number_class == "emergency"


@pytest.mark.parametrize("country", sorted(BY_COUNTRY))
def test_every_countrys_own_list_counts_there(country: str) -> None:
    plan = DialPlan(country=country, exit_code="8")

    for number in country_list(country):
        assert dialled(number, plan).number_class == "emergency"
        assert dialled(f"8{number}", plan).number_class == "emergency"


# --- Extension patterns ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("2XX", ["200", "299"], ["20", "2000", "300"]),
        ("7!", ["71", "7123456"], ["7", "8"]),
        ("[2-4]X", ["20", "49"], ["50", "2"]),
        ("[^19]X", ["20"], ["10", "90"]),
        ("8.XXX", ["8123"], ["8.123"]),
        ("\\+39026677X", ["+390266771"], ["390266771"]),
        ("*X", ["*5"], ["5"]),
    ],
)
def test_a_pattern_matches_the_whole_number(pattern: str, yes: list[str], no: list[str]) -> None:
    assert all(is_extension(number, patterns=(pattern,)) for number in yes)
    assert not any(is_extension(number, patterns=(pattern,)) for number in no)


@pytest.mark.parametrize("pattern", ["", "2Z", "[2-", "(a+)+", "2{5}", "X" * 65])
def test_a_pattern_that_cannot_be_read_is_refused_and_matches_nothing(pattern: str) -> None:
    with pytest.raises(BadPattern):
        check_pattern(pattern)
    assert not is_extension("2", patterns=(pattern,))


# --- Properties -----------------------------------------------------------------------------------

plans = st.sampled_from(list(PLANS.values()))
sign_texts = st.text(alphabet="0123456789+*#@ .-", max_size=24)


@given(raw=st.one_of(sign_texts, st.text(max_size=80)), plan=plans, is_dialled=st.booleans())
@settings(max_examples=400, deadline=None)
def test_no_text_is_ever_refused(raw: str, plan: DialPlan, is_dialled: bool) -> None:
    number = normalise(raw, plan=plan, dialled=is_dialled)

    assert number.number_class in classes.CLASSES
    assert len(number.text) <= MAX_NUMBER
    assert is_emergency(raw, plan=plan) in (True, False)


@given(raw=sign_texts, plan=plans, is_dialled=st.booleans())
@settings(max_examples=400, deadline=None)
def test_the_e164_form_of_a_number_gives_itself(raw: str, plan: DialPlan, is_dialled: bool) -> None:
    number = normalise(raw, plan=plan, dialled=is_dialled)

    if number.text.startswith("+"):
        assert normalise(number.text, plan=plan, dialled=is_dialled) == number


@given(raw=sign_texts, plan=plans)
@settings(max_examples=300, deadline=None)
def test_what_is_stored_as_emergency_is_always_let_through(raw: str, plan: DialPlan) -> None:
    if dialled(raw, plan).number_class == "emergency":
        assert is_emergency(raw, plan=plan)


@given(
    region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
    tail=st.text(alphabet="0123456789", min_size=2, max_size=12),
)
@settings(max_examples=500, deadline=None)
def test_the_fast_reading_agrees_with_the_numbering_library(region: str, tail: str) -> None:
    example = phonenumbers.example_number(region)
    known = phonenumbers.national_significant_number(example) if example else ""
    for national in (tail, known[: -len(tail)] + tail if len(known) > len(tail) else tail):
        digits = country_code(region) + national
        number = phonenumbers.PhoneNumber(
            country_code=int(country_code(region)),
            national_number=int(national),
            italian_leading_zero=national.startswith("0") or None,
            number_of_leading_zeros=len(national) - len(national.lstrip("0") or "0") or None,
        )
        if phonenumbers.national_significant_number(number) != national:
            continue

        identity = identify(digits)

        assert identity.kind == phonenumbers.number_type(number)
        if identity.is_valid:
            assert identity.region == phonenumbers.region_code_for_number(number)


@pytest.mark.parametrize(
    ("digits", "number_class"),
    [("07700900199", "mobile"), ("01632960001", "national"), ("09098790001", "premium")],
)
def test_a_number_of_an_unknown_range_has_the_class_of_its_neighbours(
    digits: str, number_class: str
) -> None:
    plan = DialPlan(country="GB", national_prefix="0", area_code="20")

    number = normalise(digits, plan=plan, dialled=True)

    assert number.text == f"+44{digits[1:]}"
    assert number.number_class == number_class
