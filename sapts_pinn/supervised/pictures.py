"""Pictures of networks trained on samples: how they learned, what they confuse, where they are most wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..runs.content import Row
from ..viz import OURS, STYLE, THEIRS, column, new_figure, save_figure
from .tasks import Task, bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS, COLUMNS, TALL = 4, 8, 1.36  # of mistakes; height of one with its label, in its widths
SMOOTH = 40  # the loss is averaged over 1 / SMOOTH of the rows


def plot_curves(history: Sequence[Row], task: Task, path: Path, title: str = "") -> Path:
    """Draw training loss and test metric against epochs of gradient evaluations and against seconds.

    Args:
        history: Rows of history.csv.
        task: Whose metric it is.
        path: Where; the extension gives the format.
        title: Above.

    Returns:
        The path.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = new_figure(10.5, 5.6)
        axes = figure.subplots(2, 2, sharex="col", sharey="row")
        loss, metric = column(history, "loss"), column(history, task.column)
        known = np.isfinite(metric)
        for side, (key, label) in enumerate(
            (("gradient_evaluations", "epochs (gradients of all samples)"), ("seconds", "seconds"))
        ):
            x = column(history, key)
            _loss(axes[0, side], x, loss)
            _metric(axes[1, side], x[known], metric[known], task)
            axes[1, side].set(xlabel=label, xlim=(0, None))
            for axis in axes[:, side]:
                axis.grid(color="#dddddd", lw=0.5)
        percent = task.column == "test_error_rate"
        axes[0, 0].set_ylabel("training loss, nats")
        axes[1, 0].set_ylabel("test error, %" if percent else f"test {task.metric_name}")
        axes[0, 0].legend(loc="best")
        last = metric[known][-1:]
        _head(figure, title, *(_said(task, value) for value in last))
        return save_figure(figure, path)


def _loss(axis: Axes, x: NDArray[np.float64], loss: NDArray[np.float64]) -> None:
    """Plot the loss of the batches, and its mean over a stretch of the run."""
    width = max(len(loss) // SMOOTH, 1)
    kernel = np.ones(width) / width
    few = "." if len(loss) < SMOOTH else ""  # or a single row would not be seen
    faint = 0.35 if width > 1 else 1.0
    axis.plot(x, loss, few + "-", color=OURS, lw=0.6, alpha=faint, label="of each step's samples")
    smooth = loss
    if width > 1 and np.isfinite(loss).all():
        smooth = np.convolve(loss, kernel, "valid")
        axis.plot(x[width // 2 :][: len(smooth)], smooth, color=OURS, lw=1.6, label="running mean")
    positive = smooth[np.isfinite(smooth) & (smooth > 0)]
    if positive.size and positive.max() > 10 * positive.min():
        axis.set_yscale("log")


def _metric(axis: Axes, x: NDArray[np.float64], values: NDArray[np.float64], task: Task) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    percent = task.column == "test_error_rate"
    axis.plot(x, 100 * values if percent else values, color=THEIRS, lw=1.6, marker="o", ms=3)
    if percent and values.size and values.min() > 0:
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())


def _said(task: Task, value: float) -> str:
    if task.column == "test_error_rate":
        return f"test accuracy {1 - value:.2%}"
    return f"{value:.3f} nats, {bits(value):.3f} bits per character"


def plot_confusion(
    labels: Tensor, predicted: Tensor, classes: Sequence[str], path: Path, title: str = ""
) -> Path:
    """Draw how many pictures of each class were taken for which.

    Args:
        labels: True classes [N].
        predicted: Those found [N].
        classes: Their names.
        path: Where; the extension gives the format.
        title: Above, with the accuracy.

    Returns:
        The path.
    """
    import matplotlib
    from matplotlib.ticker import FuncFormatter

    names = [*classes, *map(str, range(len(classes), 1 + int(max(labels.max(), predicted.max()))))]
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels.numpy(), predicted.numpy()), 1)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    right = np.eye(len(names), dtype=bool)
    most = max(float(shares[~right].max(initial=0.0)), 1e-3)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(8.2, 6.6)
        axis = figure.subplots()
        # Two scales: on that of the diagonal all mistakes of a good network would be white.
        good = axis.imshow(np.ma.array(shares, mask=~right), cmap="Blues", vmin=0, vmax=1)
        bad = axis.imshow(np.ma.array(shares, mask=right), cmap="Reds", vmin=0, vmax=most)
        for (i, j), count in np.ndenumerate(counts):
            dark = shares[i, j] > (0.6 if i == j else 0.6 * most)
            if count:
                axis.text(
                    j,
                    i,
                    f"{count:,}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if dark else "#222222",
                )
        axis.set_xticks(range(len(names)), names, rotation=0 if max(map(len, names)) < 3 else 45)
        axis.set_yticks(range(len(names)), names)
        axis.set(xlabel="predicted", ylabel="true")
        axis.tick_params(length=0)
        for spine in axis.spines.values():
            spine.set_visible(False)
        for mesh, label in ((good, "share of a class that is found"), (bad, "share taken for another")):
            bar = figure.colorbar(
                mesh,
                ax=axis,
                pad=0.02,
                aspect=30,
                format=FuncFormatter(lambda share, _: f"{100 * share:.3g}%"),
            )
            bar.outline.set_visible(False)
            bar.ax.tick_params(length=2, labelsize=8)
            bar.set_label(label)
        accuracy = np.trace(counts) / counts.sum()
        what = f"accuracy {accuracy:.2%} of {counts.sum():,}"
        _head(figure, title, what)
        return save_figure(figure, path)


def plot_mistakes(
    pictures: Tensor,
    labels: Tensor,
    probabilities: Tensor,
    classes: Sequence[str],
    path: Path,
    title: str = "",
) -> Path:
    """Draw the misclassified pictures to whose true class the least probability was given.

    Args:
        pictures: Bytes [N, channels, height, width], 1 or 3 channels.
        labels: True classes [N].
        probabilities: Those found [N, classes].
        classes: Their names.
        path: Where; the extension gives the format.
        title: Above.

    Returns:
        The path.
    """
    import matplotlib
    from matplotlib.patches import Rectangle

    predicted = probabilities.argmax(-1)
    wrong = (predicted != labels).nonzero().flatten()
    true = probabilities[wrong, labels[wrong]]
    worst = wrong[true.argsort(stable=True)][: ROWS * COLUMNS]
    rows = max(-(-len(worst) // COLUMNS), 1)
    names = {i: classes[i] if i < len(classes) else str(i) for i in range(probabilities.shape[1])}
    with matplotlib.rc_context(STYLE):
        figure = new_figure(1.35 * COLUMNS, 0.4 + 1.35 * TALL * rows)
        axis = figure.subplots()  # one for all: to lay out many takes seconds
        axis.set_axis_off()
        for k, i in enumerate(worst.tolist()):
            left, top = 1.06 * (k % COLUMNS), TALL * (k // COLUMNS)
            picture = pictures[i].permute(1, 2, 0).numpy()
            axis.imshow(
                picture if picture.shape[2] == 3 else picture[..., 0],
                extent=(left, left + 1, top + 1, top), cmap="gray_r", vmin=0, vmax=255,
            )  # fmt: skip
            axis.add_patch(Rectangle((left, top), 1, 1, fill=False, edgecolor="#cccccc", lw=0.7))
            for up, colour, which in ((0.17, THEIRS, int(predicted[i])), (0.04, OURS, int(labels[i]))):
                text = f"{names[which]}  {_percent(float(probabilities[i, which]))}"
                axis.text(left + 0.5, top - up, text, color=colour, fontsize=8, ha="center")
        axis.set(xlim=(-0.02, 1.06 * COLUMNS), ylim=(TALL * rows - 0.3, -0.32), aspect="equal")
        shown = f"the worst {len(worst)} of {len(wrong):,} mistakes: found (red) and true class (blue)"
        what = shown if len(wrong) else f"all {len(labels):,} pictures are classified correctly"
        _head(figure, title, what)
        return save_figure(figure, path)


def _head(figure: Figure, *parts: str) -> None:
    figure.suptitle("   ·   ".join(part for part in parts if part), x=0.02, ha="left")


def _percent(share: float) -> str:
    """Format a probability, which is neither 0 nor 1, as a percentage."""
    if share < 0.001:
        return "< 0.1%"
    return f"{share:.1%}" if share < 0.999 else "> 99.9%"


__all__ = ["plot_confusion", "plot_curves", "plot_mistakes"]
