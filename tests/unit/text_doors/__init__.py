"""Attachments of every form, and what is none: a text with its places, or a reason."""
