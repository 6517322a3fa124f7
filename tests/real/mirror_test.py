#!/usr/bin/env python3
"""sluice against a real S3 server, Ceph's RADOS Gateway: SLUICE_BINARY=… mirror_test.py [-v] [TEST…]

Skipped (exit status 77) where Ceph or boto3 is not installed: `tools/packages install real`.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
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

import rados_gateway
import running
import samples
from running import Ran, tree
from samples import MIB, Content

MIXED_COUNT = 10_000
RUN_SECONDS_MAX = 120

cluster = None
gateway = None
access_key = secret_key = None
s3 = None


def setUpModule():
    global cluster, gateway, access_key, secret_key, s3
    cluster = rados_gateway.Cluster()
    unittest.addModuleCleanup(cluster.stop)
    cluster.start()
    gateway = cluster.start_gateway()
    access_key, secret_key = cluster.add_user("lab")
    s3 = client(gateway.url)


def client(url):
    return running.client(url, access_key, secret_key)


def expected_tree(bucket, objects, prefix=""):
    return running.expected_tree(s3, bucket, objects, prefix)


class Mirror(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="sluice-real-")
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.folder = os.path.join(self.work, "mirror")

    def bucket(self, name, objects=None):
        s3.create_bucket(Bucket=name)
        if objects:
            samples.upload(s3, name, objects)

    def command(self, source, *flags, verb="sync", url=None):
        words = [os.environ["SLUICE_BINARY"], verb, f"s3://{source}"]
        if verb == "sync":
            words.append(self.folder)
        return words + ["--endpoint-url", url or gateway.url, *flags]

    def start(self, source, *flags, keys=None, **where):
        environment = {"PATH": os.environ["PATH"], "HOME": self.work,
                       "AWS_EC2_METADATA_DISABLED": "true"}
        keys = keys if keys is not None else (access_key, secret_key)
        if keys:
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"] = keys
        return subprocess.Popen(self.command(source, *flags, **where), env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run_sluice(self, source, *flags, **more):
        process = self.start(source, *flags, **more)
        try:
            out, err = process.communicate(timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Ran(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def sync(self, source, *flags, status=0, **more):
        ran = self.run_sluice(source, *flags, **more)
        self.assertEqual(ran.status, status, str(ran))
        return ran

    def assert_tree(self, expected):
        found = tree(self.folder)
        self.assertEqual(sorted(found), sorted(expected))
        different = [path for path, value in expected.items() if found[path] != value]
        self.assertEqual(different[:10], [],
                         [(path, found[path], expected[path]) for path in different[:10]])

    def assert_nothing_to_do(self, source, keys, *flags, **more):
        """A second pass lists and does nothing else; the server's own log is the witness."""
        before = len(gateway.requests())
        ran = self.sync(source, *flags, **more)
        for kind in ("GET", "HEAD", "probe GET", "fetched"):
            self.assertEqual(ran.count(kind), 0, str(ran))
        self.assertEqual(ran.count("unchanged"), keys, str(ran))
        asked = gateway.requests()[before:]
        self.assertEqual(len(asked), ran.count("LIST"), asked)
        self.assertTrue(all(method == "GET" and "list-type=2" in target
                            for method, target, _ in asked), asked)
        return ran


class WholeBucket(Mirror):
    @classmethod
    def setUpClass(cls):
        cls.objects = samples.mixed_objects(MIXED_COUNT)
        s3.create_bucket(Bucket="mixed")
        cls.parts = {"large/in 3 parts": Content("p3", 12 * MIB),
                     "large/in 2 parts, 1 byte in the last": Content("p2", 5 * MIB + 1),
                     "large/in 1 part": Content("p1", 3 * MIB)}
        samples.upload(s3, "mixed", cls.objects)
        for key, content in cls.parts.items():
            samples.upload_in_parts(s3, "mixed", key, content)
        cls.objects.update(cls.parts)
        cls.expected = expected_tree("mixed", cls.objects)

    def test_is_mirrored_byte_by_byte_with_its_times(self):
        first = self.sync("mixed")
        self.assert_tree(self.expected)
        self.assertEqual(first.count("fetched"), len(self.objects), str(first))
        # What has an MD5 for its ETag is proved by it; of uploads in parts this server does not tell
        # how they were cut, but they can be found out.
        self.assertEqual(first.count("by the checksum of their parts"), len(self.parts), str(first))
        self.assertEqual(first.count("by length only"), 0, str(first))
        second = self.assert_nothing_to_do("mixed", len(self.objects))
        # In several ranges at once a few pages are asked for in vain.
        self.assertLessEqual(second.count("LIST"), len(self.objects) * 1.15 / 1000 + 50, str(second))

    def test_small_parts_make_the_same_files(self):
        self.sync("mixed/large", "--part-size", "256KiB")
        self.assert_tree({path[len(b"large/"):]: value for path, value in self.expected.items()
                          if path.startswith(b"large/")})

    def test_converges_after_kills(self):
        draw = random.Random(os.environ.get("SLUICE_SEED", "kill"))
        left_alone = 0
        # Files get their names about once a second.
        for seconds in (0.05, 0.2, 0.5, 1, 1.5, 2, 3, 4):
            process = self.start("mixed")
            time.sleep(seconds * draw.uniform(0.8, 1.2))
            left_alone += process.poll() is not None
            process.kill()
            process.communicate()
            # Whatever has its name is whole.
            for path, value in tree(self.folder).items() if os.path.isdir(self.folder) else ():
                if value is not None:
                    self.assertEqual(value, self.expected[path], path)
        self.assertLess(left_alone, 8, "no run was killed in the middle")
        ran = self.sync("mixed")
        self.assertLess(ran.count("fetched"), len(self.objects), "nothing was kept of the killed runs")
        self.assert_tree(self.expected)
        staging = os.path.join(self.folder, ".sluice", "staging")
        self.assertEqual([names for _, _, names in os.walk(staging) if names], [])
        self.assert_nothing_to_do("mixed", len(self.objects))

    def test_every_object_is_listed(self):
        ran = self.sync("mixed", verb="ls")
        listed = {line.split(None, 3)[-1] for line in ran.out.splitlines()}
        self.assertEqual(len(listed), len(self.objects))


class OddKeys(Mirror):
    @classmethod
    def setUpClass(cls):
        cls.objects = samples.odd_objects()
        s3.create_bucket(Bucket="odd")
        samples.upload(s3, "odd", cls.objects)
        cls.expected = expected_tree("odd", cls.objects)

    def test_are_stored_under_their_own_bytes(self):
        ran = self.sync("odd", "-v")
        self.assert_tree(self.expected)
        # Not as the terminal would take them.
        printed = (ran.out + ran.err).replace("\n", "")
        self.assertNotRegex(printed, "[\x00-\x1f\x7f]")
        self.assert_nothing_to_do("odd", len(self.objects))

    def test_end_pages_anywhere(self):
        # This server's continuation token is the page's last key, so each odd key gets its turn.
        paged = cluster.start_gateway(page_keys=1)
        ran = self.sync("odd", url=paged.url)
        self.assertGreaterEqual(ran.count("LIST"), len(self.objects))
        self.assert_tree(self.expected)

    def test_as_a_prefix(self):
        names = ("two words", "100%", "a+b", "a&b", "<tag>", "\x01", "ünïcödé", "\"double\"", "q?x=1")
        for name in names:
            with self.subTest(name):
                shutil.rmtree(self.folder, ignore_errors=True)
                prefix = f"odd/{name}/"
                self.sync(f"odd/odd/{name}")
                self.assert_tree({path[len(os.fsencode(prefix)):]: value
                                  for path, value in self.expected.items()
                                  if path.startswith(os.fsencode(prefix))})

    def test_without_a_safe_path_are_refused_and_reported(self):
        self.bucket("unsafe", samples.numbered((key, 10) for key in samples.UNSAFE_KEYS))
        samples.upload(s3, "unsafe", {"safe": Content("safe", 10)})
        ran = self.sync("unsafe", status=1)
        self.assertEqual(ran.count("refused"), len(samples.UNSAFE_KEYS), str(ran))
        self.assertEqual(list(tree(self.folder)), [b"safe"])
        self.assertEqual(os.listdir(self.work), ["mirror"])
        for key in samples.UNSAFE_KEYS:
            self.assertIn(key[:200], ran.err)
        again = self.sync("unsafe", status=1)
        self.assertEqual(again.count("GET"), 0, str(again))

    def test_folder_markers_make_folders(self):
        self.bucket("markers", samples.numbered([("empty/", 0), ("full/", 0), ("full/file", 3)]))
        self.sync("markers")
        found = tree(self.folder)
        self.assertEqual(sorted(found), [b"empty/", b"full/file"])
        self.assert_nothing_to_do("markers", 3)

    def test_of_a_file_and_a_folder_are_no_path_for_both(self):
        objects = samples.numbered([("a", 4), ("a/b", 5), ("a.txt", 6), ("b", 7)])
        self.bucket("shadowed", objects)
        first = self.sync("shadowed", status=1)
        self.assertEqual(sorted(tree(self.folder)), [b"a.txt", b"a/b", b"b"])
        self.assertRegex(first.err, """refused: .*['"]a['"]""")
        again = self.sync("shadowed", status=1)
        self.assertEqual(again.count("fetched"), 0, str(again))


class Sources(Mirror):
    def test_prefix_is_a_folder(self):
        objects = samples.numbered([("2024/a", 5), ("2024/sub/b", 6), ("2024", 7), ("2024b/c", 8),
                                    ("2023/d", 9)])
        self.bucket("years", objects)
        self.sync("years/2024")
        self.assert_tree(expected_tree("years", objects, "2024/"))
        self.assert_nothing_to_do("years/2024", 2)
        # Only the folder was listed.
        self.assertTrue(all("prefix=2024%2F" in target for _, target, _ in gateway.requests()[-1:]))

    def test_versioned_bucket_shows_what_is_current(self):
        self.bucket("versioned")
        s3.put_bucket_versioning(Bucket="versioned",
                                 VersioningConfiguration={"Status": "Enabled"})
        current = Content("new", 700)
        for content in (Content("old", 900), current):
            samples.upload(s3, "versioned", {"twice": content, "twice, then deleted": content})
        s3.delete_object(Bucket="versioned", Key="twice, then deleted")
        back = Content("back", 30)
        for content in (back, Content("taken back", 40)):
            samples.upload(s3, "versioned", {"taken back": content})
        newest = s3.list_object_versions(Bucket="versioned", Prefix="taken back")["Versions"][0]
        s3.delete_object(Bucket="versioned", Key="taken back", VersionId=newest["VersionId"])
        objects = {"twice": current, "taken back": back}
        self.sync("versioned")
        self.assert_tree(expected_tree("versioned", objects))

        # A delete marker is an absence, a newer version a change.
        s3.delete_object(Bucket="versioned", Key="taken back")
        newer = Content("newer", 700)  # of the same size
        samples.upload(s3, "versioned", {"twice": newer})
        self.sync("versioned", "--delete")
        self.assert_tree(expected_tree("versioned", {"twice": newer}))

    def test_empty_bucket(self):
        self.bucket("empty")
        self.sync("empty")
        self.assertEqual(tree(self.folder), {})

    def test_bucket_that_is_not_there(self):
        ran = self.sync("nowhere", status=3)
        self.assertIn("nowhere", ran.err)
        self.assertIn("bucket", ran.err)
        self.assertFalse(tree(self.folder))

    def test_wrong_secret(self):
        ran = self.sync("nowhere", keys=(access_key, secret_key + "x"), status=4)
        self.assertRegex(ran.err, "(?i)secret|signature")
        self.assertNotIn(secret_key, ran.err)
        self.assertEqual(len(ran.err.strip().splitlines()), 1, ran.err)

    def test_unknown_access_key(self):
        ran = self.sync("nowhere", keys=("NOSUCHKEY", secret_key), status=4)
        self.assertRegex(ran.err, "(?i)access key")

    def test_bucket_of_somebody_else(self):
        self.bucket("private", {"a": Content("a", 3)})
        ran = self.sync("private", keys=cluster.add_user("stranger"), status=4)
        self.assertIn("s3:ListBucket", ran.err)
        # The same for those who do not sign.
        self.sync("private", "--no-sign-request", keys=(), status=4)

    def test_public_bucket(self):
        objects = {"a": Content("a", 3), "odd key+%": Content("b", 5)}
        s3.create_bucket(Bucket="public", ACL="public-read")
        for key, content in objects.items():
            s3.put_object(Bucket="public", Key=key, Body=content.bytes(), ACL="public-read")
        self.sync("public", "--no-sign-request", keys=())
        self.assert_tree(expected_tree("public", objects))

    def test_https(self):
        objects = samples.numbered([("a", 3), ("8MiB and more", 9 * MIB), ("nothing", 0)])
        self.bucket("secure", objects)
        pem = os.path.join(self.work, "server.pem")
        certificate = os.path.join(self.work, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=rgw",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", pem,
                        "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        with open(pem, "a", encoding="ascii") as both, open(certificate, encoding="ascii") as text:
            both.write(text.read())
        secure = cluster.start_gateway(certificate=pem)
        self.sync("secure", url=secure.url, status=5)
        self.assertFalse(tree(self.folder))
        self.sync("secure", "--ca-bundle", certificate, url=secure.url)
        self.assert_tree(expected_tree("secure", objects))


class Changes(Mirror):
    def test_deletion_follows_the_bucket(self):
        objects = samples.numbered([(f"folder {n % 4}/{n}", 10 + n) for n in range(40)] +
                                   [("gone/only one", 9), ("gone, but changed here", 9)])
        self.bucket("shrinking", objects)
        self.sync("shrinking")
        for name, text in (("gone, but changed here", "mine now"), ("never in the bucket", "mine")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(text)
        gone = [f"folder 1/{n}" for n in range(1, 40, 4)] + ["gone/only one",
                                                           "gone, but changed here"]
        for key in gone:
            s3.delete_object(Bucket="shrinking", Key=key)
            objects.pop(key)
        kept = self.sync("shrinking")
        self.assertIn("here but gone from the bucket", kept.out)
        self.assertEqual(len(tree(self.folder)), 43)

        ran = self.run_sluice("shrinking", "--delete")
        self.assertEqual(ran.count("deleted"), len(gone) - 1, str(ran))
        found = tree(self.folder)
        for name in (b"gone, but changed here", b"never in the bucket"):
            self.assertTrue(found.pop(name)[0] in (4, 8))
        self.assertEqual(found, expected_tree("shrinking", objects))

    def test_deletion_of_most_is_refused(self):
        objects = samples.numbered((f"{n:03}", 1) for n in range(210))
        self.bucket("vanishing", objects)
        self.sync("vanishing")
        for key in list(objects)[:110]:
            s3.delete_object(Bucket="vanishing", Key=key)
        samples.upload(s3, "vanishing", {"new": Content("new", 2)})
        ran = self.sync("vanishing", "--delete", status=7)
        self.assertIn("--max-delete", ran.err)
        self.assertEqual(len(tree(self.folder)), 211)
        self.sync("vanishing", "--delete", "--max-delete", "110")
        self.assertEqual(len(tree(self.folder)), 101)

    def test_same_size_change_is_seen(self):
        self.bucket("edited", {"a": Content(1, 1000), "b": Content(2, 1000)})
        self.sync("edited")
        samples.upload(s3, "edited", {"a": Content(3, 1000)})
        ran = self.sync("edited")
        self.assertEqual(ran.count("fetched"), 1, str(ran))
        self.assert_tree(expected_tree("edited", {"a": Content(3, 1000), "b": Content(2, 1000)}))


class Overwritten(Mirror):
    """An object that changes while it is fetched: each file is one version, or the run says so."""

    KEY = "busy"
    STAMP_BYTES = 64 * 1024
    STAMPS = 96
    SECONDS = 15

    @classmethod
    def version(cls, number):
        """Every stretch of 64 KiB tells its version and its place."""
        return b"".join(f"version {number:06} stretch {i:04} ".encode().ljust(cls.STAMP_BYTES, b".")
                        for i in range(cls.STAMPS))

    def test_is_never_mixed(self):
        self.bucket("overwritten")
        put = lambda number: s3.put_object(Bucket="overwritten", Key=self.KEY,
                                           Body=self.version(number))
        put(0)
        before = len(gateway.requests())
        stopped = threading.Event()
        last = [0]

        def overwrite():
            while not stopped.is_set():
                put(last[0] + 1)
                last[0] += 1

        writer = threading.Thread(target=overwrite)
        writer.start()
        path = os.path.join(self.folder, self.KEY)
        seen = set()
        try:
            deadline = time.monotonic() + self.SECONDS
            while time.monotonic() < deadline:
                # Without the MD5 in its ETag, so that nothing but the requests keeps versions apart.
                ran = self.run_sluice("overwritten", "--part-size", "64KiB", "-j", "4",
                                      "--verify", "length")
                self.assertIn(ran.status, (0, 1), str(ran))
                if not os.path.exists(path):
                    self.assertNotEqual(ran.status, 0, str(ran))
                    continue
                with open(path, "rb") as file:
                    data = file.read()
                number = int(data[8:14])
                self.assertTrue(data == self.version(number), f"mixed, began as version {number}")
                seen.add(number)
        finally:
            stopped.set()
            writer.join()
        met = sum(status == 412 for _, _, status in gateway.requests()[before:])
        self.assertGreater(met, 0, "no version was overwritten in the middle of a download")
        self.sync("overwritten")
        with open(path, "rb") as file:
            self.assertTrue(file.read() == self.version(last[0]))
        print(f"{last[0]} overwrites, {met} answers 412, {len(seen)} versions mirrored")


def main():
    missing = rados_gateway.missing_programs()
    if missing:
        print(f"skipped: no {', '.join(missing)} (tools/packages install real)")
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
