"""Suites from the dictionary and the policies, and one run of them without values."""
