"""Whether a word is negated where it stands: a walk from it over words that only link, to a word that says no.

Invariant: linear time, since a walk is short. "Do not wait to call" and "never delay" negate the waiting, not the call.
"""

from collections.abc import Collection, Sequence

from service.revision.words import COMMA, STOP, word_set

NEGATORS = word_set(
    "wont wouldnt hardly nobody",
    "not no never dont doesnt neednt shouldnt mustnt isnt arent avoid avoiding unnecessary nor neither against",
    "skip stop stopping nicht kein keine keinen nie niet geen nooit pas jamais non mai nao nunca jamas evite",
    "eviter evitez",
)
_PAIRED = {"instead": "of", "rather": "than"}
_WAITS = word_set(
    "wait waiting waits delay delaying hesitate hesitating postpone postponing put afraid espere esperar esperes",
    "dude dudes tarde demore attendez nattendez hesitez nhesitez tardez aspetti aspettare esiti hesite warten",
    "warte zogern zogere wacht wachten aarzel",
)
_STOPPING = word_set("avoid avoiding skip stop stopping")
_CONDITIONS = word_set("if unless whether when where wenn falls si sil se als indien cuando quand quando")
LINKS = word_set(
    "a an the any all to for of in on at by than this that it you your we us yet even really ever please just be",
    "is are was have has had having do does did will would should must there need needed necessary required",
    "require reason worth bother bothering think go going come get getting use using or and under circumstances",
    "considered el la los las un una al que es ni o le les au aux de du des ce cest il lo gli alla allo e ed uno",
    "den die das der dem einen eine ein sie und oder zu zum zur ist het een uma naar u en hay necesita hace falta",
    "besoin faut bisogno serve precisa preciso",
)
_MAX_STEPS, _CLAUSE_STEPS = 10, 20
_NEEDED = word_set(
    "needed necessary required warranted appropriate worth helpful indicated notig erforderlich nodig necesario",
    "necesaria necessaire utile necessario necessaria preciso",
)
_AFTER = word_set("is are was be will would should a an the for this that here now today visit ist es est e sera")


def negator_before(words: Sequence[str], at: int, links: Collection[str] = ()) -> int | None:
    """Return the place of the word that negates what begins at ``at``, or None. ``links`` are walked over too."""
    for place in range(at - 1, max(-1, at - 1 - _MAX_STEPS), -1):
        word = words[place]
        if word in NEGATORS or _PAIRED.get(word, "") == words[place + 1]:
            return None if _is_undone(words, place) else place
        if word in (STOP, COMMA) or not (word in LINKS or word in links):
            return None
    return None


def is_unneeded_after(words: Sequence[str], end: int, links: Collection[str] = ()) -> bool:
    """Say whether what ends at ``end`` is then called unneeded: "... is not necessary"."""
    for place in range(end, min(end + _MAX_STEPS, len(words))):
        word = words[place]
        if word == "unnecessary":
            return True
        if word in NEGATORS:
            return not _NEEDED.isdisjoint(words[place + 1 : place + 3])
        if word in (STOP, COMMA) or not (word in _AFTER or word in links):
            return False
    return False


def is_conditional(words: Sequence[str], at: int) -> bool:
    """Say whether the clause around ``at`` sets a condition shortly before it."""
    for place in range(at - 1, max(-1, at - 1 - _CLAUSE_STEPS), -1):
        if words[place] in (STOP, COMMA):
            return False
        if words[place] in _CONDITIONS:
            return True
    return False


def _is_undone(words: Sequence[str], place: int) -> bool:
    """A word of waiting beside the negator takes the negation to itself, and "do not stop" is no stopping."""
    if words[place] in _STOPPING:
        return not NEGATORS.isdisjoint(words[max(0, place - 2) : place])
    return not _WAITS.isdisjoint(words[max(0, place - 2) : place + 3])
