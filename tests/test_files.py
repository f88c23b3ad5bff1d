"""Files are written completely or not at all, are private until finished, and leave nothing behind; nncore has no other way to write."""

from __future__ import annotations

import ast
import errno
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nncore import files
from nncore.files import try_to_write, write, writing, writing_text

ROOT = Path(__file__).parents[1]
posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and locks as on POSIX")


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# ---- whole or not at all ----------------------------------------------------------------------------------------------------


def test_bytes_and_text_are_written_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, "a\n")
    write(path, "ü\r\n")
    assert path.read_bytes() == "ü\r\n".encode()
    write(path, b"\xff\n")
    assert path.read_bytes() == b"\xff\n"
    with writing_text(path) as file:
        file.write("ü")
        file.write("\r\n")
        assert path.read_bytes() == b"\xff\n"
    assert path.read_bytes() == "ü\r\n".encode()
    assert names(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full disk", "ctrl-c"])
def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(error)):
        write(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("way", [writing, writing_text], ids=["bytes", "text"])
def test_an_error_of_whoever_writes_leaves_what_was_there(tmp_path: Path, way: Callable[[Path], Any]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")

    def fail() -> None:
        with way(path) as file:
            file.write("new" if way is writing_text else b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


@posix
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    path.write_text("old")
    code = (
        "import resource, sys; from nncore.files import write\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write(sys.argv[1], bytes(5000))\n"
        "except OSError as error: print(error.errno)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) == errno.EFBIG
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.bin"]


def test_trying_leaves_everything_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    try_to_write(path, b"new")
    assert names(tmp_path) == []
    path.write_text("old")
    try_to_write(path, b"new")
    assert path.read_text() == "old"
    with pytest.raises(FileNotFoundError):
        try_to_write(tmp_path / "none" / "out", b"")


# ---- obstacles --------------------------------------------------------------------------------------------------------------


@posix
def test_what_cannot_be_replaced_is_refused_as_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    before = {name: os.lstat(tmp_path / name) for name in names(tmp_path)}
    for name, message in {
        "pipe": "device or a pipe",
        "circle": "leads in a circle",
        "folder": "this is a folder",
        "none/file": "no such folder",
        "file/file": "no such folder",
        "x" * 256: "name too long",
    }.items():
        for way in (write, try_to_write):
            with pytest.raises(OSError, match=message):
                way(tmp_path / name, b"new")
    with pytest.raises(OSError, match="device or a pipe"):
        write("/dev/null", b"")
    assert {name: os.lstat(tmp_path / name) for name in names(tmp_path)} == before


@posix
def test_a_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "precious"
    path.write_text("old")
    path.chmod(0o444)
    if os.access(path, os.W_OK):  # as root
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="write-protected"):
        write(path, "new")
    assert path.read_text() == "old"


def test_the_longest_names(tmp_path: Path) -> None:
    for name in ("x" * 255, "ü" * 127):
        write(tmp_path / name, "new")
        assert names(tmp_path) == [name]
        (tmp_path / name).unlink()


@posix
def test_a_stream_is_written_to_if_that_is_asked_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "a\n", may_be_stream=True)
        assert os.read(reader, 10) == b"a\n"
        with writing_text(pipe, may_be_stream=True) as file:
            file.write("b")
            file.flush()
            assert os.read(reader, 10) == b"b"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


# ---- links, modes and owners ------------------------------------------------------------------------------------------------


@posix
def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "link", tmp_path / "there" / "file"
    link.symlink_to(file)
    for content in ("first", "second"):
        write(link, content)
        assert link.is_symlink()
        assert file.read_text() == content
    assert (names(tmp_path), names(file.parent)) == (["link", "there"], ["file"])


@posix
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007])
@pytest.mark.parametrize("older", [None, 0o600, 0o640, 0o666, 0o755])
def test_nobody_may_read_more_than_before_at_any_time(tmp_path: Path, umask: int, older: int | None) -> None:
    path = tmp_path / "model"
    if older is not None:
        path.write_text("old")
        path.chmod(older)
    before = os.umask(umask)
    try:
        with writing(path) as file:
            file.write(b"secret")
            file.flush()
            [temporary] = [tmp_path / name for name in names(tmp_path) if name != "model"]
            unfinished = stat.S_IMODE(temporary.stat().st_mode)
    finally:
        os.umask(before)
    wanted = 0o666 & ~umask if older is None else older
    assert stat.S_IMODE(path.stat().st_mode) == wanted
    assert unfinished == (wanted if older is None else 0o600)


@posix
def test_another_group_gets_no_more_than_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    path.write_text("old")
    path.chmod(0o664)
    group = path.stat().st_gid
    seen = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        return os.stat_result(group + 1 if index == 5 else value for index, value in enumerate(seen(descriptor)[:10]))

    def refuse(*arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    monkeypatch.setattr(os, "fstat", fstat)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@posix
def test_the_owner_stays_where_the_system_allows_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = tmp_path / "model"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)
    write(path, "new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


# ---- temporary files --------------------------------------------------------------------------------------------------------


@posix
def test_planted_names_and_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    tokens = iter(["0" * 16, "1" * 16, "2" * 16])
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: next(tokens))
    monkeypatch.setattr(files, "_remove_stale", lambda folder: None)
    (tmp_path / f".nncore-{'0' * 16}.tmp").symlink_to(victim)
    (tmp_path / f".nncore-{'1' * 16}.tmp").symlink_to(tmp_path / "nowhere")
    write(tmp_path / "model", "new")
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_temporary_names_cannot_be_guessed(tmp_path: Path) -> None:
    seen = set()
    for _ in range(3):
        with writing(tmp_path / "model"):
            seen |= {name for name in names(tmp_path) if name != "model"}
    assert len(seen) == 3
    assert all(re.fullmatch(r"\.nncore-[0-9a-f]{16}\.tmp", name) for name in seen)


@posix
def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from nncore.files import writing\n"
        "with writing(sys.argv[1]) as file: file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 1
    mine = [".nncore-0.tmp", ".other.tmp", f".nncore-{'A' * 16}.tmp"]  # not of the pattern
    for name in mine:
        (tmp_path / name).write_text("")
    (tmp_path / f".nncore-{'a' * 16}.tmp").symlink_to(tmp_path / mine[0])
    write(tmp_path / "another", "new")
    assert names(tmp_path) == sorted([*mine, f".nncore-{'a' * 16}.tmp", "another"])


@posix
def test_what_somebody_is_writing_is_not_removed(tmp_path: Path) -> None:
    with writing(tmp_path / "model") as file:
        file.write(b"first")
        write(tmp_path / "another", "new")
    assert (tmp_path / "model").read_text() == "first"


@posix
def test_without_locks_what_is_old_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(files.fcntl, "flock", flock)
    new, old = (tmp_path / f".nncore-{digit * 16}.tmp" for digit in "01")
    for path in (new, old):
        path.write_text("")
    os.utime(old, (0, 0))
    write(tmp_path / "model", "new")
    assert names(tmp_path) == [new.name, "model"]


def test_many_writers_of_one_file(tmp_path: Path) -> None:
    path, errors = tmp_path / "model", []

    def work(number: int) -> None:
        try:
            for _ in range(5):
                write(path, str(number) * 1000)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(path.read_text())) == 1
    assert names(tmp_path) == ["model"]


# ---- no other way to write --------------------------------------------------------------------------------------------------

#: Calls that make files, by the last part of their name.
WRITERS = {
    "write_text", "write_bytes", "touch", "tofile", "save_file", "save_npz", "savez", "savez_compressed", "savetxt", "memmap",
    "to_csv", "to_parquet", "to_feather", "to_pickle", "write_table", "write_csv", "ParquetWriter", "savefig", "imsave", "dump",
    "mkstemp", "NamedTemporaryFile", "copy2", "copyfile", "copymode", "move",
}  # fmt: skip
_WORDS = re.compile(rf"\b(open|np\.save|{'|'.join(sorted(WRITERS))})\(")


def written_in(source: str) -> Iterator[str]:
    """Calls that open a file for writing, except on bytes in memory or a file that `nncore.files` opened."""
    if not _WORDS.search(source):
        return
    tree = ast.parse(source)
    constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            [target], value = node.targets, node.value
            pairs = (
                zip(target.elts, value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            constants |= {ast.unparse(one): ast.unparse(other) for one, other in pairs}
    sound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in ("io.BytesIO()", "BytesIO()", "io.StringIO()", "StringIO()"):
            sound |= {ast.unparse(target) for target in node.targets}
        if (
            isinstance(node, ast.withitem)
            and ast.unparse(node.context_expr).startswith(("writing(", "writing_text("))
            and node.optional_vars
        ):
            sound.add(ast.unparse(node.optional_vars))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        name, texts = (
            function.rpartition(".")[2],
            [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)],
        )
        opens = name == "open" and (
            function == "os.open" or any(re.fullmatch(r"[rwxabt+]+", text) and set("wax+") & set(text) for text in texts)
        )
        if name == "open" and function == "open" and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
            opens = True
        if name == "memmap" and len(node.args) > 2 and ast.unparse(node.args[2]) == "'r'":
            continue
        if name in WRITERS or opens or function in ("numpy.save", "np.save", "json.dump", "pickle.dump"):
            arguments = [ast.unparse(one) for one in [*node.args, *(keyword.value for keyword in node.keywords)]]
            receiver = function.rpartition(".")[0]
            is_virtual = constants.get(receiver, "").startswith(("Path('/proc/", "Path('/dev/")) or "os.devnull" in arguments
            if not is_virtual and not sound & {*arguments, receiver}:
                yield ast.unparse(node)


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("open(path, 'w')", True), ("path.open('ab')", True), ("open(path, mode)", True), ("open(path, mode='x')", True),
        ("open(path)", False),
        ("path.open('rb')", False), ("gzip.open(path, 'wt')", True), ("path.write_text('a')", True), ("os.open(path, flags)", True),
        ("figure.savefig(path)", True), ("data = io.BytesIO()\nfigure.savefig(data)", False),
        ("with writing(path) as file:\n    figure.savefig(file)", False), ("with writing(path) as file:\n    figure.savefig(path)", True),
        ("np.memmap(path, dtype, 'r')", False),
        ("np.memmap(path, dtype, 'r+')", True), ("np.memmap(path, dtype, mode)", True),
        ("os.open(os.devnull, os.O_WRONLY)", False), ("P = Path('/proc/self/x')\nP.write_text('5')", False),
    ],
)  # fmt: skip
def test_the_search_finds_writers(code: str, is_found: bool) -> None:
    assert bool(list(written_in(code))) == is_found


def test_nothing_writes_a_file_in_another_way() -> None:
    sources = [*(ROOT / "nncore").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    package = [path for path in sources if "tests" not in path.parts and path.name != "setup.py" and ".venv" not in path.parts]
    assert len(package) > 300
    found = {
        f"{path.relative_to(ROOT)}: {call}"
        for path in package
        if path != ROOT / "nncore" / "files.py"
        for call in written_in(path.read_text(encoding="utf-8"))
    }
    assert found == set()
    assert list(written_in((ROOT / "nncore" / "files.py").read_text(encoding="utf-8")))
