"""The forest of units."""

import pytest

from objectives.roles import Rights, Role, Tree


def test_the_topmost_unit_and_what_is_below():
    tree = Tree({1: None, 2: 1, 3: 2, 4: None})
    assert [tree.root(unit) for unit in (1, 2, 3, 4)] == [1, 1, 1, 4]
    assert tree.below(2) == {2, 3}


@pytest.mark.parametrize("parents", [{1: 1}, {1: 2, 2: 1, 3: 2}, {1: 2, 2: 3, 3: 1, 4: 3}])
def test_a_circle_comes_to_an_end(parents):
    """The database should hold none; if it does, nobody's request may hang."""
    tree = Tree(parents)
    assert {tree.root(unit) for unit in parents} <= parents.keys()
    assert tree.below(1) == parents.keys()
    assert Rights.of([(Role.PLANNER, 1)], tree).organisation == parents.keys()
