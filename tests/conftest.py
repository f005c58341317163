"""What the whole suite shares: the plugins, and nothing else."""

pytest_plugins = ["tests.hl7", "tests.plugins.broker", "tests.plugins.no_skips"]
