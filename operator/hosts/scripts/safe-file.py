"""Writes and removes files below directories that somebody else may own, so that nobody can lead root elsewhere.

usage: safe-file.py write PATH MODE OWNER:GROUP [original] < content
       safe-file.py remove PATH…
       safe-file.py give-back [PATH…]
       safe-file.py check-directory PATH

write            The file has this content, mode and owner, or is as it was (exit 65: the path is refused, with the reason). With "original",
                 what stood there before the first write is kept, for give-back.
remove           The files are gone. A path that leads elsewhere by a link is not ours, and is left alone.
give-back        What "original" kept is where it was, or aside where that cannot be; a file that was new is gone. With paths, of these alone.
check-directory  Exit 0: no directory above PATH is a link, and only root can write to each of them.

A path is opened directory by directory, and no link is followed (openat(2), O_NOFOLLOW). A directory that someone other than root or the
declared owner can write to is refused. In a directory of the declared owner the work is done as that owner. A new file is made under a name
that nobody can foresee (O_EXCL), gets owner and mode through the open file, and takes its place by a rename.
"""

import errno
import grp
import io
import os
import pwd
import re
import stat
import sys

REFUSED = 65
KEPT = "/var/lib/hapair/originals"
NEW = "/var/lib/hapair/new-files"
# What could not be given back.
ASIDE = "/var/lib/hapair/kept"
PREFIX = ".hapair-"
UNFINISHED = re.compile(r"\.hapair-[0-9a-f]{32}")
ROOT_ONLY = (0, 0)
# Far more than the API holds of a file.
MOST = 4 << 20
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Refused(Exception):
    pass


def user(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def ids(owner):
    name, group = owner.split(":")
    try:
        return pwd.getpwnam(name).pw_uid, grp.getgrnam(group).gr_gid
    except KeyError:
        raise Refused(f"there is no user {name} or no group {group} on this host")


def check_writers(fd, path, uid, gid):
    facts = os.fstat(fd)
    if facts.st_uid not in (0, uid):
        raise Refused(f"{path} belongs to {user(facts.st_uid)}, expected root or the file's owner: whoever can write there could replace the file")
    if facts.st_mode & stat.S_IWOTH or facts.st_mode & stat.S_IWGRP and facts.st_gid not in (0, gid):
        raise Refused(f"{path} can be written by others (mode {stat.S_IMODE(facts.st_mode):o}), expected only root and the file's owner")


def open_directory(path, writers=None, create=False):
    """The directory, opened without following a link. With `writers`, a uid and a gid: nobody but root and these can write to it or above it."""
    at, fd = "", os.open("/", DIRECTORY)
    for name in filter(None, path.split("/")):
        at = f"{at}/{name}"
        if name in (".", ".."):
            raise Refused(f"{path} is not written out: it holds {name!r}")
        try:
            inner = os.open(name, DIRECTORY, dir_fd=fd)
        except FileNotFoundError:
            if not create:
                raise
            os.mkdir(name, 0o755, dir_fd=fd)
            inner = os.open(name, DIRECTORY, dir_fd=fd)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            raise Refused(f"{at} is a symbolic link or no directory; name the place that it leads to")
        os.close(fd)
        fd = inner
        if writers:
            check_writers(fd, at, *writers)
    return fd


def split(path):
    directory, name = os.path.split(path)
    if not path.startswith("/") or name in ("", ".", ".."):
        raise Refused(f"{path} is no absolute path of a file")
    return directory, name


def present(name, fd):
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def become(uid, gid):
    """Acts as this user in the file system. Back to root with 0, 0."""
    os.seteuid(0)
    os.setgroups([])
    os.setegid(gid)
    os.seteuid(uid)


def sweep(fd):
    """Removes what a power cut has left of an earlier write; the caller holds the host's lock."""
    for name in os.listdir(fd):
        facts = present(name, fd) if UNFINISHED.fullmatch(name) else None
        if facts and stat.S_ISREG(facts.st_mode):
            os.unlink(name, dir_fd=fd)


def place(fd, name, source, mode, uid, gid):
    """The file, whole or not at all, in a directory that is open, with what there is to read from `source`."""
    owner, group = os.fstat(fd).st_uid, os.fstat(fd).st_gid
    new = PREFIX + os.urandom(16).hex()
    become(owner, group)
    try:
        sweep(fd)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=fd)
        with os.fdopen(file, "wb") as output:
            while block := source.read(1 << 20):
                output.write(block)
            output.flush()
            become(0, 0)
            os.fchown(file, uid, gid)
            os.fchmod(file, mode)
            os.fsync(file)
        become(owner, group)
        os.rename(new, name, src_dir_fd=fd, dst_dir_fd=fd)
        os.fsync(fd)
    except BaseException:
        become(0, 0)
        if present(new, fd):
            os.unlink(new, dir_fd=fd)
        raise
    finally:
        become(0, 0)


def record(path):
    """The name under which a path is recorded; the API allows no colon in a path."""
    return path.strip("/").replace("/", ":")


def keep_original(path, fd, name):
    """Keeps what stands at the path, once: before it is replaced for the first time."""
    kept, new = (open_directory(folder, ROOT_ONLY, create=True) for folder in (KEPT, NEW))
    if present(record(path), kept) or present(record(path), new):
        return
    if not present(name, fd):
        place(new, record(path), io.BytesIO(), 0o600, 0, 0)
        return
    with open_file(name, fd) as original:
        facts = os.fstat(original.fileno())
        place(kept, record(path), original, stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid)


def open_file(name, fd):
    """A regular file of no more than is ever kept: whoever owns the directory may put anything there, at any moment."""
    file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=fd), "rb")
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST:
        file.close()
        raise Refused(f"{name} is no regular file of at most {MOST >> 20} MiB, which could be kept before it is replaced")
    return file


def write(path, mode, owner, keep=""):
    uid, gid = ids(owner)
    directory, name = split(path)
    fd = open_directory(directory, (uid, gid), create=True)
    facts = present(name, fd)
    if facts and not stat.S_ISREG(facts.st_mode):
        kind = "a directory" if stat.S_ISDIR(facts.st_mode) else "a symbolic link or no file"
        raise Refused(f"{path} is {kind}, expected a file or nothing")
    if keep == "original":
        keep_original(path, fd, name)
    place(fd, name, sys.stdin.buffer, int(mode, 8), uid, gid)


def remove(path):
    directory, name = split(path)
    try:
        fd = open_directory(directory)
        facts = present(name, fd)
        if facts and not stat.S_ISDIR(facts.st_mode):
            os.unlink(name, dir_fd=fd)
            os.fsync(fd)
    except FileNotFoundError:
        pass
    except (Refused, OSError) as why:
        print(f"{path} is left alone: {why}")


def restore(path, name, kept):
    directory, target = split(path)
    with open_file(name, kept) as original:
        facts = os.fstat(original.fileno())
        try:
            place(open_directory(directory), target, original, stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid)
        except FileNotFoundError:
            why = "its directory is gone"
        except (Refused, OSError) as error:
            why = error
        else:
            os.unlink(name, dir_fd=kept)
            return
    os.rename(name, name, src_dir_fd=kept, dst_dir_fd=open_directory(ASIDE, ROOT_ONLY, create=True))
    print(f"{path} is not given back: {why}; it is kept as {ASIDE}/{name}")


def give_back(*paths):
    asked = {record(path) for path in paths}
    for folder in (KEPT, NEW):
        try:
            fd = open_directory(folder, ROOT_ONLY)
        except FileNotFoundError:
            continue
        for name in sorted(os.listdir(fd)):
            if UNFINISHED.fullmatch(name) or asked and name not in asked:
                continue
            path = "/" + name.replace(":", "/")
            if folder == KEPT:
                restore(path, name, fd)
            else:
                remove(path)
                os.unlink(name, dir_fd=fd)
        os.fsync(fd)


def main(verb, *arguments):
    os.umask(0o022)
    if verb == "write":
        write(*arguments)
    elif verb == "remove":
        for path in arguments:
            remove(path)
    elif verb == "give-back":
        give_back(*arguments)
    elif verb == "check-directory":
        open_directory(os.path.dirname(*arguments), ROOT_ONLY)
    else:
        sys.exit(64)


try:
    main(*sys.argv[1:])
except Refused as why:
    print(why)
    sys.exit(REFUSED)
except OSError as error:
    print(f"{' '.join(sys.argv[1:3])}: {error}")
    sys.exit(1)
