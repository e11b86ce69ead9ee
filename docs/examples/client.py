#!/usr/bin/env python3
"""Sends a file to a sealquay server. A whole client of the documented protocol
in one page, as an example for other languages: docs/PROTOCOL.md, section 1.

    python3 client.py HOST PORT NAME FILE

It needs Python's standard library and the program openssl, for the
cryptography. It keeps its identity in me.info and its key in key.pem, in the
working directory."""

import os
import pathlib
import socket
import struct
import subprocess
import sys
import zlib


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, check=True).stdout


def text(value):
    """A string field: 255 bytes, zero-padded, with at least one NUL."""
    value = value.encode()
    if len(value) > 254:
        sys.exit("a name has 254 bytes at most")
    return value.ljust(255, b"\0")


class Connection:
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port))
        self.id = bytes(16)

    def send(self, code, payload):
        self.socket.sendall(self.id + struct.pack("<BHI", 3, code, len(payload)) + payload)

    def receive(self, expected):
        version, code, size = struct.unpack("<BHI", self.exactly(7))
        payload = self.exactly(size)  # a response may come in pieces
        if code == 2101:
            raise PermissionError("the server refused the request; its log says why")
        if code != expected:
            sys.exit(f"the server answered {code} instead of {expected}")
        return payload

    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                sys.exit("the server closed the connection")
            data += piece
        return data


def identify(connection, name):
    """1100, unless an earlier run has done it: an id is given once."""
    me = pathlib.Path("me.info")
    if me.exists():
        connection.id = bytes.fromhex(me.read_text().splitlines()[1])
        return
    connection.send(1100, text(name))
    connection.id = connection.receive(2100)
    me.write_text(f"{name}\n{connection.id.hex()}\n")


def exchange_key(connection, name):
    """1101: the server sends an AES key under our RSA key."""
    if not os.path.exists("key.pem"):
        # A public exponent of one byte, so that the key fits into 160 bytes.
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024",
                "-pkeyopt", "rsa_keygen_pubexp:17", "-out", "key.pem")
    public = openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")
    connection.send(1101, text(name) + public.ljust(160, b"\0"))
    sealed = connection.receive(2102)[16:]
    return openssl("pkeyutl", "-decrypt", "-inkey", "key.pem", "-pkeyopt", "rsa_padding_mode:oaep", data=sealed)


def send_file(connection, key, path):
    """1103, and 1104 if the CRC is right; up to four times."""
    name, content = os.path.basename(path), pathlib.Path(path).read_bytes()
    encrypted = openssl("enc", "-aes-128-cbc", "-K", key.hex(), "-iv", "00" * 16, data=content)  # PKCS#7
    for attempt in range(4):
        connection.send(1103, connection.id + struct.pack("<I", len(encrypted)) + text(name) + encrypted)
        checksum, = struct.unpack("<I", connection.receive(2103)[-4:])
        if checksum == zlib.crc32(content):
            connection.send(1104, connection.id + text(name))
            connection.receive(2104)  # from now on the file is safe
            return
        connection.send(1105 if attempt < 3 else 1106, connection.id + text(name))
        connection.receive(2104)
    sys.exit("the content was damaged every time")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    host, port, name, path = sys.argv[1:]
    connection = Connection(host, int(port))
    identify(connection, name)
    send_file(connection, exchange_key(connection, name), path)
    print(f"acknowledged: {path}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"client: {error}")
