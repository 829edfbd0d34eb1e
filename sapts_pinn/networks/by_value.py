"""Pickles of models and solutions, with the functions of their problem by value.

An equation is a lambda, or a function of a script or a notebook, which `pickle` refuses.  cloudpickle stores
the code of such functions, so that another process needs no source; functions of an importable module are
stored by name.  Code is of one version of Python, and closures are of one version of this package: under
others a pickle is refused.
"""

from __future__ import annotations

import copy
import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

import cloudpickle

from .._version import __version__
from ..errors import InputError

Attributes = dict[str, Any]


def _versions() -> str:
    return f"Python {sys.version_info.major}.{sys.version_info.minor} and sapts-pinn {__version__}"


class ByValue:
    """Base class of what is pickled with its functions by value, by `pickle`, `torch.save` and processes."""

    def __getstate__(self) -> object:
        """Return the attributes, for a copy or a pickle."""
        return _Contents(self.__dict__)

    def __setstate__(self, state: _Contents) -> None:
        """Take the attributes of a copy or a pickle."""
        self.__dict__.update(state.attributes)


class _Contents:
    """Attributes of an object, in one pickle of their own, so that what they share stays shared."""

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes

    def __deepcopy__(self, memo: dict[int, Any]) -> _Contents:
        return _Contents(copy.deepcopy(self.attributes, memo))

    def __reduce__(self) -> tuple[Callable[[str, bytes], _Contents], tuple[str, bytes]]:
        buffer = io.BytesIO()
        try:
            _Pickler(buffer).dump(self.attributes)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise InputError(
                f"a function of the problem uses what cannot be pickled ({error}); save the solution into a "
                'folder, or export it as "solution.pt2"'
            ) from error
        return _restored, (_versions(), buffer.getvalue())


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickler inside which contents are plain."""

    def reducer_override(self, obj: Any) -> Any:
        """Reduce an object of a class of its own."""
        return (_Contents, (obj.attributes,)) if isinstance(obj, _Contents) else super().reducer_override(obj)


def _restored(versions: str, blob: bytes) -> _Contents:
    if versions != _versions():
        raise InputError(
            f"this was pickled under {versions}, and this is {_versions()}; load it there and export it as "
            '"solution.pt2", or keep solutions by save(folder)'
        )
    return _Contents(pickle.loads(blob))
