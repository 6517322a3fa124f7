"""What a run of sluice left and said, and what a bucket holds."""

import os
import re

import boto3
import botocore.config

import samples


def client(url, access_key, secret_key):
    # Newer clients send checksums that this server does not know.
    os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "when_required"
    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        region_name="us-east-1", config=botocore.config.Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, proxies={},
            max_pool_connections=samples.UPLOADS_AT_ONCE))


def expected_tree(s3, bucket, objects, prefix=""):
    """What a mirror of the bucket holds: path -> (size, SHA-256, mtime in ms)."""
    modified = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            modified[entry["Key"]] = round(entry["LastModified"].timestamp() * 1000)
    if set(modified) != {key for key in objects if key.startswith(prefix)}:
        raise AssertionError(f"{bucket} does not hold what was put into it")
    return {os.fsencode(key[len(prefix):]): (*samples.digest(objects[key].bytes()), time_ms)
            for key, time_ms in modified.items()}


def tree(folder):
    """The files below, as `expected_tree` has them; an empty folder as its path with a slash."""
    found = {}
    root = os.fsencode(folder)
    for path, folders, names in os.walk(root):
        if path == root and b".sluice" in folders:
            folders.remove(b".sluice")
        for name in names:
            whole = os.path.join(path, name)
            with open(whole, "rb") as file:
                data = file.read()
            found[os.path.relpath(whole, root)] = (
                *samples.digest(data), os.stat(whole).st_mtime_ns // 1_000_000)
        if not folders and not names and path != root:
            found[os.path.relpath(path, root) + b"/"] = None
    return found


class Ran:
    """One finished run of the program."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def count(self, words):
        """The number before `words` in the summary, 0 without it."""
        match = re.search(rf"([\d,]+) {words}", self.out)
        return int(match.group(1).replace(",", "")) if match else 0

    def __str__(self):
        return f"status {self.status}\nout: {self.out[-3000:]}\nerr: {self.err[-3000:]}"
