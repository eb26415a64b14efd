"""What a run writes down: metrics.csv, TensorBoard where it is installed, and lines with the time that is left."""

import csv
import io
import logging
import time
from pathlib import Path
from typing import Any

from synthgen.shards import write_atomic

log = logging.getLogger(__name__)


class RunLog:
    """Rows of figures in a CSV whose columns may grow, and the same as TensorBoard events.

    Args:
        folder: of the run.
        tensorboard: also write events.
        resume_at: rows of this step and later are dropped: they belong to steps that are done again.
    """

    def __init__(self, folder: Path, tensorboard: bool, resume_at: int | None = None) -> None:
        self.path = folder / "metrics.csv"
        self.rows: list[dict[str, Any]] = []
        if resume_at is not None and self.path.is_file():
            with open(self.path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.rows = [{k: v for k, v in r.items() if v} for r in rows if int(r["step"]) < resume_at]
        self.events = _events(folder) if tensorboard else None

    def add(self, step: int, kind: str, figures: dict[str, float]) -> None:
        """One row; kind is "train" or the name of what was measured."""
        row = {"step": step, "kind": kind} | {k: f"{v:.6g}" for k, v in figures.items()}
        self.rows.append(row)
        if self.events is not None:
            for name, value in figures.items():
                self.events.add_scalar(f"{kind}/{name}", value, step)

    def flush(self) -> None:
        """Write the whole file anew: it stays small, and is never half a row."""
        columns = list(dict.fromkeys(["step", "kind", *(k for row in self.rows for k in row)]))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomic(self.path, text.getvalue().encode(), durable=False)
        if self.events is not None:
            self.events.flush()

    def close(self) -> None:
        self.flush()
        if self.events is not None:
            self.events.close()


class Clock:
    """Pace and time left."""

    def __init__(self, first: int, total: int) -> None:
        self.first, self.total, self.start = first, total, time.monotonic()

    def left(self, step: int) -> str:
        """Time left after `step` steps, in words."""
        done = step - self.first
        if done < 1:
            return "?"
        return in_words((time.monotonic() - self.start) / done * (self.total - step))


def in_words(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _events(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.info("TensorBoard is not installed; figures go to metrics.csv only")
        return None
    return SummaryWriter(str(folder / "tensorboard"))
