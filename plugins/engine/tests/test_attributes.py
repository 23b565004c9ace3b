"""Custom attributes: what is let in, and how a refusal names what is wrong."""

from __future__ import annotations

import pytest

from gonghai_engine import AttributeProblem, AttributeSchema
from gonghai_plugin import BOOL, INT64, TEXT, Attribute, Text, decimal, set_of, text_of

WHAT = Text("what", "什么")
SCHEMA = AttributeSchema(
    (
        Attribute("role", text_of("a", "b"), WHAT, required=True),
        Attribute("area", INT64, WHAT, minimum=0, maximum=100),
        Attribute("rate", decimal(2), WHAT),
        Attribute("note", TEXT, WHAT, maximum=5, sensitive=True),
        Attribute("kinds", set_of("x", "y"), WHAT),
        Attribute("exclusive", BOOL, WHAT),
    )
)


@pytest.mark.requirement("A1")
@pytest.mark.parametrize(
    ("given", "attribute", "says"),
    [
        ({}, "role", "required"),
        ({"role": None}, "role", "required"),
        ({"role": "c"}, "role", "none of a, b"),
        ({"role": 1}, "role", "a text, not int"),
        ({"role": "a", "area": -1}, "area", "below 0"),
        ({"role": "a", "area": 101}, "area", "above 100"),
        ({"role": "a", "area": "9"}, "area", "not str"),
        ({"role": "a", "area": True}, "area", "not bool"),
        ({"role": "a", "rate": 1.5}, "rate", "not float"),
        ({"role": "a", "note": "123456"}, "note", "its length is above 5"),
        ({"role": "a", "kinds": ["x", "z"]}, "kinds", "none of x, y"),
        ({"role": "a", "kinds": "x"}, "kinds", "a set of texts, not str"),
        ({"role": "a", "exclusive": 1}, "exclusive", "yes or no, not int"),
        ({"role": "a", "colour": "red"}, "colour", "no such attribute"),
    ],
)
def test_a_value_that_breaks_its_declaration_is_refused_by_name(
    given: dict[str, object], attribute: str, says: str
) -> None:
    with pytest.raises(AttributeProblem) as problem:
        SCHEMA.validate(given)
    assert problem.value.attribute == attribute
    assert says in problem.value.message


def test_what_fits_is_kept_in_one_form() -> None:
    given = {"role": "b", "kinds": ("y", "x", "y"), "note": None, "area": 100}
    assert SCHEMA.validate(given) == {"role": "b", "area": 100, "kinds": ["x", "y"]}
    assert SCHEMA.validate({"area": 3}, partial=True) == {"area": 3}
    assert SCHEMA.sensitive == {"note"}
    assert SCHEMA.facts({"role": "b", "gone": 1}) == {"role": "b"}
