"""Makes what the seed's Python server leaves: server.db and Clients.

usage: make.py kind DIR, with kind good or hostile. Independent of the code
that reads it: Python's own sqlite3, zlib and base64.
"""
import base64
import os
import sqlite3
import sys
import zlib

kind, root = sys.argv[1:]
os.makedirs(root, exist_ok=True)
db = sqlite3.connect(os.path.join(root, "server.db"))
db.execute("CREATE TABLE clients(ID TEXT NOT NULL PRIMARY KEY, Client_Name TEXT, Public_Key TEXT, Last_Seen TEXT, AES_Key TEXT)")
db.execute("CREATE TABLE files(ID TEXT, File_Name TEXT, File_Path TEXT, FILE_CRC INTEGER PRIMARY KEY, Verified INTEGER)")

KEY = base64.b64encode(bytes(range(160))).decode()


def client(id, name, key=KEY, seen="23/11/26 14:31:26"):
    db.execute("INSERT INTO clients VALUES (?,?,?,?,?)", (id, name, key, seen, base64.b64encode(b"k" * 16).decode()))


def file(id, folder, name, content=None, path=None, crc=None, verified=1):
    place = path or os.path.join("Clients", folder, name)
    if content is not None:
        os.makedirs(os.path.join(root, "Clients", folder), exist_ok=True)
        with open(os.path.join(root, place.replace("\\", "/")), "wb") as f:
            f.write(content)
    crc = crc if crc is not None else zlib.crc32(content)
    db.execute("INSERT INTO files VALUES (?,?,?,?,?)", (id, name, place, crc, verified))


A, B, C = ("0123456789abcdef0123456789abcde%x" % n for n in range(3))
if kind == "good":
    client(A, "Michael Jackson")
    client(B.upper(), "no key yet", None, "01/02/23 03:04:05")
    file(A, "Michael Jackson", "a.txt", b"the first file")
    file(A, "Michael Jackson", "b.txt", b"the second file", path="Clients\\Michael Jackson\\b.txt")
    file(B.upper(), "no key yet", "posix.txt", b"123456789", crc=930766865)  # POSIX cksum
    file(B.upper(), "no key yet", "empty", b"")
if kind == "hostile":
    client(A, "anna")
    client("xyz", "bad id")
    client(B, "anna")
    client(C, "short key", base64.b64encode(b"short").decode(), "yesterday")
    client("f" * 32, "n" * 300)
    file(A, "anna", "good.txt", b"good")
    file(A, "anna", "missing.txt", crc=1)
    file(A, "anna", "differs.txt", b"what is there", crc=2)
    file(A, "anna", "outside", path="../../etc/passwd", crc=3)
    file(A, "anna", "absolute", path="/etc/passwd", crc=4)
    os.symlink("/etc/passwd", os.path.join(root, "Clients", "anna", "link"))
    file(A, "anna", "link", crc=5)
    file(A, "anna", "rejected.txt", b"never confirmed", verified=0)
    file(A, "anna", "..", path="Clients/anna/good.txt", crc=6)
    os.makedirs(os.path.join(root, "Clients", "anna", "folder"))
    open(os.path.join(root, "Clients", "anna", "folder", "inside"), "wb").close()
    file(A, "anna", "folder", crc=7)
    file(A, "anna", "crc.txt", b"no number", crc=1 << 40)
    file(B, "anna", "of nobody.txt", b"of nobody")
    file("", "anna", "of an empty id", b"of an empty id")
db.commit()
db.close()
