#!/usr/bin/env python3
"""REST through kithd as a user meets it: what docs/api.md shows, what the CLI says of the same points,
and what a server must refuse."""

import base64
import http.client
import json
import socket
import struct
import time
import unittest

from kithd_process import ProcessTest, Server


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Answer:
    def __init__(self, answer: http.client.HTTPResponse):
        self.code = answer.status
        self.headers = answer.headers
        self.json = json.loads(answer.read())

    @property
    def reason(self) -> str:
        """Of google.rpc.ErrorInfo."""
        return next((detail["reason"] for detail in self.json.get("details", ())
                     if detail["@type"].endswith("/google.rpc.ErrorInfo")), "")

    @property
    def field(self) -> str:
        """Of google.rpc.BadRequest."""
        return next((detail["fieldViolations"][0]["field"] for detail in self.json["details"]
                     if detail["@type"].endswith("/google.rpc.BadRequest")), "")


class Rest(ProcessTest):
    def embedded(self, *more: str, environment: dict | None = None) -> Server:
        return self.start("--listen", "127.0.0.1:0", "--data", str(self.folder / "data"), *more,
                          environment=environment).await_ready()

    def call(self, server: Server, line: str, body=None, **headers: str) -> Answer:
        """`line` is "GET /path"; `body` JSON as an object, or bytes as they are."""
        verb, path = line.split(" ")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(server.http, timeout=60)
        self.addCleanup(connection.close)
        connection.request(verb, path, data, sent)
        return Answer(connection.getresponse())

    def told(self, server: Server, line: str, body=None, **headers: str) -> dict:
        """The answer of a call that must succeed."""
        answer = self.call(server, line, body, **headers)
        self.assertEqual(answer.code, 200, answer.json)
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        return answer.json

    def outcome(self, server: Server, operation: dict) -> dict:
        """The operation once it has succeeded, which it must."""
        while operation["state"] == "STATE_RUNNING":
            time.sleep(0.05)
            operation = self.told(server, f"GET /v1/operations/{operation['id']}")
        self.assertEqual(operation["state"], "STATE_SUCCEEDED", operation)
        return operation

    def make_pair(self, server: Server) -> None:
        """A collection `faces` with the points 7 and a UUID."""
        self.told(server, "POST /v1/collections", {
            "collection": "faces", "dimension": 2, "metric": "METRIC_L2",
            "elementType": "ELEMENT_TYPE_F32",
            "payloadFields": [{"name": "name", "type": "FIELD_TYPE_KEYWORD"}]})
        written = self.told(server, "PUT /v1/collections/faces/points", {"points": [
            {"id": {"number": "7"}, "vector": {"values": [1, 0]},
             "payload": base64_text(b'{"name":"Ada"}')},
            {"id": {"uuid": base64_text(b"0123456789abcdef")},
             "vector": {"data": base64_text(struct.pack("<2f", 0.0, 2.0))},
             "payload": base64_text(b'{"name":"Bob"}')}]})
        self.assertEqual(written["written"], "2")
        self.assertEqual(written["statuses"], [])
        self.tokens = written["tokens"]

    def test_points_are_written_found_paged_and_deleted(self):
        server = self.embedded()
        self.make_pair(server)
        self.assertEqual(self.told(server, "GET /v1/collections/faces")["points"], "2")
        near = {"vector": {"values": [1, 0]},
                "parameters": {"withPayload": True, "tokens": self.tokens}}
        found = self.told(server, "POST /v1/collections/faces/points:search", near)
        self.assertEqual([hit["id"] for hit in found["hits"]],
                         [{"number": "7"}, {"uuid": base64_text(b"0123456789abcdef")}])
        self.assertEqual([hit["score"] for hit in found["hits"]], [0, 5])
        self.assertEqual(base64.b64decode(found["hits"][0]["payload"]), b'{"name":"Ada"}')
        self.assertEqual(found["coverage"]["ratio"], 1)
        bob = {"match": {"field": "name", "value": {"keyword": "Bob"}}}
        near["parameters"]["filter"] = bob
        found = self.told(server, "POST /v1/collections/faces/points:search", near)
        self.assertEqual(len(found["hits"]), 1)
        self.assertEqual(self.told(server, "POST /v1/collections/faces/points:count",
                                   {"filter": bob}), {"count": "1"})

        seen, token = [], ""
        while True:
            page = self.told(
                server, f"GET /v1/collections/faces/points?limit=1&page_token={token}")
            seen += [json.dumps(point["id"]) for point in page["points"]]
            token = page["nextPageToken"]
            if not token:
                break
        self.assertEqual(len(set(seen)), 2, seen)

        got = self.told(server, "POST /v1/collections/faces/points:get",
                        {"ids": [{"number": 7}, {"number": 8}], "withVector": True})
        self.assertEqual(got["missing"], [{"number": "8"}])
        request_id = "00112233-4455-6677-8899-aabbccddeeff"
        for _ in range(2):  # repeated, it answers as the first time
            gone = self.told(server, "POST /v1/collections/faces/points:delete",
                             {"ids": [{"number": 7}]}, Kith_Request_Id=request_id)
            self.assertEqual(gone["deleted"], "1")
        reused = self.call(server, "POST /v1/collections/faces/points:delete",
                           {"ids": [{"number": 9}], "requestId": base64_text(
                               bytes.fromhex(request_id.replace("-", "")))})
        self.assertEqual((reused.code, reused.reason), (400, "REQUEST_ID_REUSED"))
        self.assertEqual(self.told(server, "DELETE /v1/collections/faces"), {})
        self.assertEqual(self.told(server, "GET /v1/collections"), {"collections": []})
        self.assertEqual(server.stop(), 0, server.text())

    def test_training_is_followed_as_an_operation_and_answers_are_those_of_grpc(self):
        server = self.embedded()
        self.fill(server.grpc)
        operation = self.outcome(server, self.told(server, "POST /v1/collections/c:train",
                                                   {"seed": 2}))
        listed = self.told(server, "GET /v1/operations?collection=c")["operations"]
        self.assertIn(operation["id"], [one["id"] for one in listed])
        versions = self.told(server, "GET /v1/collections/c/indexVersions")["versions"]
        self.assertEqual(versions[0]["state"], "STATE_SERVING")
        if operation["promoted"]:
            again = self.told(server, "POST /v1/collections/c:rollback")["versions"]
            self.assertNotEqual(again[0]["version"], versions[0]["version"])
        self.assertTrue(self.told(server, "POST /v1/collections/c:verify")["equal"])

        data = (self.folder / "made.query.fbin").read_bytes()[8 + 3 * 64:8 + 4 * 64]
        of_rest = self.told(server, "POST /v1/collections/c/points:search",
                            {"vector": {"data": base64_text(data)}})["hits"]
        of_grpc = json.loads(self.search(server.grpc))["hits"]
        self.assertEqual([int(hit["id"]["number"]) for hit in of_rest],
                         [hit["id"] for hit in of_grpc])
        batch = self.told(server, "POST /v1/collections/c/points:searchBatch", {
            "queries": base64_text(data * 2), "count": 2}, Kith_Timeout="5s")
        self.assertEqual(batch["counts"], [10, 10])
        self.assertEqual(batch["numbers"][:10], [hit["id"]["number"] for hit in of_rest])
        counted = [line for line in server.page("/metrics")[1].split("\n")
                   if line.startswith("kith_requests_total") and '"SearchBatch"' in line]
        self.assertEqual(len(counted), 1, "REST calls are counted as those of gRPC")
        self.assertTrue('"OK"' in counted[0] and counted[0].endswith(" 1"), counted)
        self.assertEqual(server.stop(), 0, server.text())

    def test_a_collection_comes_back_from_its_backup(self):
        store = self.folder / "store"
        store.mkdir()
        server = self.embedded(environment={"KITH__BACKUP__DIRECTORY": str(store)})
        self.make_pair(server)
        made = self.outcome(server, self.told(server, "POST /v1/backups", {"backup": "first"}))
        self.assertIn("1 collections, 2 points", made["result"])
        (listed,) = self.told(server, "GET /v1/backups")["backups"]
        self.assertEqual((listed["backup"], listed["errorReason"]), ("first", ""))
        verified = self.outcome(server, self.told(server, "POST /v1/backups/first:verify"))
        self.assertIn("is whole", verified["result"])

        again = {"collection": "faces", "target": "again"}
        restored = self.outcome(server, self.told(server, "POST /v1/backups/first:restore", again))
        found = self.told(server, "GET /v1/collections/again")
        self.assertEqual((found["points"], found["incarnation"]), ("2", restored["result"]))
        refused = self.call(server, "POST /v1/backups/first:restore", again)
        self.assertEqual((refused.code, refused.reason), (409, "COLLECTION_EXISTS"))
        self.assertEqual(self.told(server, "DELETE /v1/backups/first"), {})
        self.assertEqual(self.told(server, "GET /v1/backups"), {"backups": []})
        self.assertEqual(server.stop(), 0, server.text())

    def test_errors_are_statuses_with_the_codes_of_http(self):
        server = self.embedded()
        self.make_pair(server)
        search = "POST /v1/collections/faces/points:search"
        for line, body, code, reason in (
                ("GET /v1/collections/none", None, 404, "COLLECTION_NOT_FOUND"),
                ("GET /v1/none", None, 404, "BAD_REQUEST"),
                ("PATCH /v1/collections/faces/points", {}, 405, "BAD_REQUEST"),
                ("POST /v1/collections", {"collection": "faces", "dimension": 2, "metric":
                                          "METRIC_L2", "elementType": "ELEMENT_TYPE_F32"},
                 409, "COLLECTION_EXISTS"),
                (search, {"vector": {"values": [1]}}, 400, "DIMENSION_MISMATCH"),
                (search, {"vector": {"values": ["NaN", 0]}}, 400, "NON_FINITE_VECTOR"),
                (search, {"vector": {"values": [1, 0]}, "parameters": {"limit": 0}}, 400,
                 "LIMIT_OUT_OF_RANGE"),
                ("GET /v1/collections/faces/points?page_token=x", None, 400, "BAD_PAGE_TOKEN"),
                ("GET /v1/operations/none", None, 404, "OPERATION_NOT_FOUND"),
                ("GET /v1/backups", None, 400, "BACKUPS_OFF"),
                ("POST /v1/collections/faces:train", {}, 400, "TOO_FEW_POINTS")):
            answer = self.call(server, line, body)
            self.assertEqual((answer.code, answer.reason), (code, reason), (line, answer.json))
        wrong_verb = self.call(server, "PATCH /v1/collections/faces/points", {})
        self.assertEqual(wrong_verb.headers["Allow"], "GET, PUT")
        late = self.call(server, search, {"vector": {"values": [1, 0]}}, Kith_Timeout="61s")
        self.assertEqual((late.code, late.reason), (400, "DEADLINE_REQUIRED"))

        unknown = self.call(server, search, {"vector": {"values": [1, 0]}, "parametres": {}})
        self.assertEqual((unknown.code, unknown.field), (400, "parametres"))
        deep = {"exists": {"field": "name"}}
        for _ in range(17):
            deep = {"allOf": {"filters": [deep]}}
        answer = self.call(server, search, {"vector": {"values": [1, 0]},
                                            "parameters": {"filter": deep}})
        self.assertEqual((answer.code, answer.reason), (400, "BAD_FILTER"))

    def test_what_is_no_request_is_refused_and_the_server_goes_on(self):
        server = self.embedded()
        put = "PUT /v1/collections/c/points"
        self.assertEqual(self.call(server, put, b"{}", Content_Type="text/plain").code, 415)
        self.assertEqual(self.call(server, put, b"{}", Content_Encoding="gzip").code, 415)
        for body in (b"", b"[]", b"{", b"{\"points\": [\xff]}", b"\x00\x01", b"{\"a\":" * 100_000,
                     b"[" * 1_000_000):
            if body:
                answer = self.call(server, put, body)
                self.assertEqual((answer.code, answer.reason), (400, "BAD_REQUEST"), body[:20])
        self.assertEqual(self.call(server, put, {}, Origin="http://elsewhere.example").code, 403)
        self.assertEqual(self.call(server, "GET /v1/collections", Host="elsewhere.example").code, 403)

        host, port = server.http.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as raw:
            raw.sendall(b"PUT /v1/collections/c/points HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Type: application/json\r\nContent-Length: 2147483648\r\n\r\n{")
            begin = time.monotonic()
            self.assertTrue(raw.recv(4096).startswith(b"HTTP/1.1 413 "))
            self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(server.page("/livez")[0], 200)
        self.assertEqual(server.stop(), 0, server.text())

    def test_every_operation_of_openapi_is_there_and_references_lead_somewhere(self):
        server = self.embedded()
        document = self.told(server, "GET /openapi.json")
        self.assertTrue(document["openapi"].startswith("3.0"))
        for path, item in document["paths"].items():
            for verb in item:
                answer = self.call(server, f"{verb.upper()} {path.replace('{', '').replace('}', '')}",
                                   None if verb in ("get", "delete") else {})
                self.assertNotEqual(answer.code, 405, path)
                self.assertNotIn("there is no /", answer.json.get("message", ""), path)
        names = document["components"]["schemas"]
        for name in json.dumps(document).split('"#/components/schemas/')[1:]:
            self.assertIn(name.split('"')[0], names)

    def test_a_shard_node_has_no_rest(self):
        node = self.start("--role", "shard", "--node-listen", "127.0.0.1:0", "--data",
                          str(self.folder / "node")).await_ready()
        self.assertEqual(node.page("/v1/collections")[0], 404)
        self.assertEqual(node.page("/openapi.json")[0], 404)


if __name__ == "__main__":
    unittest.main()
