"""Every hostile file is refused by name, or read without harm, and costs little."""

import pytest

from .hostile import HOSTILE, Fate, Hostile, fates

MOST = 100  # megabytes over the idle process


@pytest.fixture(scope="module")
def became(tmp_path_factory: pytest.TempPathFactory) -> dict[Hostile, Fate]:
    return dict(zip(HOSTILE, fates(HOSTILE, tmp_path_factory.mktemp("hostile")), strict=True))


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: f"{hostile.what}, {hostile.name}")
def test_a_hostile_file_is_refused_by_name_and_does_no_harm(
    hostile: Hostile, became: dict[Hostile, Fate]
) -> None:
    fate = became[hostile]
    assert (fate.checked, fate.alone) == (str(hostile.answer), str(hostile.alone))
    assert fate.megabytes < MOST
