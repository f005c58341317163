"""What the whole suite shares: the plugins, and how long an example of Hypothesis may take."""

from hypothesis import settings

pytest_plugins = [
    "tests.hl7",
    "tests.plugins.broker",
    "tests.plugins.hapi",
    "tests.plugins.leftovers",
    "tests.plugins.no_skips",
    "tests.plugins.parts",
    "tests.plugins.templates",
]
settings.register_profile(
    "careloop", settings(), deadline=None
)  # 200 ms for each by default, which a machine that stalls takes for anything
settings.load_profile("careloop")
