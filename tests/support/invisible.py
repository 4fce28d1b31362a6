"""Examples of every kind of invisible character; no two texts may differ in these alone."""

# One or more of each range of Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt).
IGNORED = [
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200e\u200f\u202a\u202e",
    *"\u2060\u2065\u206f\u3164\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff0\ufff8\U0001bca0\U0001bca3\U0001d173\U0001d17a",
    *"\U000e0000\U000e0001\U000e0020\U000e007f\U000e0100\U000e0101\U000e01ef\U000e0fff",
]
BLANK = [*"\u2800\u2d7f\ufffc\U00016fe4\U0001107f\U0001bc9d\U0001d159"]  # assigned and not ignored, but without a glyph
LONE_MARKS = [*"\u0301\u0338\u20e3\u093e\u0e31"]  # combining marks without a base letter
