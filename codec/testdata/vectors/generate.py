"""Writes requests.json and responses.json beside this file.

It is written from docs/PROTOCOL.md and shares nothing with the Go code, so that
the two can be held against each other. With --check it writes nothing and fails
if the files are not what it would write. Standard library only.
"""

import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).parent
NO_ID = bytes(16)
ID = bytes.fromhex("7d3a915c0be84f62a1d70c5e9b42f813")
OTHER_ID = bytes.fromhex("e1b24c770f9a4d38855b61c3fa2096dd")
KEY = bytes(range(0x30, 0x30 + 160))
SEALED_KEY = bytes(range(0x81, 0x81 + 127)) + b"\x01"
CONTENT_16 = bytes(range(0xA0, 0xB0))
CONTENT_48 = bytes(range(0xC0, 0xF0))
CONTENT_256 = bytes(range(256))


def text(value, width=255):
    raw = value.encode()
    assert len(raw) <= width
    return raw.ljust(width, b"\0")


def header(client_id, code, size, version=3):
    return struct.pack("<16sBHI", client_id, version, code, size)


class Stream:
    """What one client sends on one connection, and what must be found in it."""

    def __init__(self, name, section, description, dialect="documented", canonical=True):
        self.name, self.section, self.description = name, section, description
        self.dialect, self.canonical, self.complete = dialect, canonical, True
        self.raw, self.expect, self.pauses = b"", [], []

    def seed(self):
        return self.dialect == "seed"

    def request(self, client_id, code, size, body, payload, version=3, **more):
        self.raw += header(client_id, code, size, version) + body
        declared = {"client_id": client_id.hex(), "version": version, "payload_size": size}
        self.expect.append({"event": "request", "code": code, "header": declared, "payload": payload, **more})
        return self

    def refused(self, client_id, code, size, body, reason):
        self.raw += header(client_id, code, size) + body
        self.expect.append({"event": "refused", "code": code, "reason": reason})
        self.canonical = False
        self.complete = reason != "framing_lost"
        return self

    def then(self, raw):
        """Bytes of which nothing is reported."""
        self.raw += raw
        return self

    def pause(self):
        self.pauses.append(len(self.raw))
        return self

    def cut(self, size):
        self.raw, self.canonical, self.complete = self.raw[:size], False, False
        return self

    def registration(self, name="alice", client_id=NO_ID, size=None, body=None, version=3):
        if size is None:
            size = len(name.encode()) if self.seed() else 255
        return self.request(client_id, 1100, size, body or text(name), {"name": name}, version)

    def public_key(self, name="alice", client_id=ID, size=None, key=KEY):
        if size is None:
            size = len(name.encode()) + 160 if self.seed() else 415
        key = key.ljust(160, b"\0")
        return self.request(client_id, 1101, size, text(name) + key, {"name": name, "public_key": key.hex()})

    def file(self, content, name="notes.txt", client_id=ID, size=None, content_size=None):
        if content_size is None:
            content_size = len(content)
        if size is None:
            size = 16 + len(content) + len(name.encode()) if self.seed() else 275 + len(content)
        self.request(
            client_id, 1103, size, struct.pack("<16sI", client_id, content_size) + text(name),
            {"client_id": client_id.hex(), "content_size": content_size, "file_name": name},
            content_length=len(content))
        self.raw += content
        self.expect.append({"event": "content", "bytes": content.hex()})
        return self

    def verdict(self, code, name="notes.txt", client_id=ID, size=271):
        return self.request(
            client_id, code, size, client_id + text(name), {"client_id": client_id.hex(), "file_name": name})

    def vector(self):
        vector = {
            "name": self.name, "description": self.description, "section": self.section,
            "dialect": self.dialect, "bytes": self.raw.hex()}
        if self.pauses:
            vector["pauses"] = self.pauses
        return vector | {"canonical": self.canonical, "complete": self.complete, "expect": self.expect}


def documented():
    section = "1, Requests"
    yield Stream("registration", section, "A new client asks for an id.").registration()
    yield Stream("registration_longest_name", section, "A name of 254 bytes: one NUL is left.").registration("n" * 254)
    yield Stream("registration_utf8_name", section, "A name in UTF-8, 2 and 3 bytes a character.").registration("Zoë 海")
    yield Stream("public_key", section, "A client sends its RSA key.").public_key()
    yield Stream("public_key_padded", section, "A key of 140 bytes, zero-padded to 160.").public_key(key=KEY[:140])
    yield Stream("encrypted_file_one_block", section, "A file of 1 to 15 bytes: one block.").file(CONTENT_16)
    yield Stream("encrypted_file", section, "A file of three blocks.").file(CONTENT_48)
    yield Stream("encrypted_file_longest_name", section, "A file name of 254 bytes.").file(CONTENT_16, "f" * 254)
    yield Stream("valid_crc", section, "The CRC is right.").verdict(1104)
    yield Stream("invalid_crc", section, "The CRC is wrong, 1103 follows again.").verdict(1105)
    yield Stream("giving_up", section, "The CRC is wrong for the last time.").verdict(1106)
    yield Stream("session", "1, State", "A first run: all requests of one session in one stream.") \
        .registration().public_key().file(CONTENT_48).verdict(1104)
    yield Stream("session_with_retries", "1, State", "Two files, the first after one retry.").public_key() \
        .file(CONTENT_48).verdict(1105).file(CONTENT_48).verdict(1104) \
        .file(CONTENT_16, "b.bin").verdict(1104, "b.bin")
    size = (2**32 - 1 - 275) // 16 * 16
    body = struct.pack("<16sI", ID, size) + text("big.iso")
    payload = {"client_id": ID.hex(), "content_size": size, "file_name": "big.iso"}
    yield Stream("largest_content", "1, Framing", "The head of the largest 1103; its content does not come.") \
        .request(ID, 1103, 275 + size, body, payload, content_length=size).cut(298)


def seed():
    def stream(name, description, canonical=True):
        return Stream(name, "2", description, "seed", canonical)

    yield stream("seed_registration", "1100 declares the length of the name; 255 bytes follow.").registration()
    yield stream("seed_registration_longest_name", "A name of 254 bytes.").registration("n" * 254)
    yield stream("seed_public_key", "1101 declares the length of the name + 160; 415 bytes follow.").public_key()
    yield stream("seed_session", "A first run. The file name has .enc in 1103 only.") \
        .registration().public_key().file(CONTENT_48, "notes.txt.enc").verdict(1104)
    yield stream("seed_second_run", "A second run starts with 1100 too.") \
        .registration(client_id=ID).public_key().file(CONTENT_16, "notes.txt.enc").verdict(1104)
    yield stream("seed_retries", "Three retries, then 1106.").registration().public_key() \
        .file(CONTENT_16, "a.enc").verdict(1105, "a").file(CONTENT_16, "a.enc").verdict(1105, "a") \
        .file(CONTENT_16, "a.enc").verdict(1105, "a").file(CONTENT_16, "a.enc").verdict(1106, "a")
    yield stream("seed_holds_after_documented_size", "A later 1100 with payload size 255 does not change the dialect.",
                 canonical=False).registration().registration("bob", size=255).file(CONTENT_16, "a.enc")
    yield stream("seed_payload_size_ignored", "In 1103 content size counts, whatever payload size says.",
                 canonical=False).registration().file(CONTENT_48, size=0).verdict(1104)
    body = struct.pack("<16sI", ID, 17) + text("notes.txt")
    yield stream("seed_content_size_17", "A size that cannot be right, and payload size agrees: the stream goes on.") \
        .registration().refused(ID, 1103, 16 + 17 + 9, body + bytes(17), "content_size").verdict(1104)
    body = struct.pack("<16sI", ID, 0) + text("notes.txt")
    yield stream("seed_content_size_0", "No content at all: the stream goes on.") \
        .registration().refused(ID, 1103, 16 + 9, body, "content_size").verdict(1104)
    body = struct.pack("<16sI", ID, 17) + text("notes.txt")
    yield stream("seed_framing_lost", "A size that cannot be right, and payload size says something else.") \
        .registration().refused(ID, 1103, 16 + 32 + 9, body + CONTENT_48, "framing_lost")


def other_programs():
    def row(number, name, description, canonical=False):
        return Stream(f"row_{number}_{name}", f"3, row {number}", description, canonical=canonical)

    for size in (275, 276):
        yield row(1, f"payload_size_{size}", f"1103 says payload size {size}; content is not counted.") \
            .file(CONTENT_48, size=size).verdict(1104)
    yield row(2, "content_size_plain", "1103 says the plain size, 37, as content size.") \
        .file(CONTENT_48, content_size=37).verdict(1104)
    yield row(2, "content_size_cut", "Content size 256 is cut at its first zero byte: 0.") \
        .file(CONTENT_256, content_size=0).verdict(1104)
    yield row(2, "content_size_other_multiple", "Content size is a multiple of 16, but not the right one.") \
        .file(CONTENT_48, content_size=32).verdict(1104)
    for code in (1104, 1105, 1106):
        yield row(3, f"payload_size_0_in_{code}", f"{code} says payload size 0; 271 bytes follow.") \
            .verdict(code, size=0).public_key()
    yield row(3, "any_payload_size", "Every fixed-size request has its length from its code.") \
        .registration(size=0).public_key(size=2**32 - 1).verdict(1104, size=270).verdict(1105, size=2**32 - 1)
    yield row(4, "short_registration", "1100 ends with the name. It is complete when the grace has passed.") \
        .registration(size=5, body=b"alice").pause()
    yield row(4, "short_registration_session", "The session goes on as a documented one after the grace.") \
        .registration(size=5, body=b"alice").pause().public_key().file(CONTENT_16).verdict(1104)
    yield row(4, "short_registration_twice", "Two of them; the first name was taken.") \
        .registration(size=5, body=b"alice").pause().registration("bob", size=3, body=b"bob").pause()
    yield row(4, "short_registration_with_nul", "The length counts the NUL.") \
        .registration(size=6, body=b"alice\0").pause().public_key()
    stream = Stream("row_4_seed_padding_late", "3, row 4", "A pause where the name has not ended: still the seed's.", "seed")
    stream.registration().pauses += [23, 23 + 4, 23 + 6, 23 + 100]
    yield stream
    yield row(5, "random_id", "Random bytes as client id in 1100.", canonical=True).registration(client_id=OTHER_ID)
    yield row(6, "second_run", "A second run: 1101 first, with the stored id.", canonical=True) \
        .public_key().file(CONTENT_16).verdict(1104)
    yield row(7, "file_first", "One connection per request: this one has 1103 only.", canonical=True).file(CONTENT_16)
    yield row(7, "late_invalid_crc", "The 1105 comes after the next 1103.", canonical=True) \
        .file(CONTENT_16).file(CONTENT_16).verdict(1105).verdict(1104)
    yield row(10, "path_with_slashes", "A full path as file name; 2103 repeats all of it.", canonical=True) \
        .file(CONTENT_16, "/home/alice/notes.txt").verdict(1104, "/home/alice/notes.txt")
    yield row(10, "path_with_backslashes", "The same with drive and backslashes.", canonical=True) \
        .file(CONTENT_16, "C:\\Users\\alice\\notes.txt").verdict(1104, "C:\\Users\\alice\\notes.txt")
    yield row(12, "giving_up_after_invalid", "1106 right after a 1105.", canonical=True) \
        .public_key().file(CONTENT_16).verdict(1105).file(CONTENT_16).verdict(1105).verdict(1106)
    yield row(12, "four_tries", "One try and three retries, then 1106.", canonical=True).public_key() \
        .file(CONTENT_16).verdict(1105).file(CONTENT_16).verdict(1105) \
        .file(CONTENT_16).verdict(1105).file(CONTENT_16).verdict(1106)
    yield row(14, "empty_file", "An empty file: 16 bytes of padding.", canonical=True).file(CONTENT_16, "empty")


def bad_input():
    def stream(name, description):
        return Stream(name, "1, Framing", description, canonical=False)

    yield stream("unknown_code_with_payload", "An unknown code: its payload is passed over.") \
        .refused(ID, 1102, 7, b"payload", "unknown_code").verdict(1104)
    yield stream("unknown_code_without_payload", "An unknown code with nothing behind it.") \
        .refused(ID, 0, 0, b"", "unknown_code").verdict(1104)
    yield stream("unknown_code_decides_dialect", "After an unknown code the connection is a documented one.") \
        .refused(ID, 9999, 3, b"abc", "unknown_code").registration(size=5).verdict(1104)
    yield stream("response_as_request", "A response's code is no request's.") \
        .refused(ID, 2103, 16, CONTENT_16, "unknown_code").public_key()
    for size in (17, 15, 1, 0):
        body = struct.pack("<16sI", ID, size) + text("notes.txt") + bytes(size)
        yield stream(f"content_size_{size}", "Both sizes agree on what cannot be right: the stream goes on.") \
            .refused(ID, 1103, 275 + size, body, "content_size").verdict(1104)
    for name, size, content_size, why in (
            ("contradiction", 275 + 17, 32, "payload size says 17 bytes of content, content size 32"),
            ("payload_size_0", 0, 48, "payload size 0 cannot hold the fields"),
            ("payload_size_274", 274, 48, "payload size is one byte too small for the fields"),
            ("not_counted_17", 275, 17, "content is not counted, and its size cannot be right"),
            ("payload_size_277", 277, 48, "payload size counts two bytes of content")):
        body = struct.pack("<16sI", ID, content_size) + text("notes.txt") + CONTENT_48
        yield stream(f"framing_lost_{name}", f"Framing is lost: {why}.") \
            .verdict(1104).refused(ID, 1103, size, body, "framing_lost")

    section, full = "1, Requests", b"n" * 255
    for name, code, size, body in (
            ("registration", 1100, 255, full),
            ("public_key", 1101, 415, full + KEY),
            ("encrypted_file", 1103, 275 + 48, ID + struct.pack("<I", 48) + full + CONTENT_48),
            ("valid_crc", 1104, 271, ID + full)):
        yield Stream(f"no_nul_in_{name}", section, "A name without NUL: refused, and the stream goes on.") \
            .refused(ID, code, size, body, "name_not_terminated").verdict(1104)
    yield Stream("name_empty", section, "An empty name is framed; the server refuses it later.") \
        .registration("").public_key("")
    yield Stream("bytes_after_nul", section, "What is behind the NUL has no meaning.", canonical=False) \
        .registration(body=b"alice\0" + b"\xcc" * 249).verdict(1104)
    yield Stream("version_2", "1, Headers", "The version is not looked at.", canonical=False).registration(version=2)

    nothing = stream("nothing", "A connection without a byte; its dialect is undecided.")
    nothing.dialect = "undecided"
    yield nothing
    header_cut = stream("header_cut_short", "The bytes end inside a header.").verdict(1104).then(header(ID, 1105, 271))
    yield header_cut.cut(23 + 271 + 22)
    payload_cut = stream("payload_cut_short", "The bytes end one byte before the end of a request.").public_key().verdict(1104)
    payload_cut.expect.pop()
    yield payload_cut.cut(23 + 415 + 23 + 270)
    content_cut = stream("content_cut_short", "The bytes end inside the content.").file(CONTENT_48)
    content_cut.expect[1]["bytes"] = CONTENT_48[:20].hex()
    yield content_cut.cut(23 + 275 + 20)
    skip_cut = stream("unknown_payload_cut_short", "The bytes end inside the payload of an unknown code.")
    yield skip_cut.refused(ID, 1200, 2**32 - 1, b"", "unknown_code").then(b"abc").cut(23 + 3)


class Answers(Stream):
    """What one server sends on one connection, and what must be found in it."""

    def response(self, code, body=b"", payload=None, size=None, more=b""):
        zero = b"\0" if self.seed() else b""
        size = len(body + more) if size is None else size
        self.raw += b"\x03" + zero + struct.pack("<HI", code, size) + body + more
        self.expect.append({"event": "response", "code": code, "payload": payload or {}})
        return self

    def approved(self, **more):
        return self.response(2100, ID, {"client_id": ID.hex()}, **more)

    def key_exchange(self):
        return self.response(2102, ID + SEALED_KEY, {"client_id": ID.hex(), "encrypted_aes_key": SEALED_KEY.hex()})

    def received(self, cksum, name="notes.txt", content_size=48, digits=None):
        tail = struct.pack("<I", cksum)
        if self.seed():
            tail = digits or str(cksum).encode().ljust(10, b"\0")
        body = struct.pack("<16sI", ID, content_size) + text(name) + tail
        payload = {"client_id": ID.hex(), "content_size": content_size, "file_name": name, "cksum": cksum}
        return self.response(2103, body, payload)

    def error(self):
        """The last response cannot be read."""
        self.expect[-1] = {"event": "error"}
        self.canonical = self.complete = False
        return self


def responses():
    def one(name, description, dialect, **more):
        section = {"documented": "1, Responses", "seed": "2"}[dialect]
        prefix = {"documented": "", "seed": "seed_"}[dialect]
        return Answers(prefix + name, section, description, dialect, **more)

    for dialect in ("documented", "seed"):
        yield one("registration_approved", "The client's new id.", dialect).approved()
        yield one("registration_error", "Refused.", dialect).response(2101)
        yield one("key_exchange", "The AES key under the client's RSA key.", dialect).key_exchange()
        yield one("file_received", "The CRC of what arrived.", dialect).received(0xCBF43926)
        yield one("file_received_largest_cksum", "The largest CRC.", dialect).received(2**32 - 1)
        yield one("file_received_cksum_0", "The CRC of an empty file.", dialect).received(0, content_size=16)
        yield one("file_received_longest_name", "A file name of 254 bytes.", dialect).received(930766865, "f" * 254)
        yield one("acknowledged", "Done.", dialect).response(2104)
        yield one("session", "A whole session, the CRC rejected once.", dialect) \
            .approved().key_exchange().received(1).response(2104).received(0xCBF43926).response(2104)
        yield one("second_run", "The name is taken, the key is made.", dialect) \
            .response(2101).key_exchange().received(0xCBF43926).response(2104)
        yield one("unknown_code", "A code that no response has.", dialect).response(2104).response(2105).error()
        no_nul = struct.pack("<16sI", ID, 48) + b"f" * 255 + b"1" * (10 if dialect == "seed" else 4)
        yield one("no_nul", "A file name without NUL.", dialect).response(2103, no_nul).error()
        nothing_whole = one("cut_short", "The bytes end one byte before the end of a response.", dialect).key_exchange()
        nothing_whole.expect.clear()
        yield nothing_whole.cut(len(nothing_whole.raw) - 1)
    yield one("payload_longer", "A payload longer than its fields: the rest is passed over.", "documented",
              canonical=False).approved(more=b"rest").response(2104)
    yield one("payload_shorter", "A payload shorter than its fields.", "documented") \
        .response(2100, ID, size=15).error()
    yield one("payload_size_ignored", "The length of a response comes from its code.", "seed",
              canonical=False).approved(size=0).response(2104).approved(size=17).response(2104, size=2**32 - 1).response(2104)
    yield one("cksum_no_number", "A cksum that is no number.", "seed").received(0, digits=b"12345abc\0\0").error()
    yield one("cksum_too_large", "A cksum of 33 bits.", "seed").received(0, digits=b"4294967296").error()
    yield one("cksum_empty", "A cksum without a digit.", "seed").received(0, digits=bytes(10)).error()


def main():
    requests = [*documented(), *seed(), *other_programs(), *bad_input()]
    failed = False
    for name, streams in (("requests.json", requests), ("responses.json", [*responses()])):
        vectors = [stream.vector() for stream in streams]
        assert len({vector["name"] for vector in vectors}) == len(vectors), "a name is used twice"
        written = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
        path = HERE / name
        if "--check" not in sys.argv:
            path.write_text(written, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != written:
            failed = True
            print(f"{name} is not what generate.py writes", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
