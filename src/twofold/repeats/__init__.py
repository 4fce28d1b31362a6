"""Repeating completed steps whose answer was lost, or whose form was sent twice."""
