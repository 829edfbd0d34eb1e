"""Observations from files as spreadsheets and instruments write them."""

import codecs

import numpy as np
import pytest

from sapts_pinn.problems import Observations

PLAIN = "x,t,u\n0.5,0,1.25\n1,2e-1,-3\n"
SEMICOLONS = "x;t;u\n0,5;0;1,25\n1;2e-1;-3\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", ",,\n").encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.replace(",", ", ").encode(),
        SEMICOLONS.encode(),
        SEMICOLONS.replace("\n", ";\n").encode(),
        SEMICOLONS.replace(";", "\t").encode("utf-16"),
        PLAIN.replace(",", "\t").encode(),
    ],
)
def test_dialects(tmp_path, data):
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    found = Observations.from_csv(path, "u")
    assert [*found.points] == ["x", "t"]
    np.testing.assert_array_equal(found.points["x"], [0.5, 1.0])
    np.testing.assert_array_equal(found.points["t"], [0.0, 0.2])
    np.testing.assert_array_equal(found.values, [1.25, -3.0])


def test_a_column_named_in_latin_1(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("x,größe\n0,1\n".encode("latin-1"))
    assert Observations.from_csv(path, "u", column="größe").count == 1


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty; it needs a line of column names"),
        (b"\n \n", "is empty"),
        (b"x,u\n", "holds column names but no numbers"),
        (b"0.1,0.2\n0.3,0.4\n", "begins with the numbers 0.1, 0.2; its first line has to name the columns"),
        (b"x,u,x\n1,2,3\n", "has two columns 'x'"),
        (b"x,,u\n1,2,3\n", "column 2 has no name"),
        (b"x,u\n0,5,1,25\n", "line 2: 4 entries for 2 columns"),
        (b"x,u\n1,two\n", "line 2: 'u' is 'two', no number"),
        (b"\x00\x01\x02\x00\x00\x00\x03x", "is not a text file"),
    ],
)
def test_one_sentence_with_the_name_of_the_file(tmp_path, data, sentence):
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=sentence) as error:
        Observations.from_csv(path, "u")
    assert str(path) in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*nothing.csv; check the path"):
        Observations.from_csv(tmp_path / "nothing.csv", "u")
    with pytest.raises(ValueError, match="is a folder"):
        Observations.from_csv(tmp_path, "u")


@pytest.mark.parametrize(
    "text",
    [
        "# x u\n0.5 1.5\n",  # numpy.savetxt(..., header="x u")
        "# made by hand\n# x,u\n0.5,1.5\n",
        "# made by hand\nx,u\n0.5,1.5\n# the end\n",
        "x   u\n0.5 1.5\n",
    ],
)
def test_comments_and_white_space(tmp_path, text):
    path = tmp_path / "data.csv"
    path.write_text(text)
    data = Observations.from_csv(path, "u")
    assert list(data.points) == ["x"] and list(data.points["x"]) == [0.5] and list(data.values) == [1.5]


@pytest.mark.parametrize("entry", ["1_5", "nan", "inf"])
def test_what_python_alone_takes_for_a_number_is_refused(tmp_path, entry):
    path = tmp_path / "data.csv"
    path.write_text(f"x,u\n0.5,{entry}\n")
    with pytest.raises(ValueError, match=rf"data.csv, line 2: 'u' is '{entry}'"):
        Observations.from_csv(path, "u")
