"""Comparison of a residual with its mirror image."""

import pytest
import torch

from sapts_pinn.problems import Sites
from sapts_pinn.problems.symmetry.probing import Probes
from sapts_pinn.problems.symmetry.requirements import Comparison, Mirror, Requirement, agree, same

MIRROR = Mirror(axis=0, about=0.5, signs={"u": 1, "v": -1})
CHANNELS = (("u", ()), ("u", (0,)), ("v", ()), ("v", (0, 1)))


def test_points_normals_and_channels_are_mirrored():
    points = torch.tensor([[0.1, 3.0], [0.5, 4.0]], dtype=torch.float64)
    normals = torch.tensor([[0.6, 0.8], [-1.0, 0.0]], dtype=torch.float64)
    image = MIRROR.sites(Sites(points, normals))
    assert image.points.tolist() == [[0.9, 3.0], [0.5, 4.0]]
    assert image.normals.tolist() == [[-0.6, 0.8], [1.0, 0.0]] and points[0, 0] == 0.1
    assert MIRROR.parity(CHANNELS).tolist() == [1, -1, -1, 1]


def requirement(local, channels=(("u", ()), ("u", (0, 0)))):
    generator = torch.Generator().manual_seed(0)
    broad, deep = torch.randn(2, 4, len(channels), generator=generator, dtype=torch.float64)
    broad[0] = 0
    many = torch.rand(200, 1, generator=generator, dtype=torch.float64)
    narrow = Sites(torch.tensor([[0.25]], dtype=torch.float64))
    return Requirement(("x",), local, Probes(tuple(channels), broad, deep), Sites(many), lambda: narrow)


def compared(local, sign=1, stages=None):
    mirror = Mirror(0, 0.5, {"u": sign})
    comparison = Comparison(requirement(local), [local], mirror)
    return [comparison.passes(stage) for stage in range(5)] if stages is None else comparison


@pytest.mark.parametrize(
    ("source", "sign", "symmetric"),
    [
        (lambda x: (x - 0.5) ** 2, 1, True),
        (lambda x: (x - 0.5) ** 2, -1, False),  # an even source of an odd unknown
        (lambda x: (x - 0.5) ** 3, -1, True),
        (lambda x: x**2, 1, False),
        (lambda x: 1e-6 * x**2 + 1, 1, False),
    ],
)
def test_a_source_decides(source, sign, symmetric):
    local = lambda fields, sites: (fields["u"].xx + source(sites.points[:, 0]),)
    passed = compared(local, sign)
    assert all(passed) is symmetric


def test_a_narrow_source_is_seen_in_the_stage_of_narrow_places_alone():
    window = lambda fields, sites: (fields["u"].xx + ((sites.points[:, 0] - 0.25).abs() < 1e-7),)
    assert compared(window) == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([1.0, -2.0], [1.0, -2.0], (True, False)),
        ([1.0, -2.0], [-1.0, 2.0], (False, True)),
        ([1.0, -2.0], [1.0, -2.0 * (1 + 1e-8)], (False, False)),
        ([1.0, -2.0], [1.0, -2.0 * (1 + 1e-10)], (True, False)),
        ([1.0, torch.nan], [1.0, torch.nan], (True, False)),
        ([1.0, torch.nan], [1.0, -2.0], (False, False)),
        ([0.0, 0.0], [0.0, 0.0], (True, True)),
    ],
)
def test_rows_agree_up_to_rounding_and_where_both_are_numbers(ours, theirs, verdict):
    a, b = (torch.tensor(v, dtype=torch.float64).reshape(1, 1, -1) for v in (ours, theirs))
    none = torch.zeros(2, 1, 1, dtype=torch.float64)
    found = agree(a, b, none, none)
    assert tuple(bool(v) for v in found) == verdict and same(found) is any(verdict)
    assert not same(agree(a, b[..., :1], none, none))


def test_of_several_partners_one_has_to_be_the_image():
    def flux(value):
        return lambda fields, sites: (fields["u"].value - value,)

    mirror = Mirror(0, 0.5, {"u": 1})
    own = requirement(flux(1.0))
    assert Comparison(own, [flux(2.0), flux(1.0)], mirror).passes(0)
    assert not Comparison(own, [flux(2.0)], mirror).passes(0)

    def broken(fields, sites):
        raise ValueError("not defined there")

    assert not Comparison(own, [broken], mirror).passes(0)
