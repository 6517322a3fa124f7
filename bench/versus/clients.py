"""The programs that are compared, and how each is called: at its best for the job."""

import os
import re
import shutil
from dataclasses import dataclass

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CONNECTIONS = 64


@dataclass(frozen=True)
class Job:
    """Bring the bucket at `url` into the folder `out`."""
    bucket: object
    url: str
    port: int
    tls: bool
    authority: str
    out: str
    keys_file: str
    curl_file: str


@dataclass(frozen=True)
class Client:
    name: str
    command: object         # Job -> words
    check: object           # ETag kind -> what it checks of the content
    lists: bool = True      # finds out what there is by itself
    only_plain: bool = False  # left out over HTTPS
    only_md5: bool = False  # left out where no ETag is an MD5: it would do what another client does
    slow: bool = False      # its first run is the measured one


def environment():
    """Only our own AWS settings: none of the user's may send a client elsewhere."""
    own = {name: value for name, value in os.environ.items()
           if not name.startswith(("AWS_", "SLUICE_", "RCLONE_"))}
    return dict(own, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET,
                AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")


def sluice_words(program, job, *flags):
    words = [program, "sync", f"s3://{job.bucket.name}", job.out, "--endpoint-url", job.url, *flags]
    return words + (["--ca-bundle", job.authority] if job.tls else [])


def rclone_words(job, *flags):
    words = ["rclone", "copy", f":s3:{job.bucket.name}", job.out, "--s3-provider", "Other",
             "--s3-endpoint", job.url, "--s3-access-key-id", KEY, "--s3-secret-access-key", SECRET,
             "--s3-region", "us-east-1", "--s3-force-path-style", "--s3-list-version", "2",
             "--s3-no-check-bucket", "--config", "/dev/null", "-q", "--fast-list",
             # Else it asks for each object's own idea of its time: a HEAD each.
             "--use-server-modtime",
             "--transfers", str(CONNECTIONS), "--checkers", str(CONNECTIONS), *flags]
    return words + (["--ca-cert", job.authority] if job.tls else [])


def curl_words(job):
    words = ["curl", "-s", "--no-progress-meter", "--fail", "--parallel", "--parallel-max",
             str(CONNECTIONS), "--create-dirs", "-K", job.curl_file]
    return words + (["--cacert", job.authority] if job.tls else [])


def aws_words(job):
    words = ["aws", "s3", "sync", f"s3://{job.bucket.name}", job.out, "--endpoint-url", job.url,
             "--only-show-errors"]
    return words + (["--ca-bundle", job.authority] if job.tls else [])


def floor_words(program, job, *flags):
    return [program, *flags, *(["--tls"] if job.tls else []), str(job.port), job.bucket.name,
            job.keys_file, job.out]


def all_clients(build):
    sluice = os.path.join(build, "tools/sluice/sluice")
    floor = os.path.join(build, "bench/versus/floor")
    length_only = lambda etag: "length"
    md5_if_listed = lambda etag: "MD5" if etag == "md5" else "length"
    clients = [
        Client("sluice", lambda job: sluice_words(sluice, job, "-q"), None),
        Client("sluice --verify length",
               lambda job: sluice_words(sluice, job, "-q", "--verify", "length"), length_only),
    ]
    if shutil.which("rclone"):
        clients += [
            Client("rclone", rclone_words, md5_if_listed),
            Client("rclone without MD5", lambda job: rclone_words(job, "--ignore-checksum"),
                   length_only, only_md5=True)]
    if shutil.which("aws"):
        clients.append(Client("aws s3 sync", aws_words, length_only, only_plain=True, slow=True))
    if shutil.which("curl"):
        clients.append(Client("curl --parallel", curl_words, length_only, lists=False))
    if os.path.exists(floor):
        clients += [
            Client("floor", lambda job: floor_words(floor, job), length_only, lists=False),
            Client("floor --splice", lambda job: floor_words(floor, job, "--splice"), length_only,
                   lists=False, only_plain=True)]
    return clients


def proofs(output):
    """How sluice says that it checked what it fetched: `fetched KEY (SIZE, PROOF)`."""
    kinds = sorted(set(re.findall(r"^fetched .*, ([^,()]+)\)$", output, re.MULTILINE)))
    names = {"md5": "MD5", "composite": "digests of parts"}
    return ", ".join(names.get(kind, kind) for kind in kinds)
