"""Panels of a picture."""

import pytest

from sapts_pinn.viz.panels import Kind, Panel, arranged, chosen, columns_for


def test_the_panels_that_tell_most_are_kept_in_their_order():
    panels = [Panel(print, rank) for rank in (0, 5, 1, 4, 2)]
    assert [p.rank for p in chosen(panels, 3)] == [0, 1, 2]
    assert chosen(panels, 9) == panels


@pytest.mark.parametrize(
    ("count", "aspect", "columns"),
    [(6, 1.0, 3), (4, 1.0, 2), (2, 1.0, 2), (6, 0.2, 1), (6, 0.4, 2), (1, 1, 1)],
)
def test_flat_planes_stand_above_each_other(count, aspect, columns):
    assert columns_for(count, aspect) == columns


def test_panels_stand_row_by_row_and_share_the_labels_of_their_axes():
    order = []

    def draw(axis):
        order.append(axis)
        axis.set(xlabel="x", ylabel="y", xlim=(0, 1), ylim=(0, 1))

    figure = arranged([Panel(draw)] * 3, 1.0, columns=2)
    assert order == figure.axes
    assert [axis.get_xlabel() for axis in order] == ["", "x", "x"]
    assert [axis.get_ylabel() for axis in order] == ["y", "", "y"]


def test_other_axes_keep_their_labels_and_long_titles_are_broken():
    def draw(axis):
        axis.set(xlabel="x", ylabel="y", xlim=(0, 1), ylim=(0, 1))
        axis.set_title("log |a long name of a field| at x3 = x4 = 0.5", loc="left")

    figure = arranged([Panel(draw), Panel(draw, kind=Kind.CURVE)], 1.0)
    assert [axis.get_ylabel() for axis in figure.axes] == ["y", "y"]
    assert figure.axes[0].get_title(loc="left").endswith("\nat x3 = x4 = 0.5")
