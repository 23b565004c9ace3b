"""Which plugins fit the SDK."""

import pytest

from gonghai_plugin.versions import SDK_VERSION, misfit


def test_a_plugin_for_this_very_sdk_fits() -> None:
    assert misfit(SDK_VERSION) is None


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("2.0", "another major"),
        ("0.9", "another major"),
        ("1.99", "too old for it"),
        ("1", "major.minor"),
        ("one.two", "major.minor"),
        ("", "major.minor"),
        ("1.²", "major.minor"),
    ],
)
def test_any_other_is_refused_with_the_reason(wanted: str, says: str) -> None:
    reason = misfit(wanted)
    assert reason is not None
    assert says in reason
