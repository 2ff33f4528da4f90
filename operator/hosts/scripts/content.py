"""Tells whether a device reads as anything but zeroes: prints "data" if so, and nothing otherwise. usage: content.py DEVICE

Data need not have a signature: databases on raw devices, plain dm-crypt. The first and the last 16 MiB are read whole, and of what lies between
512 blocks of 4 KiB, evenly spread: a few seconds on a slow disk. It is a question of consent only; what is not looked at may be anything.
"""
import os
import sys

EDGE = 16 << 20
BLOCK = 4096
SAMPLES = 512
CHUNK = 1 << 20


def is_blank(device, start, length):
    while length > 0:
        block = os.pread(device, min(length, CHUNK), start)
        if not block:
            return True
        if block.count(0) != len(block):
            return False
        start += len(block)
        length -= len(block)
    return True


def places(size):
    yield 0, EDGE
    between = size - 2 * EDGE
    if between > 0:
        for number in range(SAMPLES):
            yield EDGE + between * number // SAMPLES // BLOCK * BLOCK, BLOCK
    yield max(size - EDGE, 0), EDGE


device = os.open(sys.argv[1], os.O_RDONLY)
size = os.lseek(device, 0, os.SEEK_END)
if not all(is_blank(device, start, length) for start, length in places(size)):
    print("data")
