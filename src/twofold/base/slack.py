"""How wrong a clock may be before it matters."""

SLACK = 60  # seconds that two clocks may differ, or one be set back, without anybody noticing
