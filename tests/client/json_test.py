"""Our JSON against Google's own printer, on messages made by chance from their descriptors."""

import json
import math
import os
import random
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "py"))

from google.protobuf import json_format, struct_pb2, wrappers_pb2
from google.protobuf.descriptor import FieldDescriptor as F
from okta.connector.v1 import connector_pb2, directory_pb2, login_pb2

DUMP = os.path.join(HERE, "json_dump")
TEXTS = ["", "ada", "Åsa Öberg", "日本語 🙂", 'quote " and \\ slash', "line\nfeed\ttab", "\x01\x1b[31m", "\x7f\x9b\u202e\u2028\u200b", "a" * 3000]
NUMBERS = {
    F.CPPTYPE_INT32: [0, 1, -1, 2**31 - 1, -2**31],
    F.CPPTYPE_INT64: [0, 1, -1, 2**63 - 1, -2**63],
    F.CPPTYPE_UINT32: [0, 1, 2**32 - 1],
    F.CPPTYPE_UINT64: [0, 1, 10**12, 2**64 - 1],
    F.CPPTYPE_DOUBLE: [0.0, 1.0, -1.5, 0.1, 55.605, 1 / 3, 1e300, 5e-324, 2.0**53, 1e22, math.pi],
    F.CPPTYPE_FLOAT: [0.0, 1.0, -1.5],
    F.CPPTYPE_BOOL: [False, True],
}


class Maker:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def value(self, depth):
        kind = self.chance.randrange(6 if depth < 4 else 4)
        if kind == 0:
            return None
        if kind == 1:
            return self.chance.choice(NUMBERS[F.CPPTYPE_DOUBLE])
        if kind == 2:
            return self.chance.choice(TEXTS)
        if kind == 3:
            return self.chance.random() < 0.5
        if kind == 4:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(3))]
        return {self.chance.choice(TEXTS): self.value(depth + 1) for _ in range(self.chance.randrange(3))}

    def scalar(self, field):
        if field.cpp_type == F.CPPTYPE_ENUM:
            return self.chance.choice([v.number for v in field.enum_type.values] + [77])
        if field.type == F.TYPE_BYTES:
            return bytes(self.chance.randrange(256) for _ in range(self.chance.randrange(8)))
        if field.cpp_type == F.CPPTYPE_STRING:
            return self.chance.choice(TEXTS)
        return self.chance.choice(NUMBERS[field.cpp_type])

    def fill(self, message, depth=0):
        name = message.DESCRIPTOR.full_name
        if name == "google.protobuf.Timestamp":
            message.seconds = self.chance.choice([0, 1, 1773480413, 253402300799, -1, -62135596800])
            message.nanos = self.chance.choice([0, 589000000, 500000000, 1000, 1, 999999999])
        elif name == "google.protobuf.Duration":
            sign = self.chance.choice([1, -1])
            message.seconds = sign * self.chance.choice([0, 1, 15, 315576000000])
            message.nanos = sign * self.chance.choice([0, 500000000, 1000, 1])
        elif name == "google.protobuf.Struct":
            message.update({self.chance.choice(TEXTS): self.value(0) for _ in range(4)})
        else:
            for field in message.DESCRIPTOR.fields:
                self.set(message, field, depth)

    def set(self, message, field, depth):
        if self.chance.random() < 0.3:
            return
        if field.message_type is not None:
            if field.label == F.LABEL_REPEATED:
                for _ in range(self.chance.randrange(3)):
                    self.fill(getattr(message, field.name).add(), depth + 1)
            elif depth < 6:
                part = getattr(message, field.name)
                part.SetInParent()
                self.fill(part, depth + 1)
        elif field.label == F.LABEL_REPEATED:
            getattr(message, field.name).extend(self.scalar(field) for _ in range(self.chance.randrange(4)))
        else:
            setattr(message, field.name, self.scalar(field))


def ours(messages):
    """Each message as our program prints it."""
    request = b""
    for m in messages:
        packed = m.SerializeToString()
        request += b"%s %d\n" % (m.DESCRIPTOR.full_name.encode(), len(packed)) + packed
    done = subprocess.run([DUMP], input=request, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8").split("\n")[:-1]


class JsonTest(unittest.TestCase):
    def assert_same(self, messages):
        texts = ours(messages)
        self.assertEqual(len(texts), len(messages))
        for text, m in zip(texts, messages):
            theirs = json.loads(json_format.MessageToJson(m, preserving_proto_field_name=True))
            mine = json.loads(text)
            self.assertEqual(mine, theirs, text)
            if isinstance(theirs, dict) and m.DESCRIPTOR.full_name.startswith("okta."):
                self.assertEqual(list(mine), list(theirs), "in the order of the field numbers")

    def test_every_message_that_the_client_prints(self):
        kinds = [login_pb2.LoginEvent, directory_pb2.User, connector_pb2.StatusResponse, connector_pb2.ConfigureResponse,
                 connector_pb2.SyncResponse, connector_pb2.StreamLoginsResponse]
        messages = []
        for kind in kinds:
            for seed in range(60):
                m = kind()
                Maker(seed).fill(m)
                messages.append(m)
        self.assert_same(messages)

    def test_fields_of_a_oneof_are_there_even_at_their_default(self):
        self.assert_same([connector_pb2.StreamLoginsRequest(last=0), connector_pb2.StreamLoginsRequest(resume_token=""),
                          connector_pb2.ConfigureRequest(api_token="", history_days=wrappers_pb2.UInt32Value(value=0))])

    def test_wrappers_alone(self):
        self.assert_same([wrappers_pb2.BytesValue(value=b"\x00\xff\x10"), wrappers_pb2.Int64Value(value=-5),
                          wrappers_pb2.UInt64Value(value=2**64 - 1), wrappers_pb2.BoolValue(value=True),
                          wrappers_pb2.StringValue(value="x"), wrappers_pb2.DoubleValue(value=float("inf")),
                          wrappers_pb2.DoubleValue(value=float("-inf")), wrappers_pb2.FloatValue(value=0.5),
                          struct_pb2.Struct()])
        self.assertEqual(json.loads(ours([wrappers_pb2.DoubleValue(value=float("nan"))])[0]), "NaN")

    def test_numbers_read_well(self):
        self.assertEqual(ours([wrappers_pb2.DoubleValue(value=55.605)]), ["55.605"])
        self.assertEqual(ours([wrappers_pb2.DoubleValue(value=-12.0)]), ["-12"])

    def test_no_raw_control_character_or_hidden_mark_is_printed(self):
        bad = [chr(c) for c in list(range(1, 32)) + list(range(0x7F, 0xA0)) + [0x200B, 0x200F, 0x2028, 0x202E, 0x2066]]
        text = ours([login_pb2.LoginEvent(uuid="".join(bad))])[0]
        self.assertEqual([c for c in bad if c in text], [])
        self.assertEqual(json.loads(text)["uuid"], "".join(bad))


if __name__ == "__main__":
    unittest.main(verbosity=2)
