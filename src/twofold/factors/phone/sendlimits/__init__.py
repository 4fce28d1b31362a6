"""Limits on what is sent to phones, which prevent high costs and messages that the recipients did not ask for.

A sender calls `actions.permit` in the transaction that posts the code. It counts the send and returns the time from
which the next one is allowed (for `resend_after`), or a Problem, which the caller must return, not raise, so that
what was written, such as a blocked prefix, is committed. Call `actions.used` when a code was used, and
`actions.unreachable` when a courier reports that a number cannot receive texts or calls. The notice to a removed number
uses `actions.permit_notice`; nothing else is sent to phones. `numbers.read_number` returns a Number for the E.164 text
that a factor stores. docs/decisions/0008-spending.md gives the reasons for every limit.
"""
