"""Archives whose bytes depend on nothing but names, contents and modes: sorted, owned by root, of one time."""

import gzip
import hashlib
import io
import pathlib
import shutil
import tarfile


def copy(source, target):
    """A file or a directory, links as links; below a directory that may not be there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copyfile(source.resolve(), target)
        target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def tar_of(directory, prefix, epoch):
    """A tar archive, as bytes, of what is below `directory`; its names begin with `prefix` ("" for none)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        paths = [directory, *sorted(directory.rglob("*"))] if prefix else sorted(directory.rglob("*"))
        for path in paths:
            name = str(pathlib.PurePosixPath(prefix) / path.relative_to(directory).as_posix())
            info = archive.gettarinfo(path, name)
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mtime = epoch
            # A user's umask is no part of a release; the executable bit is.
            info.mode = 0o777 if info.issym() else 0o755 if info.isdir() or info.mode & 0o100 else 0o644
            if info.islnk():
                info.type, info.size = tarfile.REGTYPE, path.stat().st_size
            if info.isreg():
                with path.open("rb") as file:
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return buffer.getvalue()


def gzipped(data):
    return gzip.compress(data, compresslevel=9, mtime=0)


def sha256(data):
    return hashlib.sha256(data).hexdigest()
