"""The spending guard: what may be sent to phones, so that nobody can run up a bill or pester a stranger.

Whoever sends a code calls, in the transaction that posts it, `actions.permit`, which counts the send and gives the
moment of the next one (for `resend_after`), or a Problem to be RETURNED: what it wrote, such as a closed prefix, must
stay. `actions.used` follows when a code was used, `actions.unreachable` when a courier reports that a number cannot
take texts or calls. `numbers.read_number` makes a Number of the E.164 text that a factor keeps.
Reasons for every bound: docs/decisions/0008-spending.md.
"""
