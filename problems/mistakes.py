"""Sentences about exceptions that functions of users raise."""

from __future__ import annotations

from ..errors import InputError

HINTS = {
    ("'Tensor' object has no attribute",): (
        "a derivative is made of names of coordinates, such as (k * u.x).x, or diff(k * u.x, 'x')"
    ),
    ("ufunc", "must be real number", "converted to Scalar", "converted to Python scalar"): (
        "use torch.sin, not numpy.sin or math.sin"
    ),
    ("Boolean value of Tensor",): (
        "a point's value cannot choose a branch of if, and, or, not, max or min, as all points are computed "
        "at once; use torch.where(x < 0.5, a, b), (a) & (b), (a) | (b), torch.maximum(a, b)"
    ),
    ("dtype", "scalar type"): (
        "the coordinates are torch.float64: give constants and tables their type, such as "
        "torch.tensor(1.0, dtype=x.dtype)"
    ),
}


def mistake(what: str, error: Exception) -> InputError:
    """The sentence about an exception that a user's function raised."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return InputError(f"{what}: {text}")
    if isinstance(error, AttributeError) and not text.startswith("'"):  # one of a field
        return InputError(f"{what} asks for {text}")
    if "numpy()" in text:  # PyTorch's own words recommend to detach, which would hide the dependence
        return InputError(
            f"{what} failed: it hands a tensor to NumPy, through which PyTorch cannot differentiate; use "
            "torch.sin, not numpy.sin or math.sin"
        )
    hint = next((f"; {fix}" for words, fix in HINTS.items() if any(word in text for word in words)), "")
    return InputError(f"{what} failed with {type(error).__name__}: {text}{hint}")
