"""Peers that mean no good: many connections that send garbage, headers that never end, requests taken back at once, and frames
that are too large. In a process of its own, so that who measures is not slowed down by it.

    hostile.py HOST:PORT CONNECTIONS SECONDS [CA KEY CERTIFICATE]    prints what it did, as JSON

HOSTILE_NICE in the environment: that much nicer to the rest of the machine, since two cores are shared with who measures."""

import asyncio
import json
import os
import random
import ssl
import struct
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, CONTINUATION = 0, 1, 3, 4, 9
END_STREAM, END_HEADERS = 1, 4
A_SOURCE = 250  # connections of one address: under the server's cap, so that all of them get in
AGAIN_S = 0.25  # until a peer that was thrown out comes back
RESETS = 20     # at a time,
PACE_S = 0.1    # every so often
BUSY_S = 60


def frame(kind, flags, stream, payload=b"", length=None):
    return struct.pack(">I", len(payload) if length is None else length)[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name, text):
    return bytes((name, len(text))) + text


# POST, the path, and what gRPC wants to see.
BLOCK = (b"\x83\x86" + literal(0x44, b"/grpc.health.v1.Health/Check") + literal(0x41, b"localhost") +
         literal(0x5f, b"application/grpc") + b"\x40\x02te\x08trailers")
HELLO = PREFACE + frame(SETTINGS, 0, 0)


async def garbage(write):
    while True:
        await write(os.urandom(4096))


async def garbage_in_frames(write):
    """A good start, then frames of every kind with anything in them."""
    await write(HELLO)
    while True:
        await write(frame(random.randrange(12), random.randrange(256), random.randrange(8), os.urandom(random.randrange(200))))


async def slow_headers(write):
    await write(HELLO + frame(HEADERS, 0, 1, BLOCK[:5]))
    while True:
        await write(frame(CONTINUATION, 0, 1, b"\x40"), 1)


async def half_requests(write):
    """Whole headers, and a message of which a byte comes now and then."""
    streams = range(1, 9, 2)
    await write(HELLO + b"".join(frame(HEADERS, END_HEADERS, s, BLOCK) + frame(DATA, 0, s, b"\0" + struct.pack(">I", 200000)) for s in streams))
    while True:
        await write(b"".join(frame(DATA, 0, s, b"x") for s in streams), 1)


async def rapid_resets(write):
    await write(HELLO)
    stream = 1
    while True:
        burst = []
        for _ in range(RESETS):
            burst.append(frame(HEADERS, END_HEADERS, stream, BLOCK) + frame(DATA, END_STREAM, stream, bytes(5)) +
                         frame(RESET, 0, stream, struct.pack(">I", 8)))
            stream += 2
        await write(b"".join(burst))


async def oversize_frames(write):
    await write(HELLO + frame(DATA, 0, 1, os.urandom(16384), length=0xffffff))
    while True:
        await write(os.urandom(16384))


async def oversize_messages(write):
    """Each frame is good; the message that they make is promised to be two gigabytes."""
    await write(HELLO + frame(HEADERS, END_HEADERS, 1, BLOCK) + frame(DATA, 0, 1, b"\0" + struct.pack(">I", 0x7fffffff)))
    while True:
        await write(frame(DATA, 0, 1, bytes(1000)))


KINDS = [garbage, garbage_in_frames, slow_headers, half_requests, rapid_resets, oversize_frames, oversize_messages]


class Crowd:
    def __init__(self, host, port, context):
        self.host, self.port, self.context = host, port, context
        self.done = {"connections": 0, "refused": 0, "thrown_out": 0, "bytes": 0}

    async def play(self, number, kind):
        """One connection from its beginning to its end."""
        # Some speak no TLS where it is wanted.
        context = None if kind is garbage and number % 2 == 0 else self.context
        source = ("127.0.0.%d" % (2 + number // A_SOURCE), 0)
        reader, writer = await asyncio.wait_for(asyncio.open_connection(self.host, self.port, local_addr=source, ssl=context,
                                                                         server_hostname="localhost" if context else None), 30)
        self.done["connections"] += 1

        async def read_away():
            while await reader.read(65536):
                pass
            raise ConnectionError("closed")

        async def write(data, pace_s=PACE_S):
            writer.write(data)
            self.done["bytes"] += len(data)
            await asyncio.wait_for(writer.drain(), 30)
            await asyncio.sleep(pace_s)

        try:
            await asyncio.gather(read_away(), kind(write))
        finally:
            writer.transport.abort()

    async def peer(self, number):
        kind = KINDS[number % len(KINDS)]
        while True:
            try:
                await self.play(number, kind)
            except (OSError, ssl.SSLError, asyncio.TimeoutError) as e:
                self.done["thrown_out" if isinstance(e, ConnectionError) else "refused"] += 1
            await asyncio.sleep(AGAIN_S)

    async def run(self, connections, seconds):
        peers = [asyncio.ensure_future(self.peer(n)) for n in range(connections)]
        await asyncio.sleep(seconds)
        # A busy machine may need longer until each has been there.
        for _ in range(int(BUSY_S / PACE_S)):
            if self.done["connections"] >= len(peers):
                break
            await asyncio.sleep(PACE_S)
        print(json.dumps(self.done), flush=True)
        os._exit(0)  # with all of their connections; ending them one by one takes longer than they lasted


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    context = None
    if len(sys.argv) > 4:
        context = ssl.create_default_context(cafile=sys.argv[4])
        context.load_cert_chain(sys.argv[6], sys.argv[5])
        context.set_alpn_protocols(["h2"])
    crowd = Crowd(host, int(port), context)
    os.nice(int(os.environ.get("HOSTILE_NICE", "0")))
    asyncio.run(crowd.run(int(sys.argv[2]), float(sys.argv[3])))


if __name__ == "__main__":
    main()
