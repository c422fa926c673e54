"""Registration numbers: the ones that can exist pass, and one wrong digit is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.accounts.company_numbers import plain_number


@pytest.mark.parametrize(
    ("kind", "number", "plain"),
    [
        ("kvk", "1234 5678", "12345678"),
        ("vat", "NL4495445B01", None),
        ("vat", "nl 0044.95.445.B01", "NL004495445B01"),
        ("vat", "NL004495446B01", None),
        ("vat", "NL123456782B90", "NL123456782B90"),
        ("vat", "BE 0428.759.497", "BE0428759497"),
        ("vat", "BE0428759498", None),
        ("vat", "DE136695976", "DE136695976"),
        ("vat", "DE136695978", None),
        ("vat", "DK13585628", "DK13585628"),
        ("vat", "DK13585627", None),
        ("vat", "FR40303265045", "FR40303265045"),
        ("vat", "FR23334175221", "FR23334175221"),
        ("vat", "FR84323140391", None),
        ("vat", "FRK7399859412", "FRK7399859412"),
        ("vat", "HR33392005961", "HR33392005961"),
        ("vat", "HR33392005962", None),
        ("vat", "IT00743110157", "IT00743110157"),
        ("vat", "IT00743110158", None),
        ("vat", "LU15027442", "LU15027442"),
        ("vat", "LU15027443", None),
        ("vat", "EL094259216", "EL094259216"),
        ("vat", "XX123456789", None),
        ("vat", "", None),
        ("kvk", "1234567", None),
        ("kvk", "١٢٣٤٥٦٧٨", None),
        ("vat", "DE١٣٦٦٩٥٩٧٦", None),
    ],
)
def test_numbers(kind: str, number: str, plain: str | None) -> None:
    """Spaces and points do not matter; length, prefix and check digit do."""
    assert plain_number(kind, number) == plain


@given(st.text(max_size=20), st.sampled_from(["kvk", "vat"]))
def test_any_text_has_an_answer(text: str, kind: str) -> None:
    """Nothing that someone types breaks it, and what it gives stays as it is."""
    plain = plain_number(kind, text)
    assert plain is None or plain_number(kind, plain) == plain
