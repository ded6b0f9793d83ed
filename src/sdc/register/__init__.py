"""The request register: who asked for what and why, who decided, what was sent, what came of it."""

from sdc.register.book import Grant, Register, Vote, create_register, open_register

__all__ = ["Grant", "Register", "Vote", "create_register", "open_register"]
