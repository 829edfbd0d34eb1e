"""Pictures shifted and mirrored, pixel by pixel."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from sapts_pinn.supervised import Supervised
from sapts_pinn.supervised.augmentation import CropAndFlip
from sapts_pinn.supervised.models import SmallCNN

PICTURES = torch.randint(1, 256, (6, 3, 5, 7), generator=Generator().manual_seed(0), dtype=torch.uint8)


def test_every_picture_is_a_shifted_and_perhaps_mirrored_one() -> None:
    vary = CropAndFlip(6, Generator().manual_seed(1), shift=2)
    index = torch.tensor([4, 0, 5, 2])
    found = vary(PICTURES[index], index)
    assert found.shape == (4, 3, 5, 7) and found.dtype == torch.uint8
    for picture, number in zip(found, index.tolist(), strict=True):
        down, right = (vary.offsets[number] - 2).tolist()
        for i in range(5):
            for j in range(7):
                column = (6 - j if vary.mirrored[number] else j) + right
                inside = 0 <= i + down < 5 and 0 <= column < 7
                expected = PICTURES[number, :, i + down, column] if inside else torch.zeros(3)
                assert torch.equal(picture[:, i, j].float(), expected.float())
    assert 0 < int(vary.mirrored.sum()) < 6 and len(vary.offsets.unique(dim=0)) > 2


def test_nothing_is_what_it_was_when_nothing_varies() -> None:
    vary = CropAndFlip(6, Generator().manual_seed(1), shift=0, flip=False)
    assert torch.equal(vary(PICTURES, torch.arange(6)), PICTURES)
    with pytest.raises(ValueError, match="shift must not be negative, and is -1"):
        CropAndFlip(6, Generator(), shift=-1)


def test_the_same_until_drawn_anew_and_from_a_saved_state() -> None:
    vary, index = CropAndFlip(6, Generator().manual_seed(1)), torch.arange(6)
    first, state = vary(PICTURES, index), vary.state_dict()
    assert torch.equal(vary(PICTURES, index), first)
    vary.draw()
    second = vary(PICTURES, index)
    assert not torch.equal(second, first)
    other = CropAndFlip(6, Generator().manual_seed(7))
    other.load_state_dict(state)
    assert torch.equal(other(PICTURES, index), first)
    other.draw()
    assert torch.equal(other(PICTURES, index), second)


def test_parts_of_a_loss_see_the_same_pictures() -> None:
    torch.manual_seed(0)
    net = SmallCNN(3, width=2).double().eval()
    pictures = PICTURES.repeat(1, 1, 2, 2)
    vary = CropAndFlip(6, Generator().manual_seed(1))
    objective = Supervised(net, pictures, torch.arange(6), vary=vary)
    net.eval()  # statistics of a batch would tell its parts from it
    whole = objective.value()
    parts = [objective.restrict({"samples": part}).value() for part in torch.randperm(6).split(2)]
    assert sum(parts) == pytest.approx(whole, rel=1e-13)
    assert Supervised(net, pictures, torch.arange(6)).value() != pytest.approx(whole, rel=1e-3)
