"""Tests of references to other systems."""
