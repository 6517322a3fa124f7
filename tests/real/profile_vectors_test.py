#!/usr/bin/env python3
"""Does Debian's awscli find what the shared test cases of the AWS SDKs say, as sluice does?
SLUICE_VECTORS=… profile_vectors_test.py [-v]

tests/unit/aws holds sluice to each of these cases. Here awscli's own botocore is asked, in this
process: what it reads in the files, which roles it assumes with whose keys, and which services it
asks. Where it differs, a table says why; a row that is no longer true fails too. Nothing leaves this
machine: the answers are those of the cases.

Skipped (exit status 77) without awscli or without the cases, which are not part of this project.
"""

import base64
import collections
import contextlib
import json
import os
import re
import sys
import tempfile
import unittest
import urllib.parse
from unittest import mock

SKIPPED = 77
PACKAGES = "/usr/lib/python3/dist-packages"  # Debian's, whatever else is installed
FAILS = "(fails)"
LATER = "2199-01-01T00:00:00Z"
LATER_MS = 7226582400000

# --- where awscli (2.9.19) differs from the cases, and so from sluice -----------------------------

TWICE = "Python's configparser takes neither a section nor a name twice"
INLINE = "Python's configparser knows no comments behind a value"
LENIENT = "botocore keeps names that the cases pass over"
BLANKS = "botocore takes blanks for a part of the name"
FILES_DIFFER = {
    "All comment types can be used together.": INLINE,
    "Comments can be empty.": INLINE,
    "Pound sign comments are ignored.": INLINE,
    "Semicolon sign comments are ignored.": INLINE,
    "Duplicate profiles in the same file merge properties.": TWICE,
    "Duplicate properties in a profile use the last one defined.": TWICE,
    "Duplicate properties in duplicate profiles use the last one defined.": TWICE,
    "Duplicate properties in duplicate profiles use the last one defined (case insensitive).": TWICE,
    "Default profiles with mixed prefixes in the config file ignore the one without prefix when "
    "merging.": TWICE,
    "Default profiles with mixed prefixes merge with credentials": TWICE,
    "Default profile with profile prefix overrides default profile without prefix when profile "
    "prefix is first.": "botocore lets the last of the two win",
    "Profile names support alphanumeric characters and - / . % @ _ : +": LENIENT,
    "Invalid profile names are ignored.": LENIENT,
    "Invalid property names are ignored.": LENIENT,
    "Credentials profiles with prefix are ignored.": LENIENT,
    "Sub-property definitions cannot have an empty name.": LENIENT,
    "Property definitions must contain an equals sign.":
        "Python's configparser takes a colon for an equals sign",
    "profile name with extra whitespace": BLANKS,
    "profile name with extra whitespace in credentials": BLANKS,
}

ROLES_DIFFER = {}

ENDPOINTS = "awscli knows AWS_ENDPOINT_URL, endpoint_url and services since 2.13"
SCENARIOS_DIFFER = {
    "assume_role_override_global_env_url": ENDPOINTS,
    "assume_role_override_global_profile_url": ENDPOINTS,
    "assume_role_override_service_env_url": ENDPOINTS,
    "assume_role_override_service_profile_url": ENDPOINTS,
    "sso_override_global_env_url": ENDPOINTS,
    "eks_pod_identity_credentials": "awscli knows Pod Identity since 2.15",
    "environment_variables_blank": "botocore takes a blank for a key",
}

# Where sluice differs from the cases, by its own unit tests.
NO_SHELL = "a program is started without a shell, as by botocore"
OURS = {
    "credential_process": NO_SHELL,
    "credential_process_account_id_fallback": NO_SHELL,
    "SSO token profile selected": "S3 takes no bearer tokens",
}


class Raw:
    """What AWSResponse reads a body from."""

    def __init__(self, body):
        self.body = body

    def stream(self, **_):
        yield self.body


def answer(url, status, body):
    return awsrequest.AWSResponse(url, status, {}, Raw(body.encode()))


def still_good(body):
    """The same credentials, as if they had not expired long ago."""
    body = re.sub(r"(<Expiration>)[^<]*", r"\g<1>" + LATER, body)
    body = re.sub(r'("Expiration"\s*:\s*")[^"]*', r"\g<1>" + LATER, body)
    return re.sub(r'("expiration"\s*:\s*)\d+', rf"\g<1>{LATER_MS}", body)


@contextlib.contextmanager
def home_of(environment, files=None):
    """A home directory with these files below it, and the environment set to nothing else."""
    with tempfile.TemporaryDirectory(prefix="sluice-vectors-") as home:
        for name, content in (files or {}).items():
            path = os.path.join(home, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(content)
        variables = {"PATH": "/usr/bin:/bin", "HOME": home, "AWS_DATA_PATH": DATA_PATH,
                     **environment}
        cache = os.path.join(variables["HOME"], ".aws/sso/cache")
        with mock.patch.dict(os.environ, variables, clear=True), \
             mock.patch.object(credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache), \
             mock.patch.object(tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache):
            yield home


def resolved(session, send):
    """The access key that a session finds, `send` answering all its requests."""
    with mock.patch.object(httpsession.URLLib3Session, "send", lambda _, request: send(request)), \
         mock.patch("time.sleep"):
        try:
            found = session.get_credentials()
            return found.get_frozen_credentials().access_key if found else FAILS
        except Exception as error:  # whatever it is, it has no keys
            return f"{FAILS} {type(error).__name__}: {error}"


# --- the cases --------------------------------------------------------------------------------------


def read_json(*path):
    with open(os.path.join(VECTORS, *path), encoding="utf-8") as file:
        return json.load(file)


def named(cases, key):
    """(name, case), a name that comes again numbered."""
    seen = collections.Counter()
    for case in cases:
        seen[case[key]] += 1
        again = seen[case[key]]
        yield case[key] + (f" ({again})" if again > 1 else ""), case


def flat(settings):
    """Settings with nested ones as a dictionary, in which botocore keeps them."""
    def nested(value):
        if not isinstance(value, str) or not value.startswith("\n"):
            return value
        pairs = (line.split("=", 1) for line in value.splitlines() if line.strip())
        return {name.strip(): text.strip() for name, text in pairs}
    return {name: nested(value) for name, value in settings.items()}


def files_case(case):
    """(expected, what botocore reads): profiles and sso-sessions, or FAILS."""
    def sections(config):
        return {kind: {name: flat(settings) for name, settings in config.get(kind, {}).items()}
                for kind in ("profiles", "sso_sessions")}
    expected = sections(case["output"]["config"]) if "config" in case["output"] else FAILS
    files = {".aws/config": case["input"].get("configFile"),
             ".aws/credentials": case["input"].get("credentialsFile")}
    files = {name: text for name, text in files.items() if text is not None}
    with home_of({}, files):
        try:
            return expected, sections(session_module.Session().full_config)
        except Exception:
            return expected, FAILS


def ini(kind, sections):
    return "".join(f"[{kind} {name}]\n" + "".join(f"{key} = {value}\n"
                                                  for key, value in settings.items())
                   for name, settings in sections.items())


def link_words(link, signer=None):
    """'role ARN (external …)' of an AssumeRole."""
    words = "role " + link["role_arn"]
    for name in ("external_id", "role_session_name"):
        if link.get(name):
            words += f", {name} {link[name]}"
    return words if signer is None else f"{words} by {signer}"


class RoleService:
    """STS and single sign-on: every answer has another key, and every call is noted."""

    def __init__(self):
        self.calls = []

    def send(self, request):
        if "/federation/credentials" in request.url:
            self.calls.append("sso")
            return answer(request.url, 200, json.dumps({"roleCredentials": {
                "accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t",
                "expiration": LATER_MS}}))
        if "sts." not in request.url:
            raise AssertionError("asked " + request.url)
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        form = dict(urllib.parse.parse_qsl(body))
        link = {"role_arn": form["RoleArn"], "external_id": form.get("ExternalId", "")}
        if not form["RoleSessionName"].startswith("botocore-session-"):
            link["role_session_name"] = form["RoleSessionName"]
        signed = re.search("Credential=([^/]*)/", str(request.headers.get("Authorization", "")))
        self.calls.append(link_words(link, signed.group(1) if signed else "token"))
        key = f"ROLE{len(self.calls)}"
        action = form["Action"]
        return answer(request.url, 200, (
            f"<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>"
            f"<AssumedRoleUser><AssumedRoleId>i:s</AssumedRoleId><Arn>a</Arn></AssumedRoleUser>"
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t</SessionToken><Expiration>{LATER}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>"))


def expected_calls(chain):
    """The calls that a chain of the cases makes, each with the key that the one before gave."""
    calls, signer = [], None
    for link in chain:
        (kind, value), = link.items()
        if kind == "AccessKey":
            signer = value["access_key_id"]
            continue
        if kind == "NamedSource":
            signer = value
            continue
        if kind == "Sso":
            calls.append("sso")
            signer = "SSO"
            continue
        calls.append(link_words(value, "token" if kind == "WebIdentityToken" else signer))
        signer = f"ROLE{len(calls)}"
    return calls, signer


def roles_case(case):
    """(expected, what botocore does): the calls in order and the key at the end, or FAILS."""
    chain = case["output"].get("ProfileChain")
    ours = case["docs"] in OURS
    expected = expected_calls(chain) if chain and not ours else FAILS
    given = case["input"]
    config = ini("profile", given["profiles"]) + ini("sso-session", given.get("sso_sessions", {}))
    token = json.dumps({"accessToken": "t", "expiresAt": LATER})
    # Named after the address, or the session, of the cases: sha1 of "https://foo.bar" and "foo".
    caches = {f".aws/sso/cache/{digest}.json": token
              for digest in ("7c459196c60f9c8b83244ac9c88b673bfec5eece",
                             "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33")}
    service = RoleService()
    on_instance = "Ec2InstanceMetadata" in config
    instance = {"role_name": "r", "access_key": "Ec2InstanceMetadata", "secret_key": "s",
                "token": "t", "expiry_time": LATER} if on_instance else {}
    with home_of({"AWS_PROFILE": given["selected_profile"], "AWS_REGION": "us-east-1"},
                 {".aws/config": config, "token.jwt": "a token", **caches}) as home:
        path = os.path.join(home, ".aws/config")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("/var/token.jwt", os.path.join(home, "token.jwt"))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        with mock.patch.object(utils.InstanceMetadataFetcher, "retrieve_iam_role_credentials",
                               lambda _: instance):
            key = resolved(session_module.Session(), service.send)
    return expected, FAILS if key.startswith(FAILS) else (service.calls, key)


def events_of(traffic):
    """[(METHOD address, status, body)] of a recording."""
    exchanges = []
    for event in traffic["events"]:
        action = event["action"]
        if "Request" in action:
            request = action["Request"]["request"]
            exchanges.append([request["method"] + " " + request["uri"], 0, ""])
        elif "Response" in action:
            exchanges[-1][1] = action["Response"]["response"]["Ok"]["status"]
        elif "Data" in action and action["Data"]["direction"] == "Response":
            data = action["Data"]["data"]
            exchanges[-1][2] += data["Utf8"] if "Utf8" in data else \
                base64.b64decode(data["Base64"]).decode()
    return exchanges


def comparable(line):
    """Without what is a matter of taste: the order of parameters, a slash at the end."""
    address, _, query = line.partition("?")
    return address.rstrip("/") + "?" + "&".join(sorted(query.split("&"))) if query else \
        address.rstrip("/")


def scenario_case(folder, profile):
    """(expected, what botocore does): the services asked and the key at the end, or FAILS."""
    result = read_json(folder, "test-case.json")["result"]
    exchanges = events_of(read_json(folder, "http-traffic.json"))
    fs = os.path.join(VECTORS, folder, "fs")
    environment = {}
    for name, value in read_json(folder, "env.json").items():
        environment[name] = fs + value if name == "HOME" or name.endswith("_FILE") else value
    if profile:
        environment.setdefault("AWS_PROFILE", profile)
        # The cases are for the profile alone: other keys of the environment take no part.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.pop(name, None)
    asked, answers = [], list(exchanges)

    def send(request):
        if "//169.254.169.254" in request.url:
            raise exceptions.ConnectTimeoutError(endpoint_url=request.url)
        asked.append(comparable(f"{request.method} {request.url}"))
        if not answers:
            raise exceptions.ConnectionClosedError(endpoint_url=request.url)
        _, status, body = answers.pop(0)
        return answer(request.url, status, still_good(body))

    with home_of(environment):
        key = resolved(session_module.Session(), send)
    key = FAILS if key.startswith(FAILS) else key
    good = "Ok" in result and os.path.basename(folder) not in OURS
    # How often one that fails is asked is a matter of taste.
    expected = ([comparable(line) for line, _, _ in exchanges], result["Ok"]["access_key_id"]) \
        if good else FAILS
    return expected, (asked, key) if key != FAILS else FAILS


def scenarios():
    for kind, profile in (("default-credential-provider-chain", ""), ("profile-provider", "default")):
        top = os.path.join("aws-config-chain", kind)
        for name in sorted(os.listdir(os.path.join(VECTORS, top))):
            yield name, scenario_case(os.path.join(top, name), profile)


class Vectors(unittest.TestCase):
    maxDiff = None

    def compare(self, results, reasons, count):
        differ = {}
        seen = 0
        for name, (expected, got) in results:
            seen += 1
            if got != expected:
                differ[name] = f"expected {expected}\n     got {got}"
        self.assertEqual(seen, count)
        for name in sorted(differ.keys() - reasons.keys()):
            with self.subTest(name):
                self.fail("awscli differs, and no row says why:\n" + differ[name])
        for name in sorted(reasons.keys() - differ.keys()):
            with self.subTest(name):
                self.fail("a row says that awscli differs, but it does not")

    def test_files(self):
        cases = read_json("aws-profile-tests", "profile-parser-tests.json")["tests"]
        self.compare(((name, files_case(case)) for name, case in named(cases, "name")),
                     FILES_DIFFER, 65)

    def test_roles(self):
        cases = read_json("aws-config-chain", "assume-role-tests.json")
        self.compare(((name, roles_case(case)) for name, case in named(cases, "docs")),
                     ROLES_DIFFER, 28)

    def test_scenarios(self):
        self.compare(scenarios(), SCENARIOS_DIFFER, 30)


VECTORS = os.environ.get("SLUICE_VECTORS", "")

if __name__ == "__main__":
    if not os.path.isdir(os.path.join(PACKAGES, "awscli", "botocore")):
        print("skipped: no awscli of Debian (tools/packages install real)")
        sys.exit(SKIPPED)
    if not os.path.isdir(os.path.join(VECTORS, "aws-profile-tests")):
        print("skipped: SLUICE_VECTORS has no aws-profile-tests")
        sys.exit(SKIPPED)
    sys.path.insert(0, PACKAGES)
    import awscli  # from now on `botocore` is the one within it
    from botocore import awsrequest, credentials, exceptions, httpsession, tokens, utils
    from botocore import session as session_module
    assert awscli.__file__.startswith(PACKAGES) and "awscli" in session_module.__file__
    DATA_PATH = os.environ["AWS_DATA_PATH"]
    unittest.main()
