#!/usr/bin/env python3
"""sluice against small S3 servers: SLUICE_BINARY=… servers_test.py swift|s3rver [-v] [TEST…]

What each of them cannot do is in docs/servers.md, and in `LACKS` below. Skipped (exit status 77) where
the server or boto3 is not installed: `tools/packages install real`.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
SYSTEM_PYTHON = "/usr/bin/python3"
try:
    import boto3  # pylint: disable=unused-import
except ImportError:
    # Debian's python3-boto3 belongs to Debian's Python, which need not be the first in PATH.
    if os.path.exists(SYSTEM_PYTHON) and os.path.realpath(sys.executable) != os.path.realpath(
            SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    print("skipped: no boto3 (Debian package python3-boto3)")
    sys.exit(SKIPPED)

import running
import s3rver
import samples
import swift_s3
from samples import MIB, Content

SERVERS = {"swift": swift_s3, "s3rver": s3rver}
# Of what these tests ask for. A server that has learned it fails its test: then the line goes.
LACKS = {"swift": set(), "s3rver": {"signatures", "If-Match", "control characters", "long names",
                                     "MD5 of parts", "second page"}}
RUN_SECONDS_MAX = 120

# What s3rver puts behind a name of its own files.
SUFFIX_BYTES = len("._S3rver_metadata.json")

kind = None
server = None
s3 = None


def setUpModule():
    global server, s3
    server = SERVERS[kind].Server()
    unittest.addModuleCleanup(server.stop)
    server.start()
    s3 = running.client(server.url, server.access_key, server.secret_key)


def unlisted(key):
    """Whether its name does not survive in a list page: it is not encoded, so XML must hold it."""
    return "control characters" in LACKS[kind] and any(
        ord(character) < 32 and character not in "\t\n" for character in key)


def unstorable(key):
    """Whether the server dies of it."""
    return "long names" in LACKS[kind] and any(
        len(os.fsencode(name)) + SUFFIX_BYTES > 255 for name in key.split("/"))


class Mirror(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="sluice-real-")
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.folder = os.path.join(self.work, "mirror")

    def sync(self, bucket, *flags, status=0, secret_key=None):
        environment = {"PATH": os.environ["PATH"], "HOME": self.work,
                       "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": server.access_key,
                       "AWS_SECRET_ACCESS_KEY": secret_key or server.secret_key}
        done = subprocess.run(
            [os.environ["SLUICE_BINARY"], "sync", f"s3://{bucket}", self.folder, "--endpoint-url",
             server.url, *flags], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=RUN_SECONDS_MAX, check=False)
        ran = running.Ran(done.returncode, done.stdout.decode(errors="replace"),
                          done.stderr.decode(errors="replace"))
        self.assertEqual(ran.status, status, str(ran))
        return ran

    def assert_mirrored(self, bucket, objects):
        """Byte by byte with its times; a second pass lists and does nothing else."""
        expected = running.expected_tree(s3, bucket, objects)
        first = self.sync(bucket)
        found = running.tree(self.folder)
        self.assertEqual(sorted(found), sorted(expected))
        different = [path for path, value in expected.items() if found[path] != value]
        self.assertEqual([(path, found[path], expected[path]) for path in different[:10]], [])
        second = self.sync(bucket)
        for words in ("GET", "HEAD", "probe GET", "fetched"):
            self.assertEqual(second.count(words), 0, str(second))
        self.assertEqual(second.count("unchanged"), len(objects), str(second))
        return first, second

    def test_mixed_objects(self):
        pages = 1 if "second page" in LACKS[kind] else 2
        objects = samples.mixed_objects(600 if pages == 1 else 1100)
        s3.create_bucket(Bucket="mixed")
        samples.upload(s3, "mixed", objects)
        first, second = self.assert_mirrored("mixed", objects)
        self.assertEqual(first.count("by length only"), 0, str(first))
        # Whose order of keys is not known is listed page by page.
        self.assertEqual(second.count("LIST"), pages, str(second))

    def test_a_second_page_that_does_not_come(self):
        if "second page" not in LACKS[kind]:
            self.skipTest("it comes")
        s3.create_bucket(Bucket="long")
        samples.upload(s3, "long", {"b": Content("b", 1)})
        self.sync("long")
        samples.upload(s3, "long", samples.numbered((f"a{n}", 1) for n in range(1000)))
        s3.delete_object(Bucket="long", Key="b")
        samples.upload(s3, "long", {"c": Content("c", 1)})
        ran = self.sync("long", "--delete", "--max-attempts", "2", status=5)
        self.assertIn("InternalError", ran.err)
        self.assertIn(b"b", running.tree(self.folder))

    def test_uploads_in_parts(self):
        objects = {"in 3 parts": Content("p3", 12 * MIB), "in 1 part": Content("p1", 3 * MIB)}
        s3.create_bucket(Bucket="parts")
        for key, content in objects.items():
            samples.upload_in_parts(s3, "parts", key, content)
        first, _ = self.assert_mirrored("parts", objects)
        self.assertEqual(first.count("by length only"), 0, str(first))
        how = "by MD5" if "MD5 of parts" in LACKS[kind] else "by the checksum of their parts"
        self.assertEqual(first.count(how), 2, str(first))

    def test_odd_keys(self):
        objects = {key: content for key, content in samples.odd_objects().items()
                   if not unlisted(key) and not unstorable(key)}
        s3.create_bucket(Bucket="odd")
        samples.upload(s3, "odd", objects)
        self.assert_mirrored("odd", objects)

    def test_control_characters_that_no_xml_may_hold(self):
        s3.create_bucket(Bucket="control")
        objects = {"\x01": Content("one", 3), "esc \x1b[31m": Content("two", 4)}
        samples.upload(s3, "control", objects)
        self.sync("control")
        self.assertEqual({path: value[:2] for path, value in running.tree(self.folder).items()},
                         {key.encode(): samples.digest(content.bytes())
                          for key, content in objects.items()})

    def test_changes_and_deletions(self):
        objects = samples.numbered((f"folder {n % 4}/{n}", 10 + n) for n in range(20))
        s3.create_bucket(Bucket="changing")
        samples.upload(s3, "changing", objects)
        self.assert_mirrored("changing", objects)
        s3.delete_object(Bucket="changing", Key="folder 1/1")
        objects.pop("folder 1/1")
        objects["folder 2/2"] = Content("of the same size", 12)
        samples.upload(s3, "changing", {"folder 2/2": objects["folder 2/2"]})
        ran = self.sync("changing", "--delete")
        self.assertEqual((ran.count("fetched"), ran.count("deleted")), (1, 1), str(ran))
        self.assertEqual(running.tree(self.folder), running.expected_tree(s3, "changing", objects))

    def test_bucket_that_is_not_there(self):
        ran = self.sync("nowhere", status=3)
        self.assertIn("nowhere", ran.err)

    def test_wrong_secret(self):
        s3.create_bucket(Bucket="guarded")
        if "signatures" in LACKS[kind]:
            self.sync("guarded", secret_key="wrong")
            return
        ran = self.sync("guarded", secret_key="wrong", status=4)
        self.assertRegex(ran.err, "(?i)secret|signature")

    def test_if_match(self):
        """What keeps a download in parts to one version."""
        s3.create_bucket(Bucket="versions")
        samples.upload(s3, "versions", {"a": Content("a", 100)})
        try:
            s3.get_object(Bucket="versions", Key="a", IfMatch='"00000000000000000000000000000000"')
            met = "ignored"
        except s3.exceptions.ClientError as error:
            met = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.assertEqual(met, "ignored" if "If-Match" in LACKS[kind] else 412)


def main():
    global kind
    if len(sys.argv) < 2 or sys.argv[1] not in SERVERS:
        sys.exit(f"which server? {' or '.join(SERVERS)}")
    kind = sys.argv.pop(1)
    missing = SERVERS[kind].missing()
    if missing:
        print(f"skipped: {missing}")
        sys.exit(SKIPPED)
    if "SLUICE_BINARY" not in os.environ:
        sys.exit("SLUICE_BINARY names no program")
    # Clients of ours must not be sent elsewhere.
    for name in [name for name in os.environ if name.startswith(("AWS_", "SLUICE_"))
                 and name not in ("SLUICE_BINARY", "SLUICE_SEED")]:
        del os.environ[name]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main()


if __name__ == "__main__":
    main()
