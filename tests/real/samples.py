"""Objects of every size and name that matters, and their way into a bucket."""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

MIB = 1 << 20
PART_BYTES = 8 * MIB  # sluice's default
UPLOADS_AT_ONCE = 16

# Each is a segment of a key somewhere, and a whole key elsewhere.
ODD_NAMES = (
    "two words", " leading", "trailing ", "ünïcödé", "unico\u0308de\u0308", "日本語", "🪣 bucket",
    "100%", "%41", "%2F", "%zz", "a+b", "a&b", "&amp;", "&#x41;", "<tag>", "]]>", "\"double\"",
    "'single'", "`tick`", "back\\slash", "\x01", "tab\there", "line\nbreak", "return\r", "\x1b[31m",
    "\x7f", "q?x=1", "h#ash", "semi;colon", "e=qual", "a*b", "~tilde", "co:lon", "a@b", "$dollar",
    "{brace}", "[bracket]", "pi|pe", "^", "...", ".hidden", "-rf", "\ufffd", "\U0010fffd", "n" * 255,
)
# Refused: they have no path of their own.
UNSAFE_KEYS = ("../outside", "a/../../outside", "./dot", "a/./b", "/lead", "a//b", ".sluice/record.db",
               "long/" + "n" * 256)


class Content:
    """Bytes that are a function of a seed and a size, made when they are needed."""

    def __init__(self, seed, size):
        self.seed = seed
        self.size = size

    def bytes(self):
        return random.Random(self.seed).randbytes(self.size)


def numbered(keys_and_sizes):
    return {key: Content(f"{number} {key}", size)
            for number, (key, size) in enumerate(keys_and_sizes)}


def odd_objects():
    objects = []
    for number, name in enumerate(ODD_NAMES):
        objects += [(name, number), (f"odd/{name}/{name}/file", 100 + number), (f"by {number}/{name}",
                                                                                1)]
    # The longest key: 1024 bytes.
    objects.append(("/".join(["k" * 127] * 8)[:1024].ljust(1024, "k"), 5))
    return numbered(objects)


def mixed_objects(count):
    """`count` objects, most of them small."""
    draw = random.Random(7)
    objects = [(f"large/{name}", size) for name, size in (
        ("8MiB-1", PART_BYTES - 1), ("8MiB", PART_BYTES), ("8MiB+1", PART_BYTES + 1),
        ("16MiB", 2 * PART_BYTES), ("20MiB", 20 * MIB), ("20MiB again", 20 * MIB))]
    for number in range(count - len(objects)):
        size = draw.choice((0, 1, 1, draw.randrange(2, 300), draw.randrange(300, 9000),
                            draw.randrange(300, 9000), draw.randrange(9000, 40000)))
        objects.append((f"{number % 13:02}/{number % 61}/object {number:05}.bin", size))
    return numbered(objects)


def upload(client, bucket, objects):
    """Each in one request."""
    def put(entry):
        key, content = entry
        client.put_object(Bucket=bucket, Key=key, Body=content.bytes())
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as uploads:
        list(uploads.map(put, objects.items()))


def upload_in_parts(client, bucket, key, content, part_bytes=5 * MIB):
    """Its ETag is no MD5, but the MD5 of the parts' MD5 with their number."""
    data = content.bytes()
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for offset in range(0, len(data), part_bytes):
        number = offset // part_bytes + 1
        answer = client.upload_part(Bucket=bucket, Key=key, PartNumber=number, UploadId=upload_id,
                                    Body=data[offset:offset + part_bytes])
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id,
                                     MultipartUpload={"Parts": parts})


def digest(data):
    return len(data), hashlib.sha256(data).hexdigest()
