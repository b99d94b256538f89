#!/usr/bin/env python3
"""A coordinator and shard nodes in processes of their own, by hand and through the script."""

import json
import os
import socket
import unittest

from kithd_process import ROOT, ProcessTest, Server, run


class CoordinatorAndNodes(ProcessTest):
    def node(self, name: str) -> Server:
        # A node keeps its port over a restart: the coordinator knows it by that.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self.restart_node(name, f"127.0.0.1:{port}")

    def restart_node(self, name: str, address: str) -> Server:
        return self.start("--role", "shard", "--data", str(self.folder / name), "--node-listen",
                          address)

    def coordinator(self, *nodes: str) -> Server:
        names = ",".join(f"n{i}={address}" for i, address in enumerate(nodes))
        return self.start("--role", "coordinator", "--listen", "127.0.0.1:0", "--data",
                          str(self.folder / "coordinator"),
                          environment={"KITH__CLUSTER__NODES": names})

    def test_all_of_them_stop_with_exit_code_zero(self):
        node = self.node("a").await_ready()
        coordinator = self.coordinator(node.node).await_ready()
        self.fill(coordinator.grpc)
        self.assertEqual(len(json.loads(self.search(coordinator.grpc))["hits"]), 10)
        self.assertEqual(coordinator.stop(), 0, coordinator.text())
        self.assertEqual(node.stop(), 0, node.text())

    def test_a_coordinator_that_starts_while_a_node_is_down_answers_with_what_there_is(self):
        nodes = [self.node("a").await_ready(), self.node("b").await_ready()]
        addresses = [f"127.0.0.1:{node.node.split(':')[1]}" for node in nodes]
        coordinator = self.coordinator(*addresses).await_ready()
        self.fill(coordinator.grpc, "--shards", "2")
        self.assertEqual(coordinator.stop(), 0)
        nodes[1].kill()

        coordinator = self.coordinator(*addresses).await_log("event=ready_in_part")
        self.assertIn("1 of 2 shards serve", coordinator.text())
        self.assertEqual(coordinator.page("/readyz")[0], 200)
        self.assertEqual(run(os.environ["PROBE"], "health", coordinator.grpc).stdout, "SERVING\n")
        part = json.loads(self.search(coordinator.grpc, "--min-coverage", "0.1"))
        self.assertLess(part["coverage"]["ratio"], 1)
        self.assertEqual(part["coverage"]["shards_ok"], 1)

        self.restart_node("b", addresses[1]).await_ready()
        coordinator.await_metric('kith_node_reachable{node="n1"} 1')
        self.assertEqual(json.loads(self.search(coordinator.grpc))["coverage"]["ratio"], 1)

    def test_a_coordinator_none_of_whose_shards_serves_is_not_ready_and_says_why(self):
        node = self.node("a").await_ready()
        address = f"127.0.0.1:{node.node.split(':')[1]}"
        coordinator = self.coordinator(address).await_ready()
        self.kith("collection", "create", "c", "--dimension", "2", "--metric", "l2", "--dtype", "f32",
                  "--endpoint", coordinator.grpc)
        self.assertEqual(coordinator.stop(), 0)
        node.kill()
        coordinator = self.coordinator(address).await_log("event=not_ready")
        status, why = coordinator.page("/readyz")
        self.assertEqual(status, 503)
        self.assertIn("0 of 1 shards serve; node n0", why)
        self.restart_node("a", address).await_ready()
        coordinator.await_ready()
        self.assertEqual(coordinator.stop(), 0)


class LocalClusterScript(ProcessTest):
    def script(self, *words: str):
        return run("bash", str(ROOT / "scripts" / "local_cluster.sh"), *words, environment={
            "KITH_CLUSTER_PORT": str(self.port), "KITH_CLUSTER_DIR": str(self.folder / "cluster")})

    def setUp(self):
        super().setUp()
        self.port = free_range(16)
        self.addCleanup(self.script, "down")

    def test_two_shards_come_up_serve_and_go_down(self):
        up = self.script("up", "--shards", "2")
        self.assertEqual(up.returncode, 0, up.stdout + up.stderr)
        endpoint = up.stdout.strip().split("\n")[-1]
        self.assertEqual(endpoint, f"127.0.0.1:{self.port}")
        again = self.script("up", "--shards", "2")
        self.assertEqual(again.returncode, 1)
        self.assertIn("already up", again.stderr)
        self.fill(endpoint)
        found = json.loads(self.search(endpoint))
        self.assertEqual(found["coverage"]["shards_total"], 2)
        self.assertEqual(found["coverage"]["ratio"], 1)
        pids = (self.folder / "cluster" / "pids").read_text(encoding="utf-8").split()
        self.assertEqual(len(pids), 3)
        down = self.script("down")
        self.assertEqual((down.returncode, down.stderr), (0, ""))
        for name in ("coordinator", "node-0", "node-1"):
            log = (self.folder / "cluster" / f"{name}.log").read_text(encoding="utf-8")
            self.assertTrue(log.rstrip().endswith("event=stopped"), log)


def free_range(ports: int) -> int:
    """A port with `ports` free ones from there on; below the range from which 0 takes."""
    for first in range(20_000 + os.getpid() % 1000, 32_000, ports):
        try:
            for port in range(first, first + ports):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


if __name__ == "__main__":
    unittest.main()
