"""Train and evaluate commands without their data: one line that names the folder and the option,
exit status 2.
"""

import sys
from importlib import import_module
from pathlib import Path

import pytest

COMMANDS = (
    "genomics.evaluate",
    "imaging.evaluate",
    "imaging.train",
    "notes.evaluate",
    "notes.train",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_is_missing_or_lacks_the_data_is_named(
    command: str,
    there: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data"
    if there:
        folder.mkdir()
    monkeypatch.setattr(sys, "argv", [command, "--data", str(folder)])
    with pytest.raises(SystemExit) as ended:
        import_module(f"services.{command}").main()
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert str(folder) in line
    assert "--data" in line
    assert ("holds no" if there else "is not there") in line
