"""The voice call as a kind of factor: a code is said digit by digit, twice, because nobody can read a call again."""

from twofold.base.outbox import Message
from twofold.base.texts import N_, _
from twofold.factors.contract import PhoneTexts
from twofold.factors.phones import Phone
from twofold.factors.voice import rules


class Voice(Phone):
    """Codes by voice call."""

    kind = "voice"
    texts = PhoneTexts(
        title=N_("Get codes by voice call"),
        add=N_("Add a number for voice calls"),
        way=N_("Voice call to number ending in {digits}"),
        sent=N_("We are calling the number ending in {digits} to tell you a code."),
        again=N_("Call again"),
        instead=N_("Receive a call instead"),
        cost=N_("We call you once for each code, and say it twice."),
    )

    def code_message(self, number: str, code: str) -> Message:
        """Write what the call says of a code."""
        told = _("Hello. Your code for {service} is: {digits}. Once more: {digits}. Goodbye.")
        text = told.format(service=self._site_name, digits=rules.one_by_one(code))
        return Message("voice", number, text)

    def farewell(self, number: str) -> Message:
        """Write the notice to a number that is no longer used."""
        told = _(
            "Hello. This number is no longer used for codes of {service}. "
            "If that was not your doing, sign in there and check your settings. Goodbye."
        )
        return Message("voice", number, told.format(service=self._site_name))
