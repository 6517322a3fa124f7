"""CRC64NVME of large pieces that differ in a few bytes, without a loop over each byte of them: the CRC
of `a` followed by `b` comes from those of `a` and of `b`.
"""

import functools

REFLECTED = 0x9A6C9329AC4BC9B5  # CRC-64/NVME: reflected in and out, all ones before and after
ONES = (1 << 64) - 1


def _by_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (REFLECTED if byte & 1 else 0)
    return byte


TABLE = [_by_byte(byte) for byte in range(256)]


@functools.lru_cache(maxsize=256)
def crc(data):
    state = ONES
    for byte in data:
        state = TABLE[(state ^ byte) & 0xFF] ^ state >> 8
    return state ^ ONES


def _apply(matrix, state):
    """The product over GF(2): the columns that the bits of `state` choose, summed."""
    total = 0
    while state:
        low = state & -state
        total ^= matrix[low.bit_length() - 1]
        state ^= low
    return total


@functools.lru_cache(maxsize=256)
def _zeros(count):
    """What so many bytes of zeros do to a state."""
    if count == 1:
        return [TABLE[(1 << bit) & 0xFF] ^ (1 << bit) >> 8 for bit in range(64)]
    half = _zeros(count // 2)
    twice = [_apply(half, column) for column in half]
    return [_apply(_zeros(1), column) for column in twice] if count % 2 else twice


def followed_by(first, second, second_bytes):
    """The CRC of `a` followed by `b`."""
    return _apply(_zeros(second_bytes), first) ^ second if second_bytes else first
