#!/usr/bin/env python3
"""Keys and certificates from the outside: who gets in, who does not, and what changes meanwhile."""

import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time
import unittest

from kithd_process import PATIENCE_S, ProcessTest, Server, run


class Authority:
    """Signs certificates for 127.0.0.1 and localhost, by the openssl program."""

    def __init__(self, folder: pathlib.Path, name: str):
        self.folder = folder
        self.name = name
        self.ca = folder / f"{name}.pem"
        self.openssl("req", "-x509", "-days", "2", "-subj", f"/CN={name}", "-keyout",
                     f"{name}.key", "-out", f"{name}.pem", *self.NEW)

    NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def openssl(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"openssl {words}: {done.stderr}")

    def sign(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """A new certificate and its key, both in place at once as far as a reader sees."""
        names = self.folder / "names"
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="utf-8")
        self.openssl("req", "-subj", f"/CN={name}", "-keyout", "new.key", "-out", "new.csr", *self.NEW)
        self.openssl("x509", "-req", "-in", "new.csr", "-CA", f"{self.name}.pem", "-CAkey",
                     f"{self.name}.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out",
                     "new.pem")
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        (self.folder / "new.key").rename(key)
        (self.folder / "new.pem").rename(certificate)
        return certificate, key


def tls(port: str, pair: tuple[pathlib.Path, pathlib.Path], client_ca: pathlib.Path | None = None) -> dict:
    """The variables that give a port of kithd its certificate."""
    prefix = f"KITH__{port}__TLS__"
    files = {f"{prefix}CERTIFICATE_FILE": str(pair[0]), f"{prefix}KEY_FILE": str(pair[1])}
    return files | ({f"{prefix}CLIENT_CA_FILE": str(client_ca)} if client_ca else {})


class SecurityTest(ProcessTest):
    def embedded(self, environment: dict, *words: str) -> Server:
        return self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / "data"), *words,
                          environment=environment)

    def status(self, endpoint: str, **environment: str):
        return run(os.environ["KITH"], "status", "--endpoint", endpoint, environment=environment)

    def assert_refused(self, ran, wanted: str):
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn(wanted, ran.stderr)

    def until(self, wanted: str, look) -> None:
        end = time.monotonic() + PATIENCE_S
        while wanted not in (seen := look()):
            self.assertLess(time.monotonic(), end, seen)
            time.sleep(0.1)


class Keys(SecurityTest):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "keys"

    def make_key(self, name: str, *scopes: str) -> pathlib.Path:
        """A file with the key."""
        made = run(os.environ["KITH"], "key", "create", name, "--file", str(self.keys), *scopes)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertRegex(made.stdout, rf"^kith_{name}_[0-9a-f]{{64}}\n$")
        file = self.folder / f"{name}.secret"
        file.write_text(made.stdout, encoding="utf-8")
        file.chmod(0o600)
        return file

    def server(self) -> Server:
        return self.embedded({"KITH__AUTH__KEYS_FILE": str(self.keys),
                              "KITH__AUTH__AUDIT_FILE": str(self.folder / "audit")}).await_ready()

    def test_a_key_does_what_its_scopes_say_until_it_is_revoked(self):
        admin = self.make_key("admin", "--admin", "*")
        reader = self.make_key("reader", "--read", "c", "--expires", "1d")
        server = self.server()
        self.assert_refused(self.status(server.grpc), "KEY_REQUIRED")
        create = ("collection", "create", "c", "--dimension", "2", "--metric", "l2", "--dtype", "f32",
                  "--endpoint", server.grpc)
        self.assert_refused(run(os.environ["KITH"], *create,
                                environment={"KITH_API_KEY_FILE": str(reader)}), "KEY_NOT_ADMIN")
        made = run(os.environ["KITH"], *create, environment={"KITH_API_KEY_FILE": str(admin)})
        self.assertEqual(made.returncode, 0, made.stderr)
        seen = self.status(server.grpc, KITH_API_KEY=reader.read_text(encoding="utf-8").strip())
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertIn("c", seen.stdout)

        self.assertIn("reader", self.kith("key", "list", "--file", str(self.keys)))
        self.kith("key", "revoke", "reader", "--file", str(self.keys))
        server.send(signal.SIGHUP)
        self.until("BAD_KEY", lambda: self.status(server.grpc, KITH_API_KEY_FILE=str(reader)).stderr)
        server.await_log("event=hangup")
        self.assertEqual(self.status(server.grpc, KITH_API_KEY_FILE=str(admin)).returncode, 0,
                         "a hangup stops nothing")
        audit = [json.loads(line) for line in
                 (self.folder / "audit").read_text(encoding="utf-8").splitlines()]
        self.assertIn(("administered", "admin", "c", "OK"),
                      [(one["event"], one["key"], one["collection"], one["outcome"]) for one in audit])
        self.assertEqual(server.stop(), 0, server.text())
        for secret in (admin, reader):
            text = secret.read_text(encoding="utf-8").strip()[-64:]
            for file in (self.keys, self.folder / "audit", server.log):
                self.assertNotIn(text, file.read_text(encoding="utf-8"), file)

    def test_rest_needs_a_key_too_and_is_recorded_with_its_caller(self):
        reader = self.make_key("reader", "--read", "c").read_text(encoding="utf-8").strip()
        server = self.server()

        def call(path: str, **headers: str) -> tuple[int, str, str, int]:
            connection = http.client.HTTPConnection(server.http, timeout=60)
            self.addCleanup(connection.close)
            connection.connect()
            port = connection.sock.getsockname()[1]
            connection.request("GET", path, headers={"X-Kith-Peer": "8.8.8.8:1"} | headers)
            answer = connection.getresponse()
            return answer.status, answer.headers["WWW-Authenticate"], answer.read().decode(), port

        code, challenge, text, port = call("/v1/collections")
        self.assertEqual((code, challenge), (401, "Bearer"))
        self.assertIn("KEY_REQUIRED", text)
        code, _, text, forbidden_port = call("/v1/collections/d", Authorization=f"Bearer {reader}")
        self.assertEqual(code, 403)
        self.assertIn("COLLECTION_FORBIDDEN", text)
        self.assertEqual(call("/v1/collections", **{"X-Api-Key": reader})[0], 200)
        for page in ("/livez", "/metrics", "/openapi.json"):
            self.assertEqual(server.page(page)[0], 200, page)
        audit = [json.loads(line) for line in
                 (self.folder / "audit").read_text(encoding="utf-8").splitlines()]
        self.assertEqual([(one["key"], one["peer"], one["reason"]) for one in audit],
                         [("", f"http:127.0.0.1:{port}", "KEY_REQUIRED"),
                          ("reader", f"http:127.0.0.1:{forbidden_port}", "COLLECTION_FORBIDDEN")])

    def test_a_file_of_keys_that_others_can_read_is_refused_with_the_remedy(self):
        self.make_key("admin", "--admin", "*")
        self.keys.chmod(0o644)
        server = self.embedded({"KITH__AUTH__KEYS_FILE": str(self.keys)})
        self.assertEqual(server.await_end(), 1)
        self.assertIn(f"chmod 600 {self.keys}", server.text())

    def test_a_key_is_not_sent_to_another_machine_in_the_clear(self):
        reader = self.make_key("reader", "--read", "*")
        ran = self.status("192.0.2.1:7430", KITH_API_KEY_FILE=str(reader))
        self.assertEqual(ran.returncode, 2)
        self.assertIn("in the clear", ran.stderr)


class Certificates(SecurityTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder, "ca")
        self.other = Authority(self.folder, "stranger")
        self.pair = self.authority.sign("server")

    def presented(self, endpoint: str, *own: pathlib.Path) -> bytes:
        """The certificate that the port shows."""
        host, port = endpoint.split(":")
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        if own:
            context.load_cert_chain(*own)
        with socket.create_connection((host, int(port)), timeout=10) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as connection:
            return connection.getpeercert(binary_form=True)

    def test_a_port_with_a_certificate_speaks_tls_and_nothing_else(self):
        server = self.embedded(tls("GRPC", self.pair)).await_ready()
        good = self.status(server.grpc, KITH_TLS_CA_FILE=str(self.authority.ca))
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assert_refused(self.status(server.grpc), "set KITH_TLS_CA_FILE")
        self.assert_refused(self.status(server.grpc, KITH_TLS_CA_FILE=str(self.other.ca)),
                            "of an authority in KITH_TLS_CA_FILE")
        self.assertEqual(server.stop(), 0, server.text())

    def test_a_certificate_that_is_replaced_is_shown_to_the_next_connection(self):
        server = self.embedded(tls("GRPC", self.pair)).await_ready()
        before = self.presented(server.grpc)
        self.authority.sign("server")
        end = time.monotonic() + PATIENCE_S
        while self.presented(server.grpc) == before:
            self.assertLess(time.monotonic(), end, "the old certificate stays")
            time.sleep(0.2)
        good = self.status(server.grpc, KITH_TLS_CA_FILE=str(self.authority.ca))
        self.assertEqual(good.returncode, 0, good.stderr)

    def test_what_becomes_of_files_that_are_replaced_is_in_the_log(self):
        server = self.embedded(tls("GRPC", self.pair)).await_ready()
        foreign = self.other.sign("foreign")[1]
        foreign.rename(self.pair[1])
        server.await_log("event=certificate_not_good port=grpc.tls")
        self.assertIn(f"is not the key of {self.pair[0]}", server.text())
        self.authority.sign("server")
        server.await_log("event=certificate_read port=grpc.tls")
        self.until("no collections", lambda: self.status(
            server.grpc, KITH_TLS_CA_FILE=str(self.authority.ca)).stdout)

    def test_the_http_port_speaks_tls_with_certificates_of_both_sides(self):
        server = self.embedded(tls("HTTP", self.pair, self.authority.ca)).await_ready()
        host, port = server.http.split(":")
        certificate, key = self.authority.sign("monitor")

        def page(*own: pathlib.Path, path: str = "/livez") -> str:
            context = ssl.create_default_context(cafile=str(self.authority.ca))
            if own:
                context.load_cert_chain(*own)
            with socket.create_connection((host, int(port)), timeout=10) as plain, \
                    context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
                                   "Connection: close\r\n\r\n".encode())
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode()

        self.assertIn("200 OK", page(certificate, key))
        self.assertIn('"collections":[]', page(certificate, key, path="/v1/collections"))
        for own in ((), self.other.sign("stranger-monitor")):
            with self.assertRaises(OSError):
                self.assertEqual(page(*own), "", "a page without a certificate")
                raise OSError("closed without a word")
        before = self.presented(server.http, certificate, key)
        self.authority.sign("server")
        self.until("changed", lambda: "" if self.presented(server.http, certificate, key) == before
                   else "changed")
        with self.assertRaises((http.client.HTTPException, OSError)):
            server.page("/livez")

    def test_where_clients_need_a_certificate_those_of_another_authority_stay_out(self):
        server = self.embedded(tls("GRPC", self.pair, self.authority.ca)).await_ready()
        environment = {"KITH_TLS_CA_FILE": str(self.authority.ca)}
        self.assert_refused(self.status(server.grpc, **environment), "cannot reach the server")
        for authority, code in ((self.authority, 0), (self.other, 1)):
            certificate, key = authority.sign(f"client-of-{authority.name}")
            ran = self.status(server.grpc, **environment, KITH_TLS_CERTIFICATE_FILE=str(certificate),
                              KITH_TLS_KEY_FILE=str(key))
            self.assertEqual(ran.returncode, code, ran.stderr)

    def test_a_coordinator_and_its_node_need_certificates_of_one_authority(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.start("--role", "shard", "--data", str(self.folder / "node"), "--node-listen", address,
                   environment=tls("NODE", self.pair, self.authority.ca)).await_ready()
        for number, (environment, is_reached) in enumerate((
                (tls("NODE", self.authority.sign("coordinator"), self.authority.ca), "1"),
                (tls("NODE", self.other.sign("intruder"), self.authority.ca), "0"),
                ({}, "0"))):
            coordinator = self.start(
                "--role", "coordinator", "--listen", "127.0.0.1:0", "--data",
                str(self.folder / f"coordinator-{number}"),
                environment={"KITH__CLUSTER__NODES": f"n={address}", **environment})
            coordinator.await_log("event=listening what=clients")
            coordinator.await_metric(f'kith_node_reachable{{node="n"}} {is_reached}')
            coordinator.kill()

    def test_a_key_file_that_others_can_read_or_that_does_not_fit_is_refused(self):
        certificate, key = self.pair
        key.chmod(0o644)
        server = self.embedded(tls("GRPC", self.pair))
        self.assertEqual(server.await_end(), 1)
        self.assertIn(f"chmod 600 {key}", server.text())
        foreign = self.other.sign("foreign")[1]
        server = self.embedded(tls("GRPC", (certificate, foreign)))
        self.assertEqual(server.await_end(), 1)
        self.assertIn(f"is not the key of {certificate}", server.text())

    def test_an_address_that_others_can_reach_needs_a_guard_or_a_word(self):
        open_port = ("--listen", "0.0.0.0:0", "--data", str(self.folder / "data"))
        server = self.start(*open_port)
        self.assertEqual(server.await_end(), 2)
        self.assertIn("insecure_listen: true", server.text())
        server = self.start(*open_port, environment=tls("GRPC", self.pair))
        self.assertEqual(server.await_end(), 2)
        self.assertIn("whoever comes is let in", server.text())
        server = self.start(*open_port, environment=tls("GRPC", self.pair, self.authority.ca))
        self.assertNotIn("event=insecure_listen", server.await_ready().text())
        self.assertEqual(server.stop(), 0)
        server = self.start(*open_port, environment={"KITH__INSECURE_LISTEN": "true"}).await_ready()
        self.assertIn("event=insecure_listen port=grpc.listen", server.text())


if __name__ == "__main__":
    unittest.main()
