"""Estimates at full length."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def short_estimates() -> None:
    """Leave the estimates as a user gets them."""
