"""Buckets that nginx serves as fast as it can: objects and list pages are files, signatures are not
looked at. Debian packages nginx-light and libnginx-mod-http-headers-more-filter.
"""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from xml.sax.saxutils import escape

import crc64nvme

MODULE = "/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so"
PAGE_KEYS = 1000
UPLOAD_PART_BYTES = 8 << 20
MODIFIED = 1_767_225_600  # 2026-01-01

# nginx compares If-Match with an ETag of its own making, so it does not get to see it: no object
# changes here. The ETag that is sent is the one in the listing.
CONFIGURATION = """\
load_module {module};
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  client_body_temp_path {folder}/tmp;
  proxy_temp_path {folder}/tmp;
  fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp;
  scgi_temp_path {folder}/tmp;
  default_type binary/octet-stream;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  etag off;
  more_clear_input_headers If-Match If-Unmodified-Since;
  map_hash_max_size 262144;
  map_hash_bucket_size 256;
  map $args $page {{
    default 0;
    ~(?:^|&)continuation-token=page(?<number>[0-9]+) $number;
  }}
  map $uri $listed_etag {{ include {folder}/etags; }}
  map $uri $checksum {{ include {folder}/checksums; }}
  ssl_certificate {folder}/certificate.pem;
  ssl_certificate_key {folder}/key.pem;
  ssl_session_cache shared:tls:1m;
  log_format request '$request_method $request_uri';
  root {folder}/data;
  server {{
    listen 127.0.0.1:{ports[0]};
    listen 127.0.0.1:{ports[1]} ssl;
    access_log off;
    include {folder}/locations;
  }}
  server {{
    listen 127.0.0.1:{ports[2]};
    listen 127.0.0.1:{ports[3]} ssl;
    access_log {folder}/requests.log request;
    include {folder}/locations;
  }}
}}
"""

LOCATIONS = """\
location = /{bucket} {{ try_files /pages/$page.xml =404; }}
location = /{bucket}/ {{ try_files /pages/$page.xml =404; }}
location / {{
  add_header ETag $listed_etag;
  add_header x-amz-checksum-crc64nvme $checksum;
  {object}
}}
"""


@dataclass(frozen=True)
class Shape:
    """What a bucket holds: `count` objects of `size` bytes each. `etag` is md5, parts (md5-N, as a
    multipart upload gets it), or crc64nvme (parts, and a checksum of the whole)."""
    count: int
    size: int
    etag: str = "md5"


class Bucket:
    """The data of one bucket: DIR/data/<name>/<key>, list pages, and ETags."""

    def __init__(self, folder, name, shape):
        self.folder, self.name, self.shape = folder, name, shape
        self.keys = [f"d{i // 1000:04}/e{i // 50 % 20:02}/f{i:07}" for i in range(shape.count)]
        self.data = os.path.join(folder, "data", name)
        for path in (self.data, os.path.join(folder, "data", "pages"), os.path.join(folder, "tmp")):
            os.makedirs(path)
        block = os.urandom(min(shape.size, 1 << 20))
        self.checksums = {}
        etags = [self._write(number, key, block) for number, key in enumerate(self.keys)]
        self._write_pages(etags)
        with open(os.path.join(folder, "etags"), "w", encoding="ascii") as lines:
            if shape.size == 0:
                lines.write(f"default '\"{etags[0]}\"';\n")
            else:
                lines.writelines(f"/{name}/{key} '\"{etag}\"';\n"
                                 for key, etag in zip(self.keys, etags))
        with open(os.path.join(folder, "checksums"), "w", encoding="ascii") as lines:
            lines.writelines(f"/{name}/{key} {checksum};\n"
                             for key, checksum in self.checksums.items())

    def _write(self, number, key, block):
        """Incompressible, each object and each MiB of it different. Empty ones share one file."""
        if self.shape.size == 0:
            key = "empty"
        path = os.path.join(self.data, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        whole, parts, checksum = hashlib.md5(), [], 0
        with open(path, "wb") as out:
            for offset in range(0, self.shape.size, len(block) or 1):
                begin = b"%d %d " % (number, offset)
                rest = block[:min(len(block), self.shape.size - offset) - len(begin)]
                piece = begin + rest
                out.write(piece)
                if self.shape.etag == "md5":
                    whole.update(piece)
                    continue
                if self.shape.etag == "crc64nvme":
                    for part in (begin, rest):
                        checksum = crc64nvme.followed_by(checksum, crc64nvme.crc(part), len(part))
                if offset % UPLOAD_PART_BYTES == 0:
                    parts.append(hashlib.md5())
                parts[-1].update(piece)
        os.utime(path, (MODIFIED, MODIFIED))
        if self.shape.etag == "md5":
            return whole.hexdigest()
        if self.shape.etag == "crc64nvme":
            self.checksums[key] = base64.b64encode(checksum.to_bytes(8, "big")).decode()
        return f"{hashlib.md5(b''.join(p.digest() for p in parts)).hexdigest()}-{len(parts)}"

    def _write_pages(self, etags):
        modified = datetime.fromtimestamp(MODIFIED, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        checksum = ("<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
                    "<ChecksumType>FULL_OBJECT</ChecksumType>") if self.checksums else ""
        for first in range(0, len(self.keys), PAGE_KEYS):
            last = min(first + PAGE_KEYS, len(self.keys))
            number = first // PAGE_KEYS
            lines = [
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.name}</Name><Prefix></Prefix><KeyCount>{last - first}</KeyCount>"
                f"<MaxKeys>{PAGE_KEYS}</MaxKeys><EncodingType>url</EncodingType>"
                f"<IsTruncated>{'true' if last < len(self.keys) else 'false'}</IsTruncated>"]
            if number > 0:
                lines.append(f"<ContinuationToken>page{number}</ContinuationToken>")
            if last < len(self.keys):
                lines.append(f"<NextContinuationToken>page{number + 1}</NextContinuationToken>")
            lines += [
                f"<Contents><Key>{escape(key)}</Key><LastModified>{modified}</LastModified>"
                f"<ETag>&quot;{etag}&quot;</ETag><Size>{self.shape.size}</Size>"
                f"<StorageClass>STANDARD</StorageClass>{checksum}</Contents>"
                for key, etag in zip(self.keys[first:last], etags[first:last])]
            path = os.path.join(self.folder, "data", "pages", f"{number}.xml")
            with open(path, "w", encoding="ascii") as page:
                page.write("".join(lines) + "</ListBucketResult>")


def missing():
    """The Debian packages."""
    return [package for package, there in (
        ("nginx-light", shutil.which("nginx")),
        ("libnginx-mod-http-headers-more-filter", os.path.exists(MODULE)),
        ("openssl", shutil.which("openssl")), ("time", os.path.exists("/usr/bin/time"))) if not there]


class Nginx:
    """Serves one bucket on loopback until `stop`, pinned to one processor."""

    def __init__(self, bucket, processor):
        self.folder = bucket.folder
        self.ports = free_ports(4)
        write(self.folder, "nginx.conf",
              CONFIGURATION.format(folder=self.folder, ports=self.ports, module=MODULE,
                                   user="user root;" if os.geteuid() == 0 else ""))
        same_file = f"try_files /{bucket.name}/empty =404;" if bucket.shape.size == 0 else ""
        write(self.folder, "locations", LOCATIONS.format(bucket=bucket.name, object=same_file))
        self.authority = os.path.join(self.folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        os.path.join(self.folder, "key.pem"), "-out", self.authority],
                       check=True, stderr=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            ["taskset", "-c", str(processor), "nginx", "-p", self.folder, "-c",
             os.path.join(self.folder, "nginx.conf"), "-e", os.path.join(self.folder, "error.log")])
        while not accepts(self.ports[3]):
            if self.process.poll() is not None:
                raise RuntimeError("nginx did not start")
            time.sleep(0.05)

    def url(self, tls, logged):
        return f"{'https' if tls else 'http'}://127.0.0.1:{self.port(tls, logged)}"

    def port(self, tls, logged):
        return self.ports[2 * int(logged) + int(tls)]

    def take_requests(self, bucket):
        """(list requests, object requests) since the last call, of the ports that log."""
        path = os.path.join(self.folder, "requests.log")
        with open(path, encoding="utf-8", errors="replace") as log:
            lines = log.read().splitlines()
        os.truncate(path, 0)
        lists = sum(line.split(" ")[1].split("?")[0].strip("/") == bucket.name for line in lines)
        return lists, len(lines) - lists

    def stop(self):
        self.process.terminate()
        self.process.wait()


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="ascii") as out:
        out.write(text)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
