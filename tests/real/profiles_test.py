#!/usr/bin/env python3
"""Which access key do sluice and Debian's awscli resolve from the same files and environment?
SLUICE_BINARY=… profiles_test.py [-v]

Both list a bucket of a server that only notes who signed. Skipped (exit status 77) without awscli:
`tools/packages install real`.
"""

import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

SKIPPED = 77
AWS = "/usr/bin/aws"  # Debian's, whatever else is in PATH
RUN_SECONDS_MAX = 60
RUNS_AT_ONCE = 4
FAILS = None

EMPTY_LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{}</Name><Prefix></Prefix>
<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"""


def keys(name):
    """The two lines of static credentials; the access key is the name."""
    return f"aws_access_key_id = {name}\naws_secret_access_key = secret of {name}\n"


def environment_keys(name):
    return {"AWS_ACCESS_KEY_ID": name, "AWS_SECRET_ACCESS_KEY": f"secret of {name}"}


class Case:
    """`key` is what both resolve. Where sluice differs, `sluice` is its key and `why` says the reason;
    FAILS is a refusal before anything is asked."""

    def __init__(self, key, config="", credentials="", environment=(), sluice="", why=""):
        self.key, self.sluice, self.why = key, sluice if why else key, why
        self.config, self.credentials = config, credentials
        self.environment = dict(environment)


CASES = {
    "environment": Case("ENV", environment=environment_keys("ENV")),
    "environment over files": Case("ENV", credentials="[default]\n" + keys("FILE"),
                                   environment=environment_keys("ENV")),
    "credentials file": Case("FILE", credentials="[default]\n" + keys("FILE")),
    "config file": Case("CONFIG", config="[default]\n" + keys("CONFIG")),
    "credentials over config": Case("FILE", config="[default]\n" + keys("CONFIG"),
                                    credentials="[default]\n" + keys("FILE")),
    "AWS_PROFILE": Case("DEV", credentials="[default]\n" + keys("FILE") + "[dev]\n" + keys("DEV"),
                        environment={"AWS_PROFILE": "dev"}),
    "AWS_PROFILE, profile of config": Case("DEV", config="[profile dev]\n" + keys("DEV"),
                                           environment={"AWS_PROFILE": "dev"}),
    "environment over AWS_PROFILE": Case(
        "ENV", credentials="[dev]\n" + keys("DEV"),
        environment={"AWS_PROFILE": "dev", **environment_keys("ENV")}),
    "quoted name": Case("QUOTED", config="[profile \"dev\"]\n" + keys("QUOTED"),
                        environment={"AWS_PROFILE": "dev"}),
    "name with a space": Case(
        "QUOTED", config="[profile \"two words\"]\n" + keys("QUOTED"),
        environment={"AWS_PROFILE": "two words"},
        sluice=FAILS, why="the SDKs' shared cases allow no space in a name"),
    "AWS_DEFAULT_PROFILE": Case("DEV", credentials="[default]\n" + keys("FILE") + "[dev]\n" +
                                keys("DEV"), environment={"AWS_DEFAULT_PROFILE": "dev"}),
    "both names of the profile": Case(
        "ONE", credentials="[one]\n" + keys("ONE") + "[two]\n" + keys("TWO"),
        environment={"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "two"}),
    "half of the environment": Case(FAILS, credentials="[default]\n" + keys("FILE"),
                                    environment={"AWS_ACCESS_KEY_ID": "ENV"}),
    "half of a file": Case(FAILS, credentials="[default]\naws_access_key_id = FILE\n"),
    "empty environment": Case("FILE", credentials="[default]\n" + keys("FILE"),
                              environment={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}),
    "carriage returns": Case("FILE", credentials=("[default]\n" + keys("FILE")).replace(
        "\n", "\r\n")),
    "comment behind a section": Case("FILE", credentials="[default] # ours\n" + keys("FILE")),
    "same section twice": Case(
        FAILS, credentials="[default]\nregion = us-east-1\n[default]\n" + keys("FILE"),
        sluice="FILE", why="the SDKs' shared cases merge them"),
    "a line that means nothing": Case(
        FAILS, credentials="[default]\n" + keys("FILE") + "nothing\n"),
    "prefixed default": Case("PREFIXED", config="[profile default]\n" + keys("PREFIXED")),
    "missing profile": Case(FAILS, credentials="[default]\n" + keys("FILE"),
                            environment={"AWS_PROFILE": "nowhere"}),
    "no prefix in config": Case(
        FAILS, config="[dev]\n" + keys("DEV"), environment={"AWS_PROFILE": "dev"}),
    "nothing at all": Case(FAILS),
    "comments": Case("FILE", credentials="# one\n; two\n[default]\n# three\n" + keys("FILE")),
    "no space, much space": Case(
        "FILE", credentials="[default]\naws_access_key_id=FILE\naws_secret_access_key   =   s  \n"),
    "capital letters": Case(
        "FILE", credentials="[default]\nAWS_Access_Key_ID = FILE\nAWS_SECRET_ACCESS_KEY = s\n"),
    "nested settings before the keys": Case(
        "CONFIG", config="[default]\ns3 =\n  addressing_style = path\n" + keys("CONFIG")),
    "services section": Case(
        "CONFIG", config="[services mine]\ns3 =\n  endpoint_url = http://127.0.0.1:9\n[default]\n" +
        keys("CONFIG")),
    "credential_process": Case("PROGRAM", config="[default]\ncredential_process = {program}\n"),
    "keys of config and credential_process": Case(
        "PROGRAM", config="[default]\ncredential_process = {program}\n" + keys("CONFIG"),
        sluice="CONFIG", why="of one profile, the keys come first in the other SDKs"),
    "keys of credentials over credential_process": Case(
        "FILE", config="[default]\ncredential_process = {program}\n",
        credentials="[default]\n" + keys("FILE")),
    "other files": Case("OTHER", credentials="[default]\n" + keys("FILE"),
                        environment={"AWS_SHARED_CREDENTIALS_FILE": "{home}/other"}),
}


class Recorder(http.server.ThreadingHTTPServer):
    """Answers an empty listing and notes, for each bucket, which access key signed."""

    def __init__(self):
        self.signed = {}
        super().__init__(("127.0.0.1", 0), RecordingHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class RecordingHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        bucket = self.path.split("?")[0].strip("/")
        signed = re.search("Credential=([^/]*)/", self.headers.get("Authorization", ""))
        self.server.signed[bucket] = signed.group(1) if signed else "(not signed)"
        answer = EMPTY_LISTING.format(bucket).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def resolved(command, case, recorder, bucket):
    """(the access key that signed or FAILS, what it printed)"""
    with tempfile.TemporaryDirectory(prefix="sluice-profiles-") as home:
        os.mkdir(os.path.join(home, ".aws"))
        program = os.path.join(home, "program")
        for path, text in ((".aws/config", case.config), (".aws/credentials", case.credentials),
                           ("other", "[default]\n" + keys("OTHER"))):
            with open(os.path.join(home, path), "w", encoding="utf-8") as file:
                file.write(text.replace("{program}", program))
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": \"PROGRAM\", "
                       "\"SecretAccessKey\": \"s\"}'\n")
        os.chmod(program, 0o700)
        environment = {"PATH": "/usr/bin:/bin", "HOME": home, "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in case.environment.items():
            environment[name] = value.replace("{home}", home)
        done = subprocess.run([*command, f"s3://{bucket}", "--endpoint-url", recorder.url],
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=RUN_SECONDS_MAX, check=False)
    return recorder.signed.get(bucket, FAILS), done.stdout.decode(errors="replace")


class Profiles(unittest.TestCase):
    def test_the_same_key_is_resolved(self):
        recorder = Recorder()
        self.addCleanup(recorder.server_close)
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        self.addCleanup(recorder.shutdown)
        programs = {"aws": [AWS, "s3", "ls"], "sluice": [os.environ["SLUICE_BINARY"], "ls"]}
        with ThreadPoolExecutor(RUNS_AT_ONCE) as runs:
            results = {
                (name, program): runs.submit(resolved, command, case, recorder,
                                             f"{program}-{number}")
                for number, (name, case) in enumerate(CASES.items())
                for program, command in programs.items()}
        for name, case in CASES.items():
            for program, expected in (("aws", case.key), ("sluice", case.sluice)):
                with self.subTest(f"{name}: {program}"):
                    key, printed = results[name, program].result()
                    self.assertEqual(key, expected, printed)


def main():
    if not os.path.exists(AWS):
        print(f"skipped: no {AWS} (tools/packages install real)")
        sys.exit(SKIPPED)
    if "SLUICE_BINARY" not in os.environ:
        sys.exit("SLUICE_BINARY names no program")
    unittest.main()


if __name__ == "__main__":
    main()
