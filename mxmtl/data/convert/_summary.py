"""What a conversion has written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Tuple

from ..records import read_manifest


@dataclass(frozen=True)
class RecordSummary:
    """What a conversion has written.

    Attributes
    ----------
    num_records : int
        Records in all files together.
    num_skipped : int
        Rows that did not become records; ``<prefix>.skipped.csv`` says why.
    labelled : dict
        {task: rows of which at least one cell of the task is known}.
    prefixes : tuple of str
        What to give to `RecordIter`: one prefix, or one a split.
    files : tuple of str
        All files that were written.
    """

    num_records: int
    num_skipped: int
    labelled: Mapping[str, int]
    prefixes: Tuple[str, ...]
    files: Tuple[str, ...]

    @classmethod
    def of_manifests(cls, prefixes: List[str], files: List[str]) -> RecordSummary:
        """Sum up the manifests of one or several prefixes."""
        manifests = [read_manifest(prefix) for prefix in prefixes]
        labelled: Dict[str, int] = {}
        for manifest in manifests:
            for task, counts in manifest["tasks"].items():
                labelled[task] = labelled.get(task, 0) + counts["labelled"]
        return cls(
            num_records=sum(manifest["records"] for manifest in manifests),
            num_skipped=sum(manifest["skipped"]["rows"] for manifest in manifests),
            labelled=labelled,
            prefixes=tuple(prefixes),
            files=tuple(files),
        )

    def __str__(self) -> str:
        lines = [f"{self.num_records} records in {', '.join(self.prefixes)}"]
        for task, labelled in self.labelled.items():
            share = 100 * labelled / self.num_records if self.num_records else 0.0
            lines.append(f"  {task}: {labelled} labelled ({share:.1f}%)")
        if self.num_skipped:
            lists = [file for file in self.files if file.endswith(".skipped.csv")]
            lines.append(f"  {self.num_skipped} rows skipped: see {', '.join(lists)}")
        return "\n".join(lines)
