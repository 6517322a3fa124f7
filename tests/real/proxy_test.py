#!/usr/bin/env python3
"""sluice through a real proxy, tinyproxy: SLUICE_BINARY=… SLUICE_ORIGIN=… proxy_test.py [-v] [TEST…]

Skipped (exit status 77) where tinyproxy is not installed: `tools/packages install real`.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SKIPPED = 77
RUN_SECONDS_MAX = 60
USER, PASSWORD = "fred", "open-sesame"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
OBJECTS = {"small": b"hello", "folder/large": b"0123456789abcdef" * 65536, "empty": b""}
# Of this machine, but no address that is known to be: so the environment's proxy is used.
NO_LOOPBACK = "0.0.0.0"

if not shutil.which("tinyproxy"):
    print("skipped: no tinyproxy (Debian package tinyproxy)")
    sys.exit(SKIPPED)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, process):
    end = time.monotonic() + 20
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{what} did not start")
        time.sleep(0.02)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Proxied(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="sluice-proxy-")
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.folder = os.path.join(self.work, "mirror")
        self.log = os.path.join(self.work, "proxy.log")
        for key, content in OBJECTS.items():
            path = os.path.join(self.work, "bucket", key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)

    def spawn(self, words, **more):
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **more)

        def end():
            process.terminate()
            process.wait()
        self.addCleanup(end)
        return process

    def origin(self, *flags):
        """The port of a server of OBJECTS."""
        port_file = os.path.join(self.work, "port")
        process = self.spawn(
            [os.environ["SLUICE_ORIGIN"], "--dir", os.path.join(self.work, "bucket"), "--bucket",
             "photos", "--port-file", port_file, *flags], env={**os.environ, **KEYS})
        wait_until(lambda: os.path.exists(port_file), "the origin", process)
        with open(port_file, encoding="ascii") as file:
            return int(file.read())

    def proxy(self, *settings):
        """The port of a proxy."""
        port = free_port()
        path = os.path.join(self.work, "tinyproxy.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join((f"Port {port}", "Listen 127.0.0.1", "Allow 127.0.0.1",
                                  "Timeout 60", "MaxClients 100", f'LogFile "{self.log}"',
                                  "LogLevel Info", *settings, "")))
        process = self.spawn(["tinyproxy", "-d", "-c", path])
        wait_until(lambda: accepts(port), "tinyproxy", process)
        return port

    def asked(self):
        """The request lines that the proxy has seen."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return [line.split("): ", 1)[1].rstrip() for line in file if "Request (file" in line]

    def sync(self, url, *flags, status=0, **environment):
        ran = subprocess.run(
            [os.environ["SLUICE_BINARY"], "sync", "s3://photos", self.folder, "--endpoint-url", url,
             "-v", "--log-level", "debug", "--max-attempts", "2", *flags],
            env={"PATH": os.environ["PATH"], "HOME": self.work, "AWS_EC2_METADATA_DISABLED": "true",
                 **KEYS, **environment},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS_MAX,
            check=False)
        self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)
        for secret in (PASSWORD, "ZnJlZDpvcGVuLXNlc2FtZQ"):
            self.assertNotIn(secret, ran.stdout + ran.stderr)
        return ran

    def assert_mirrored(self):
        for key, content in OBJECTS.items():
            with open(os.path.join(self.folder, key), "rb") as file:
                self.assertEqual(file.read(), content, key)

    def test_http_by_the_environment(self):
        origin, proxy = self.origin(), self.proxy(f"BasicAuth {USER} {PASSWORD}")
        self.sync(f"http://{NO_LOOPBACK}:{origin}",
                  http_proxy=f"http://{USER}:{PASSWORD}@127.0.0.1:{proxy}")
        self.assert_mirrored()
        self.assertTrue(self.asked())
        for line in self.asked():
            self.assertTrue(line.startswith(f"GET http://{NO_LOOPBACK}:{origin}/photos"), line)

    def test_https_by_the_environment(self):
        tls = os.path.join(self.work, "tls")
        origin, proxy = self.origin("--tls-self-signed", tls), self.proxy()
        self.sync(f"https://{NO_LOOPBACK}:{origin}", "--no-verify-ssl",
                  HTTPS_PROXY=f"127.0.0.1:{proxy}", HTTP_PROXY="http://127.0.0.1:1")
        self.assert_mirrored()
        self.assertEqual(set(self.asked()), {f"CONNECT {NO_LOOPBACK}:{origin} HTTP/1.1"})

    def test_https_is_verified_as_without_a_proxy(self):
        tls = os.path.join(self.work, "tls")
        origin, proxy = self.origin("--tls-self-signed", tls), self.proxy(
            f"BasicAuth {USER} {PASSWORD}")
        url, password = f"https://localhost:{origin}", f"{USER}:{PASSWORD}@"
        self.sync(url, "--ca-bundle", os.path.join(tls, "ca.pem"),
                  SLUICE_PROXY=f"http://{password}127.0.0.1:{proxy}")
        self.assert_mirrored()
        self.assertEqual(set(self.asked()), {f"CONNECT localhost:{origin} HTTP/1.1"})
        ran = self.sync(url, status=5, SLUICE_PROXY=f"http://{password}127.0.0.1:{proxy}")
        self.assertIn("--ca-bundle", ran.stderr)

    def test_password_that_is_wrong_or_missing(self):
        tls = os.path.join(self.work, "tls")
        proxy = self.proxy(f"BasicAuth {USER} other")
        for url in (f"http://{NO_LOOPBACK}:1", f"https://{NO_LOOPBACK}:1"):
            for user, says in ((f"{USER}:{PASSWORD}@", "does not accept this user and password"),
                               ("", "wants a user and a password")):
                address = f"http://{user}127.0.0.1:{proxy}"
                ran = self.sync(url, status=4, http_proxy=address, https_proxy=address)
                self.assertIn(f"the proxy http://127.0.0.1:{proxy} {says}", ran.stderr)
        self.assertFalse(os.path.exists(tls))

    def test_proxy_that_refuses(self):
        proxy = self.proxy("ConnectPort 443")
        ran = self.sync(f"https://{NO_LOOPBACK}:1", status=4, https_proxy=f"127.0.0.1:{proxy}")
        self.assertIn(f"does not allow connections to {NO_LOOPBACK}:1 (403)", ran.stderr)

    def test_server_that_the_proxy_cannot_reach(self):
        proxy, nobody = self.proxy(), free_port()
        for scheme in ("http", "https"):
            ran = self.sync(f"{scheme}://{NO_LOOPBACK}:{nobody}", status=5,
                            http_proxy=f"127.0.0.1:{proxy}", https_proxy=f"127.0.0.1:{proxy}")
            self.assertIn(f"the proxy http://127.0.0.1:{proxy}", ran.stderr)

    def test_proxy_that_is_down(self):
        nobody = free_port()
        for scheme in ("http", "https"):
            address = f"http://{USER}:{PASSWORD}@127.0.0.1:{nobody}"
            ran = self.sync(f"{scheme}://{NO_LOOPBACK}:9", status=5, http_proxy=address,
                            https_proxy=address)
            self.assertIn(f"cannot connect to the proxy http://127.0.0.1:{nobody}", ran.stderr)

    def test_no_proxy(self):
        origin, nobody = self.origin(), free_port()
        address = f"http://127.0.0.1:{nobody}"
        for host, variables in ((NO_LOOPBACK, {"no_proxy": "0.0.0.0/32"}),
                                (NO_LOOPBACK, {"NO_PROXY": f"x, 0.0.0.0:{origin}"}),
                                (NO_LOOPBACK, {"NO_PROXY": "*"}),
                                ("127.0.0.1", {})):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.sync(f"http://{host}:{origin}", http_proxy=address, **variables)
            self.assert_mirrored()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.sync(f"http://{NO_LOOPBACK}:{origin}", "--proxy", "none", http_proxy=address)
        self.assert_mirrored()


if __name__ == "__main__":
    unittest.main()
