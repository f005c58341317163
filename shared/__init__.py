"""The runtime and the language that all careloop services speak. It never imports `services`."""

VERSION = "0.1.0"
