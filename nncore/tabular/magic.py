"""Detect the kind of a file by its first bytes, and explain what to do about kinds that cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nncore.errors import DataError

#: Number of bytes to check.
HEAD = 512


@dataclass(frozen=True)
class Foreign:
    """A kind of file that nncore cannot read as a table.

    Attributes
    ----------
    pattern : str
        Regular expression of its first bytes, as Latin-1.
    what : str
        Name of the kind with its article.
    remedy : str
    """

    pattern: str
    what: str
    remedy: str

    def matches(self, head: bytes) -> bool:
        return re.match(self.pattern, head.decode("latin-1"), re.DOTALL) is not None


_AS_CSV = "write it as CSV or Parquet"
_UNPACK = "unpack it, and give the name of a file in it"

#: Kinds whose first bytes (almost) never begin a text file. The first match counts.
FOREIGN = (
    Foreign(r"SQLite format 3\0", "an SQLite database", "export a table of it (sqlite3 -header -csv FILE 'select * from TABLE' > new.csv)"),
    Foreign(r"\x93NUMPY", "a NumPy array", "write it as CSV (numpy.savetxt), or train in Python"),
    Foreign(r"\x89HDF\r\n\x1a\n", "an HDF5 file", _AS_CSV),
    Foreign(r"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", "export the sheet as CSV (UTF-8)"),
    Foreign(r"\x80[\x02-\x05]", "a pickle of Python", _AS_CSV + " (DataFrame.to_csv)"),
    Foreign(r"FEA1\0", "a Feather file of version 1", "write it again (DataFrame.to_feather)"),
    Foreign(r"PARE[\x00-\x08\x0e-\x1f]", "an encrypted Parquet file", "write it without encryption"),
    Foreign(r"\xff\xff\xff\xff[^\0]", "an Arrow stream", "write it as an Arrow file, Parquet or CSV"),
    Foreign(r"ORC\n?[\x00-\x08\x0b\x0c\x0e-\x1f]", "an ORC file", _AS_CSV),
    Foreign(r"Obj\x01", "an Avro file", _AS_CSV),
    Foreign(r"RD[AX][2-9]\n[ABX]\n|X\n\0", "a file of R", "write it as CSV (write.csv)"),
    Foreign(r"\$FL[23]", "an SPSS file", _AS_CSV),
    Foreign(r"<stata_dta>", "a Stata file", _AS_CSV),
    Foreign(r"\0{12}\xc2\xea\x81\x60", "a SAS file", _AS_CSV),
    Foreign(r".{257}ustar", "a tar archive", _UNPACK),
    Foreign(r"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    Foreign(r"Rar!\x1a", "a RAR archive", _UNPACK),
    Foreign(r"\x1f\x9d", "a file packed by compress", "unpack it (uncompress)"),
    Foreign(r"%PDF-", "a PDF document", "export the table in it as CSV"),
    Foreign(r"\x89PNG|\xff\xd8\xff|GIF8", "a picture", "give a file of rows and columns"),
    Foreign(r"\x7fELF|MZ\x90", "a program", "give a file of rows and columns"),
    Foreign(r"(\xef\xbb\xbf)?\s*<(?i:!doctype|\?xml|html|head|body|table)\b", "a web page or XML", "fetch the data itself, or " + _AS_CSV),
    Foreign(r'(\xef\xbb\xbf)?\s*(\{\s*("[^"]*"\s*:|\})|\[\s*(\{\s*"|\[\s*[-"\d]))', "JSON", _AS_CSV + " (pandas.read_json, then to_csv)"),
)  # fmt: skip

#: Byte-order marks, and Python's names of the encodings. UTF-32 comes first, since its mark begins like UTF-16's.
ENCODINGS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def encoding_of(head: bytes) -> str:
    """The encoding of text that begins with `head`."""
    return next((encoding for mark, encoding in ENCODINGS if head.startswith(mark)), "utf-8-sig")


def check_text(head: bytes, source: str) -> None:
    """Raise `DataError` for a known kind of file that is not text, with its name."""
    if encoding_of(head) != "utf-8-sig":
        return
    for foreign in FOREIGN:
        if foreign.matches(head):
            raise DataError(f"{source} is {foreign.what}, not a table of text; {foreign.remedy}")
    if b"\0" in head:
        halves = head[::2], head[1::2]
        if any(half and half.count(0) > 0.8 * len(half) for half in halves):
            raise DataError(f"{source} is UTF-16 without a byte-order mark, not UTF-8; save it as UTF-8")
        raise DataError(f"{source} is not text: it has zero bytes; give a CSV or Parquet file")
