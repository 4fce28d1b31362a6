"""Tests promise what Twofold does; each folder is the twin of a room, or a way to go at the whole."""
