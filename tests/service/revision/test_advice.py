import pytest

from service.revision.advice import advice, names_care
from service.revision.emergencies import Kind
from tests.service.revision.test_growth import MORE, MOST_GROWTH, least_seconds

SENDS = (
    "Call 999 if you cannot breathe.",
    "If you are not breathing well call 911.",
    "Do not wait, call 911 now.",
    "Do not wait to call 911.",
    "Never delay calling 911.",
    "Do not hesitate to call 112.",
    "Do not drive yourself; call an ambulance.",
    "Do not drive yourself to the emergency department, call 911.",
    "If the bleeding does not stop go to the emergency department.",
    "If it is not better in an hour, go to hospital.",
    "If you want to harm yourself call 988.",
    "If you feel like harming yourself, call or text 988.",
    "Do not give food or drink and call an ambulance.",
    "Do not take more aspirin and go to hospital.",
    "This cannot wait: call an ambulance.",
    "Do not move the person unless there is danger, and call 911.",
    "Call 911 and do not move the person unless there is danger.",
    "It is not safe to wait; call 911.",
    "No matter what, call 911.",
    "If it is not an emergency, call 111.",
    "Go to the nearest ED.",
    "Go straight to the ER.",
    "Get to an emergency room without delay.",
    "Take the child to the nearest hospital.",
    "Use your EpiPen.",
    "Call triple zero (000).",
    "Dial 9-1-1.",
    "Ring Samaritans on 116 123.",
    "Call the poison helpline at 1-800-222-1222.",
    "Text HOME to 741741.",
    "Llame al 112.",
    "No espere y llame al 112.",
    "No dude en llamar al 112.",
    "Vaya a urgencias si empeora.",
    "Acuda al hospital más cercano.",
    "Appelez le 15.",
    "N'attendez pas et appelez le 15.",
    "N'hésitez pas à appeler le 15.",
    "Allez à l'hôpital.",
    "Rufen Sie den Notarzt.",
    "Wählen Sie 112.",
    "Zögern Sie nicht, den Notarzt zu rufen.",
    "Gehen Sie sofort ins Krankenhaus.",
    "Chiami il 118.",
    "Vada al pronto soccorso.",
    "Ligue para o 112.",
    "Vá ao hospital.",
    "Bel 112.",
    "Ga naar het ziekenhuis.",
    "立即就医。",
    "不要等,立即拨打120。",
    "不要拖延\uff0c马上去急诊。",
    "اتصل بالإسعاف",
    "Вызовите скорую помощь.",
    "Call emergency services now when thoughts of suicide are present, and let the paperwork wait.",
    "Call emergency services now because a drooping face cannot wait for a letter.",
    "Go to hospital now because no fluids staying down for 24 hours causes serious dehydration.",
    "Call emergency services now and give nothing by mouth.",
    "Go to hospital now and take no more statin.",
    "Only if you cannot reach the ambulance, call a taxi.",
    "Call 112 or go to the ED; do not stop taking warfarin.",
)
DENIES = (
    "You need not call 911 or go to the emergency room.",
    "There is no need to call an ambulance.",
    "Do not call 911.",
    "Don't go to the ER.",
    "You do not need to go to the emergency department.",
    "It is not necessary to seek urgent care.",
    "Never call 999 for this.",
    "Calling 911 is not necessary.",
    "An ambulance is not needed.",
    "A trip to the emergency room is unnecessary.",
    "This is not an emergency.",
    "It's no emergency.",
    "Skip the ER.",
    "You won't need an ambulance.",
    "I would not call 911.",
    "Avoid calling an ambulance.",
    "See your doctor instead of calling 911.",
    "You don't have to call 988.",
    "No llame al 112.",
    "No es una emergencia.",
    "No hace falta llamar a una ambulancia.",
    "N'appelez pas le 15.",
    "Pas besoin d'ambulance.",
    "Ce n'est pas une urgence.",
    "Rufen Sie nicht den Notarzt.",
    "Das ist kein Notfall.",
    "Ein Notarzt ist nicht nötig.",
    "Non chiami il 118.",
    "Non è un'emergenza.",
    "Não ligue para o 112.",
    "Não é uma emergência.",
    "Bel niet 112.",
    "Het is geen noodgeval.",
    "不需要急救。",
    "不用拨打120。",
    "\u041d\u0435 вызывайте скорую помощь.",
)
LEAVES_OPEN = (
    "Call 911 only if you feel like it.",
    "Call 911 unless you feel better.",
    "Call 911 if you want.",
    "Only if you feel like it.",
    "It can wait.",
    "There is no rush.",
    "This is optional.",
    "Unless you feel better.",
    "Llame al 112 si quiere.",
    "Call 911 if you like, or rest.",
    "This can safely wait for some weeks.",
    "Calling 911 would be overkill.",
)
SAYS_NOTHING = (
    "Metformin ER can help.",
    "Take the ER tablets at night.",
    "Take metformin ER 500 mg.",
    "Erectile dysfunction (ED) is common, and the ED can be treated.",
    "Smoking contributes to ED.",
    "Sildenafil is used for ED.",
    "Treatment of ED differs.",
    "Er ist krank.",
    "Ed is my friend.",
    "The hospital sent a letter.",
    "Rest and drink water.",
    "Call the pharmacy in 10 days.",
    "Call your doctor on day 15.",
    "For non-emergency questions see a pharmacist.",
    "Take 988 mg.",
    "Unless your doctor agrees, do not take ibuprofen.",
    "Ask a pharmacist if you want advice.",
    "If you want advice, ask a pharmacist.",
)
HOSTILE = (
    "call 911 ",
    "no emergency ",
    "not an emergency ",
    "go to the ER ",
    "unless ",
    "if ",
    "不急救",
    "only if. ",
    "988 ",
)


@pytest.mark.parametrize("text", SENDS)
def test_advice_to_get_help_is_neither_denied_nor_played_down(text: str) -> None:
    read = advice(text)
    assert read.kinds
    assert not read.weakens


@pytest.mark.parametrize("text", DENIES)
def test_help_that_is_denied_is_not_advised(text: str) -> None:
    read = advice(text)
    assert read.denies
    assert not read.kinds


@pytest.mark.parametrize("text", LEAVES_OPEN)
def test_what_leaves_help_to_the_reader_weakens(text: str) -> None:
    assert advice(text).weakens


@pytest.mark.parametrize("text", SAYS_NOTHING)
def test_other_talk_says_nothing_on_help(text: str) -> None:
    read = advice(text)
    assert not read.kinds
    assert not read.weakens


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Call 911 now.", True),
        ("Go to hospital immediately.", True),
        ("Call 911 if it gets worse.", False),
        ("Seek urgent help now.", False),
        ("Rest now.", False),
    ],
)
def test_plain_advice_has_no_condition(text: str, plain: bool) -> None:
    assert advice(text).is_plain is plain


def test_kinds_are_told_apart() -> None:
    assert advice("Call or text 988, or 911.").kinds == {Kind.CRISIS_LINE, Kind.HELP}
    assert advice("Call poison control at once.").kinds == {Kind.POISON_LINE, Kind.URGENCY}
    assert advice("Seek urgent medical care.").kinds == {Kind.CARE_SOON}


def test_care_is_named() -> None:
    assert names_care("See a Doctor.")
    assert not names_care("Rest.")


@pytest.mark.parametrize("pattern", HOSTILE)
def test_reading_grows_with_the_text(pattern: str) -> None:
    text = pattern * (1_500 // len(pattern))
    before, after = least_seconds(advice, text), least_seconds(advice, text * MORE)
    assert after <= max(before * MOST_GROWTH, 0.001)
