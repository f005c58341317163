"""Compiles each template of the pages once for the whole suite.

Most tests of the pages make an app of their own. To compile the templates for each of them anew
took half of their time.
"""

from typing import ClassVar

import jinja2
from flask import Flask
from jinja2.bccache import Bucket


class Compiled(jinja2.BytecodeCache):
    """Keeps the code of templates in memory, by their name and source."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code of a template that was compiled before."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


def pytest_configure() -> None:
    """Give every app of this process the same compiled templates."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Compiled()}
