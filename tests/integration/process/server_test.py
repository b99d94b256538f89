#!/usr/bin/env python3
"""kithd and kith from the outside: what a user starts, asks, stops and gets wrong."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest

from kithd_process import ProcessTest, run


class WholeClusterInOneProcess(ProcessTest):
    def embedded(self, data: str = "data", environment: dict | None = None):
        return self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / data),
                          environment=environment)

    def test_points_come_in_are_found_and_survive_a_restart(self):
        server = self.embedded().await_ready()
        self.assertEqual(server.page("/livez")[0], 200)
        self.assertEqual(server.page("/readyz"), (200, "ok\n"))
        self.assertEqual(server.page("/nothing")[0], 404)
        self.fill(server.grpc)
        for line in ('kith_points{collection="c"} 1000', "kith_node_shards 1",
                     "kith_node_shards_ready 1", 'kith_cluster_shards_ready{node="local"} 1'):
            server.await_metric(line)
        before = json.loads(self.search(server.grpc))
        self.assertEqual(len(before["hits"]), 10)
        nearest = before["hits"][0]["id"]
        self.assertIn("deleted 1 of 1",
                      self.kith("delete", "c", str(nearest), "--endpoint", server.grpc))
        after = json.loads(self.search(server.grpc, "--exact"))
        self.assertNotIn(nearest, [hit["id"] for hit in after["hits"]])
        self.assertEqual(server.stop(), 0, server.text())
        self.assertIn("event=stopped", server.text())

        again = self.embedded().await_ready()
        kept = json.loads(self.search(again.grpc, "--exact"))
        self.assertEqual(kept["hits"], after["hits"])
        self.assertEqual(kept["index_version"], after["index_version"])
        self.assertIn("green", self.kith("status", "--endpoint", again.grpc))
        self.assertEqual(again.stop(signal.SIGINT), 0, again.text())

    def test_an_index_version_is_retrained_rolled_back_after_a_restart_and_dropped(self):
        server = self.embedded().await_ready()
        self.fill(server.grpc)
        first = json.loads(self.kith("index", "list", "c", "--json", "-", "--endpoint", server.grpc))
        self.assertEqual([version["state"] for version in first], ["serving"])
        at = ("--endpoint", server.grpc)
        trained = self.kith("collection", "train", "c", "--seed", "2", "--no-promote", *at)
        self.assertIn("waits", trained)
        self.assertIn("gain", trained)
        self.assertIn("serves index version", self.kith("index", "promote", "c", *at))
        self.assertEqual(server.stop(), 0, server.text())

        again = self.embedded().await_ready()
        at = ("--endpoint", again.grpc)
        listed = json.loads(self.kith("index", "list", "c", "--json", "-", *at))
        self.assertEqual([version["state"] for version in listed], ["serving", "previous"])
        self.assertEqual(listed[1]["version"], first[0]["version"])
        self.assertEqual(listed[0]["comparison"]["serving"]["version"], first[0]["version"])
        self.assertIn(f"serves index version {first[0]['version']} again",
                      self.kith("index", "rollback", "c", *at))
        again.await_metric(
            f'kith_index_version_info{{collection="c",version="{first[0]["version"]}"}} 1')
        again.await_metric('kith_index_growth_ratio{collection="c"} 0')
        self.assertIn("dropped", self.kith("index", "drop", "c", listed[0]["version"], *at))
        serving = run(os.environ["KITH"], "index", "drop", "c", first[0]["version"], *at)
        self.assertEqual(serving.returncode, 1)
        self.assertIn("INDEX_VERSION_SERVING", serving.stderr)
        self.assertEqual(again.stop(), 0, again.text())

    def test_health_and_reflection_answer_on_the_clients_port(self):
        server = self.embedded().await_ready()
        health = run(os.environ["PROBE"], "health", server.grpc)
        self.assertEqual(health.stdout, "SERVING\n")
        services = run(os.environ["PROBE"], "services", server.grpc).stdout.split()
        for service in ("kith.v1.Collections", "kith.v1.Points", "kith.v1.Search",
                        "kith.v1.Operations", "grpc.health.v1.Health"):
            self.assertIn(service, services)
        self.assertEqual(server.stop(signal.SIGHUP), 0, "a closed terminal is a stop like another")

    def test_one_damaged_shard_does_not_take_the_others_out_of_service(self):
        server = self.embedded().await_ready()
        self.fill(server.grpc)
        self.kith("collection", "create", "other", "--dimension", "2", "--metric", "l2", "--dtype",
                  "f32", "--endpoint", server.grpc)
        self.assertEqual(server.stop(), 0)
        # The collection made last has the shard with the higher number.
        damaged = sorted((self.folder / "data" / "shard").iterdir(),
                         key=lambda path: int(path.name.split("-")[0]))[-1]
        (damaged / "state" / "CURRENT").write_text("MANIFEST-nowhere\n", encoding="utf-8")

        server = self.embedded().await_log("event=ready_in_part")
        self.assertEqual(server.page("/readyz")[0], 200)
        server.await_metric("kith_node_shards 2")
        server.await_metric("kith_node_shards_ready 1")
        self.assertEqual(len(json.loads(self.search(server.grpc))["hits"]), 10)
        refused = run(os.environ["KITH"], "search", "other", "--vector", "1,2", "--endpoint",
                      server.grpc)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertEqual(server.stop(), 0, server.text())

    def test_a_training_does_not_hold_up_a_stop(self):
        server = self.embedded().await_ready()
        self.make_points(40_000)
        at = ("--endpoint", server.grpc)
        self.kith("collection", "create", "c", "--dimension", "16", "--metric", "l2", "--dtype",
                  "f32", *at)
        self.kith("import", "c", str(self.folder / "made.base.fbin"), *at)
        with subprocess.Popen([os.environ["KITH"], "collection", "train", "c", *at],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
            server.await_log("training_started")
            begin = time.monotonic()
            self.assertEqual(server.stop(), 0, server.text())
            self.assertLess(time.monotonic() - begin, 20)
            self.assertNotEqual(training.wait(60), 0)
        self.assertIn("event=stopped", server.text())

    def test_a_second_server_on_the_directory_is_refused(self):
        first = self.embedded().await_ready()
        second = self.embedded()
        self.assertEqual(second.await_end(), 1)
        self.assertIn(f"held by process {first.process.pid}", second.text())
        self.assertIn("data directory of its own", second.text())
        self.assertEqual(first.page("/readyz")[0], 200)
        self.assertEqual(first.stop(), 0)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            server = self.start("--listen", address, "--data", str(self.folder / "data"))
            self.assertEqual(server.await_end(), 1)
            self.assertIn(f"grpc.listen: cannot listen on {address}", server.text())
            self.assertIn("another process", server.text())

    def test_a_directory_of_another_format_version_is_refused_and_left_as_it_was(self):
        server = self.embedded().await_ready()
        self.assertEqual(server.stop(), 0)
        path = self.folder / "data" / "FORMAT"
        self.assertEqual(run(os.environ["PROBE"], "format", str(path), "99").returncode, 0)
        told = path.read_bytes()
        refused = self.embedded()
        self.assertEqual(refused.await_end(), 1)
        self.assertIn("format version 99", refused.text())
        self.assertEqual(path.read_bytes(), told)

    def test_a_directory_that_cannot_be_made_is_named(self):
        # Nobody can make one there, root neither.
        server = self.start("--listen", "127.0.0.1:0", "--data", "/proc/kith-data")
        self.assertEqual(server.await_end(), 1)
        self.assertIn("kithd: cannot create", server.text())
        self.assertIn("/proc/kith-data", server.text())

    def test_a_second_signal_ends_a_stop_at_once(self):
        server = self.embedded(environment={"KITH__GRPC__DRAIN_SECONDS": "60"}).await_ready()
        # A call that never ends its headers keeps the port from closing.
        host, port = server.grpc.split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(_HTTP2_PREFACE + _OPEN_STREAM)
            time.sleep(0.3)
            server.send(signal.SIGTERM)
            server.await_log("event=stop signal")
            time.sleep(0.3)
            if server.process.poll() is None:
                server.send(signal.SIGTERM)
            begin = time.monotonic()
            self.assertEqual(server.await_end(), 1, server.text())
            self.assertLess(time.monotonic() - begin, 5)
            self.assertIn("stage=stopping", server.text())

    def test_a_signal_while_it_starts_ends_it_at_once(self):
        server = self.embedded()
        server.await_log("event=start")
        self.assertIn(server.stop(), (0, 1), server.text())
        self.assertRegex(server.text(), r"stage=starting|event=stopped")
        # Whatever it had done, the next start finds nothing amiss.
        self.assertEqual(self.embedded().await_ready().stop(), 0)


# The HTTP/2 preface with an empty SETTINGS frame, and a HEADERS frame without END_STREAM that opens
# the bidirectional reflection call: a call under way until the client goes away.
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


def _literal(name: bytes, value: bytes) -> bytes:
    return bytes((0, len(name))) + name + bytes((len(value),)) + value


_HEADERS = b"".join(_literal(name, value) for name, value in (
    (b":method", b"POST"), (b":scheme", b"http"),
    (b":path", b"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
    (b":authority", b"127.0.0.1"), (b"te", b"trailers"), (b"content-type", b"application/grpc")))
_OPEN_STREAM = len(_HEADERS).to_bytes(3, "big") + bytes((1, 4, 0, 0, 0, 1)) + _HEADERS


class Configuration(ProcessTest):
    def check(self, text: str, *words: str, environment: dict | None = None):
        path = self.folder / "kithd.yaml"
        path.write_text(text, encoding="utf-8")
        return run(os.environ["KITHD"], "--config", str(path), "--check-config", *words,
                   environment=environment)

    def test_a_good_one_is_printed_with_where_each_value_came_from(self):
        done = self.check("log: {level: debug}\n", "--listen", "127.0.0.1:1",
                          environment={"KITH__SEARCH__THREADS": "3"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r'log\.level=debug source="file .*kithd\.yaml:1"')
        self.assertIn('grpc.listen=127.0.0.1:1 source="flag --listen"', done.stdout)
        self.assertIn('search.threads=3 source="env KITH__SEARCH__THREADS"', done.stdout)
        self.assertFalse((self.folder / "kith-data").exists())

    def test_a_bad_one_ends_with_two_and_one_line(self):
        for text, told in (("search: {thraeds: 1}\n", 'did you mean "search.threads"'),
                           ("search: {threads: many}\n", "from 0 to 1024"),
                           ("grpc: {listen: \"0.0.0.0:1\"}\n", "insecure_listen"),
                           ("role: coordinator\n", "cluster.nodes")):
            done = self.check(text)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(told, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for words in (("--bogus",), ("--role",), ("stray",)):
            self.assertEqual(run(os.environ["KITHD"], *words).returncode, 2, words)
        kernels = run(os.environ["KITHD"], environment={"KITH_KERNELS": "abacus"})
        self.assertEqual(kernels.returncode, 2)
        self.assertIn("abacus", kernels.stderr)

    def test_help_and_version_end_with_nothing_wrong(self):
        for binary in ("KITHD", "KITH"):
            self.assertEqual(run(os.environ[binary], "--help").returncode, 0)
            self.assertRegex(run(os.environ[binary], "--version").stdout, r"^kithd? \d+\.\d+\.\d+")


if __name__ == "__main__":
    unittest.main()
