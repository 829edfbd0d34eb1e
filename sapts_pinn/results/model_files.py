"""Files of the trained model: the function u of the points in the user's units, or the bare weights.

    .pt2            a program of `torch.export`, which PyTorch alone loads and runs: no sapts-pinn, no source
    .onnx           the same for ONNX runtimes
    .safetensors    the weights, with the settings of the network as text; the ansatz is not in them

A program takes points [N, dim] in float64, for any N, the coordinates in the order of the domain, and returns
the unknowns [N, m].  It is compared with the model before it is written.
"""

from __future__ import annotations

import json
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from .._version import __version__
from ..errors import InputError
from ..networks.model import Model
from ..networks.time_windows import WindowedModel
from ..runs.content import Config
from ..runs.files import write_atomically
from .exact_constants import ExactConstants

if TYPE_CHECKING:
    from torch.export import ExportedProgram

COUNTS = (7, 1, 300)  # points of the trace and of the comparison
CLOSE = 1e-12  # relative to the largest value


def program_of(model: Model | WindowedModel, exact: bool = False) -> ExportedProgram:
    """Record a model by `torch.export`, for any number of points.

    Args:
        model: The model.
        exact: Whether its numbers become tensors, see `exact_constants.py`.

    Raises:
        InputError: A function of the problem does something that PyTorch cannot record, or that is not the
            same for other points.
    """
    # A pickle copies what functions of the problem refer to as well, which deepcopy does not.
    on_processor = next(model.parameters()).device.type == "cpu"
    local = model if on_processor else pickle.loads(pickle.dumps(model)).cpu()
    samples = _samples(model)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of PyTorch about itself
            expected = [local(points) for points in samples]  # first, as the problem's scales are lazy
            program = torch.export.export(
                ExactConstants(local) if exact else local,
                (samples[0],),
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
                strict=False,
            )
            run = program.module()
            found = [run(points) for points in samples]
    except Exception as error:  # whatever a user's function makes PyTorch raise
        raise InputError(
            f"PyTorch cannot record this solution ({' '.join(str(error).split())[:200]}); write the "
            "functions of the problem with operations of torch alone, or keep the solution by save(folder)"
        ) from error
    _compare(found, expected)
    return program


def _samples(model: Model | WindowedModel) -> list[Tensor]:
    generator = Generator().manual_seed(0)
    return [model.problem.domain.interior(count, generator) for count in COUNTS]


def _compare(found: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Refuse a record that computes something else."""
    pairs = zip(found, expected, strict=True)
    worst = max(float((a - b).abs().max() / b.abs().max().clamp_min(1e-300)) for a, b in pairs)
    if not worst <= CLOSE:
        raise InputError(
            f"the recorded solution is off by {worst:.1e} at other points: a function of the problem does "
            "something that depends on the points at hand; save(folder) keeps the solution as it is"
        )


def _about(model: Model | WindowedModel, config: Config) -> dict[str, str]:
    """Describe a file in words: problem, order of the coordinates and of the unknowns, network."""
    kept = ("network", "activation", "dtype", "method", "seed", "windows", "edges", "scales")
    return {
        "problem": model.problem.name,
        "coordinates": ", ".join(model.problem.domain.names),
        "unknowns": ", ".join(model.problem.unknown_names),
        "settings": json.dumps({name: config.get(name) for name in kept}, default=str),
        "sapts_pinn": __version__,
    }


def _pt2(model: Model | WindowedModel, about: Mapping[str, str], path: Path) -> None:
    torch.export.save(program_of(model), path, extra_files={"about.json": json.dumps(dict(about))})


def _onnx(model: Model | WindowedModel, about: Mapping[str, str], path: Path) -> None:
    import onnxscript  # noqa: F401 (needed by torch.onnx, which says so less clearly)
    from onnx.reference import ReferenceEvaluator

    program = program_of(model, exact=True)
    with warnings.catch_warnings(), _quiet(logging.getLogger("torch.onnx")):
        warnings.simplefilter("ignore")  # of PyTorch about itself
        found = torch.onnx.export(
            program, dynamo=True, verbose=False, input_names=["points"], output_names=["unknowns"]
        )
    assert found is not None
    found.model.metadata_props.update(about)
    found.save(path)
    samples, run = _samples(model), ReferenceEvaluator(str(path))
    values = [torch.from_numpy(next(iter(run.run(None, {"points": p.numpy()})))) for p in samples]
    with torch.no_grad():
        _compare(values, [model(points).cpu() for points in samples])


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep warnings of a logger to itself, such as that a package is missing which nothing needs."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _safetensors(model: Model | WindowedModel, about: Mapping[str, str], path: Path) -> None:
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    save_file(state, path, metadata=dict(about))


Write = Callable[[Model | WindowedModel, Mapping[str, str], Path], None]
WRITERS: dict[str, Write] = {".pt2": _pt2, ".onnx": _onnx, ".safetensors": _safetensors}


def export_model(model: Model | WindowedModel, config: Config, path: Path) -> Path:
    """Write a model into a file of one of `WRITERS`.

    Args:
        model: The model.
        config: Settings of its run.
        path: Where; the extension gives the format.

    Raises:
        InputError: A package that writes the format is not installed; or as `program_of`.
    """
    suffix = path.suffix.lower()
    try:
        write_atomically(path, lambda temporary: WRITERS[suffix](model, _about(model, config), temporary))
    except ImportError as error:
        raise InputError(
            f"{suffix} needs a package that is not installed ({error}); pip install 'sapts-pinn[export]'"
        ) from error
    return path
