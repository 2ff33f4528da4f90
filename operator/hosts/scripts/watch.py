"""Tells that something has happened on this host. usage: watch.py < WORDS

Prints one byte at a time: "!" when one of the programs below has printed anything, "." every two seconds otherwise. What they print tells nothing more: a
probe finds out, or a glance. That is a script of sh(1), which comes on standard input behind a "?" and eight digits, its length: lines NAME=VALUE for its
environment, an empty line, and the script itself. It is run with the path of a private directory; what it prints is handed on behind a "=" and eight
digits. It has ten seconds. Anything else on standard input tells that somebody listens. Ends when nothing has come for ten seconds, and takes its programs with it.
"""
import ctypes
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAMS = (
    # DRBD's connections, disks, roles (drbdsetup(8)).
    # drbdsetup would load the module.
    ["sh", "-c", "[ -d /sys/module/drbd ] && exec drbdsetup events2"],
    # What pacemaker has done, fencing among it; corosync's members and links.
    ["journalctl", "--follow", "--lines=0", "--output=cat", "--unit=pacemaker", "--unit=corosync"],
    # Addresses (ip-monitor(8)).
    ["ip", "monitor", "address"],
    # Mounts (findmnt(8)).
    ["findmnt", "--poll", "--noheadings", "--output", "TARGET"],
)
# Lines that a cluster at rest prints (seen on Debian 12): what a fence agent has to say at each of its monitors, and the load (pacemaker-controld, throttle.c).
NOISE = re.compile(rb"\bstderr: \[|High CPU load detected")
# Seconds.
BEAT = 2
DEAF = 10
GLANCE = 10
GATHER = 0.1
# How soon a program that has ended is started again: later each time.
FIRST_PAUSE = 1
LONGEST_PAUSE = 60
# prctl(2).
PR_SET_PDEATHSIG = 1


class Program:
    """A program that is started again when it ends. One that is not installed (yet) is tried again, too."""

    def __init__(self, words, selector):
        self.words = words
        self.selector = selector
        self.process = None
        self.pause = FIRST_PAUSE
        self.start_at = time.monotonic()
        self.started_at = 0.0

    def start_if_due(self, now):
        if self.process is not None or now < self.start_at:
            return
        self.started_at = now
        try:
            self.process = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=end_with_parent
            )
        except OSError:
            self.wait_longer(now)
            return
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector.register(self.process.stdout, selectors.EVENT_READ, self)

    def wait_longer(self, now):
        if now - self.started_at > LONGEST_PAUSE:
            self.pause = FIRST_PAUSE
        self.start_at = now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def drain(self, now):
        """Whether it has printed anything but noise."""
        stdout, has_told = self.process.stdout, False
        while True:
            try:
                some = os.read(stdout.fileno(), 1 << 20)
            except BlockingIOError:
                return has_told
            if not some:
                self.selector.unregister(stdout)
                stdout.close()
                self.process.wait()
                self.process = None
                self.wait_longer(now)
                return has_told
            has_told = has_told or any(line and not NOISE.search(line) for line in some.split(b"\n"))
            # One that never stops printing must not keep the others from being heard.
            if len(some) == 1 << 20:
                return has_told


class Glance:
    """A look at what changes by itself, one at a time: another one ends it."""

    def __init__(self, selector):
        self.selector = selector
        self.process = None
        self.folder = None
        self.answer = b""
        self.end_at = 0.0

    def begin(self, script):
        self.end()
        words, _, script = script.decode().partition("\n\n")
        try:
            self.folder = tempfile.mkdtemp(prefix="hapair.", dir="/run")
            self.process = subprocess.Popen(
                ["sh", "-c", script, "glance", self.folder],
                env={**os.environ, **dict(line.split("=", 1) for line in words.splitlines())},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                preexec_fn=end_with_parent,
                start_new_session=True,
            )
        except OSError:
            # No room for it. The operator asks for all of it then.
            shutil.rmtree(self.folder or "", ignore_errors=True)
            return
        self.answer = b""
        self.end_at = time.monotonic() + GLANCE
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector.register(self.process.stdout, selectors.EVENT_READ, self)

    def drain(self, now):
        """Hands the answer on once it is complete, or there is no time left for the rest of it."""
        if self.process is None:
            return
        while now < self.end_at:
            try:
                some = os.read(self.process.stdout.fileno(), 1 << 20)
            except BlockingIOError:
                return
            if not some:
                break
            self.answer += some
        answer = self.answer
        self.end()
        say(b"=%08d" % len(answer) + answer)

    def end(self):
        if self.process is None:
            return
        self.selector.unregister(self.process.stdout)
        self.process.stdout.close()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)


class Words:
    """What comes on standard input."""

    def __init__(self):
        self.buffer = b""

    def take(self, some):
        """The last script among it, once all of that has come."""
        self.buffer += some
        script = None
        while self.buffer:
            if not self.buffer.startswith(b"?"):
                self.buffer = self.buffer[1:]
                continue
            end = 9 + int(self.buffer[1:9]) if len(self.buffer) >= 9 else None
            if end is None or len(self.buffer) < end:
                break
            script, self.buffer = self.buffer[9:end], self.buffer[end:]
        return script


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(some):
    while some:
        some = some[os.write(1, some):]


def watch():
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    programs = [Program(words, selector) for words in PROGRAMS]
    words, glance = Words(), Glance(selector)
    try:
        listen(selector, programs, words, glance)
    finally:
        glance.end()


def listen(selector, programs, words, glance):
    heard_at = said_at = time.monotonic()
    while True:
        now = time.monotonic()
        for program in programs:
            program.start_if_due(now)
        if now - heard_at > DEAF:
            return
        if now - said_at >= BEAT:
            say(b".")
            said_at = now
        ready = [key for key, _ in selector.select(max(0, said_at + BEAT - now))]
        if any(key.fd == 0 for key in ready):
            some = os.read(0, 1 << 20)
            if not some:
                return
            heard_at = time.monotonic()
            script = words.take(some)
            if script is not None:
                glance.begin(script)
        if any(isinstance(key.data, Program) for key in ready):
            # One thing that happens is told by several of them.
            time.sleep(GATHER)
            now = time.monotonic()
            told = [program.drain(now) for program in programs if program.process]
            if any(told):
                say(b"!")
                said_at = now
        glance.drain(time.monotonic())


try:
    watch()
except BrokenPipeError:
    pass
