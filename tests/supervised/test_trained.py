"""A trained network in use: probabilities, texts, pictures that show something, folders read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from png import drawn
from sapts_pinn.supervised import trained
from sapts_pinn.supervised.datasets import Images, Text
from sapts_pinn.supervised.train import train
from sapts_pinn.supervised.trained import Trained


@pytest.fixture(scope="module")
def writer() -> Trained:
    numbers = torch.arange(800) % 30
    return train(
        "tinyshakespeare",
        "adam",
        "20 iterations",
        data=Text(numbers, numbers[:200], "".join(map(chr, range(65, 130)))),
        options={"lr": 3e-3},
    )


@pytest.fixture(scope="module")
def reader(made_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Of noise, whose run folder is `reader.config["out"]`."""
    out = tmp_path_factory.mktemp("reader")
    found = train("cifar10", "adam", "12 iterations", data=made_data / "cifar10", out=out)
    found.config["out"] = str(out)
    return found


def test_probabilities(reader: Trained) -> None:
    assert isinstance(reader.data, Images)
    inputs, labels = reader.data.test
    found = reader.predict(inputs)
    assert found.shape == (10, 10) and torch.allclose(found.sum(1), torch.ones(10))
    assert float((found.argmax(1) != labels).double().mean()) == reader.result["test_error_rate"]
    array = reader.predict(inputs.numpy())
    assert isinstance(array, np.ndarray) and np.array_equal(array, found.numpy())
    with pytest.raises(
        ValueError, match=r"inputs must be \[N, C, H, W\] with N at least 1, not \[3, 32, 32\]"
    ):
        reader.predict(inputs[0])
    with pytest.raises(ValueError, match="a network of cifar10 writes no text; use predict"):
        reader.sample()


def test_text_is_fixed_by_its_seed(writer: Trained) -> None:
    a, b, c = (writer.sample(50, seed=seed) for seed in (0, 0, 1))
    assert a == b != c and len(a) == 51 and a[0] == "A"
    assert writer.sample(0, prompt="BAD") == "BAD" and writer.sample(70, prompt="BAD").startswith("BAD")


def test_a_low_temperature_takes_the_likeliest(writer: Trained) -> None:
    assert isinstance(writer.data, Text)
    cold = [writer.sample(8, "EF", 1e-4, seed) for seed in range(3)]
    assert len(set(cold)) == 1
    numbers = writer.data.encode(cold[0])
    likeliest = writer.predict(numbers[None, :-1])[0].argmax(-1)
    assert torch.equal(likeliest[1:], numbers[2:])
    assert len({writer.sample(8, "EF", 1e4, seed) for seed in range(3)}) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prompt": "A é"}, "the training text has no character ' '; leave it out"),
        ({"prompt": ""}, "the prompt is empty"),
        ({"temperature": 0.0}, "temperature must be positive, not 0"),
        ({"length": -1}, "length must not be negative, and is -1"),
    ],
)
def test_what_cannot_be_written(writer: Trained, arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        writer.sample(**arguments)  # type: ignore[arg-type]


def test_texts_of_a_wrong_length(writer: Trained) -> None:
    assert writer.predict(torch.zeros(2, 5, dtype=torch.long)).shape == (2, 5, 65)
    with pytest.raises(ValueError, match="texts may have 64 characters, not 65"):
        writer.predict(torch.zeros(1, 65, dtype=torch.long))


def test_a_folder_is_read_again(reader: Trained, made_data: Path) -> None:
    folder = Path(reader.config["out"])
    again = Trained.load(folder)
    assert isinstance(reader.data, Images) and "data" not in again.__dict__, "read when needed"
    inputs = reader.data.test[0]
    assert torch.equal(again.predict(inputs), reader.predict(inputs))
    assert again.result == reader.result and str(again) == str(reader)
    assert [row["loss"] for row in again.history] == [row["loss"] for row in reader.history]
    assert isinstance(again.data, Images) and torch.equal(again.data.test[0], inputs)
    given = Trained.load(folder, reader.data)
    assert given.data is reader.data
    with pytest.raises(ValueError, match="holds no run"):
        Trained.load(made_data)


def test_pictures_show_something(
    reader: Trained, writer: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained, "SAMPLE", 60)
    made = reader.plot(tmp_path / "new" / "folder")
    assert [path.name for path in made] == ["curves.png", "confusion.png", "mistakes.png"]
    for path in made:
        drawn(path)
    curves, sample = writer.plot(tmp_path / "text")
    drawn(curves)
    assert sample.read_text() == writer.sample(60) + "\n"
