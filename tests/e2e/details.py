"""google.rpc.Status in grpc-status-details-bin, as grpcio hands it out, decoded with Google's own descriptors."""

import os

import harness

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DOMAIN = "okta.connector.v1"


def _messages():
    pool = descriptor_pool.DescriptorPool()
    files = descriptor_pb2.FileDescriptorSet()
    with open(os.path.join(harness.ROOT, "tests", "e2e", "details.bin"), "rb") as f:
        files.ParseFromString(f.read())
    for one in files.file:
        pool.Add(one)
    # Debian's copy of error_details.proto is older than ErrorInfo.
    info = descriptor_pb2.FileDescriptorProto(name="error_info.proto", package="google.rpc", syntax="proto3")
    message = info.message_type.add(name="ErrorInfo")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="reason", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(name="domain", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    entry = message.nested_type.add(name="MetadataEntry")
    entry.options.map_entry = True
    for number, name in ((1, "key"), (2, "value")):
        entry.field.add(name=name, number=number, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(name="metadata", number=3, type=field.TYPE_MESSAGE, type_name=".google.rpc.ErrorInfo.MetadataEntry",
                      label=field.LABEL_REPEATED)
    pool.Add(info)
    factory = message_factory.MessageFactory(pool)
    return pool, {name: factory.GetPrototype(pool.FindMessageTypeByName("google.rpc." + name))
                  for name in ("Status", "ErrorInfo", "BadRequest", "QuotaFailure", "RetryInfo", "Help")}


POOL, MESSAGES = _messages()
REASONS = {v.name[len("ERROR_REASON_"):] for v in POOL.FindEnumTypeByName("okta.connector.v1.ErrorReason").values}


class Details:
    """What an error carries; raises when it is not whole."""

    def __init__(self, error):
        trailers = {t.key: t.value for t in error.trailing_metadata() or ()}
        self.token = trailers.get("okta-resume-token")
        self.code = error.code()
        self.text = error.details()
        status = MESSAGES["Status"].FromString(trailers["grpc-status-details-bin"])
        if (status.code, status.message) != (self.code.value[0], self.text) or not self.text:
            raise AssertionError("the status says %r and the details %r" % (self.text, status.message))
        found = {}
        for any_ in status.details:
            name = any_.type_url.rpartition(".")[2]
            found[name] = MESSAGES[name].FromString(any_.value)
        info = found["ErrorInfo"]
        if info.domain != DOMAIN or info.reason not in REASONS:
            raise AssertionError("a reason that is not documented: %s" % info)
        self.reason = info.reason
        self.metadata = dict(info.metadata)
        self.help = found["Help"].links[0]
        if not self.help.description:
            raise AssertionError("help without words")
        self.fields = {v.field: v.description for v in found["BadRequest"].field_violations} if "BadRequest" in found else {}
        self.quota = found["QuotaFailure"].violations[0] if "QuotaFailure" in found else None
        delay = found["RetryInfo"].retry_delay if "RetryInfo" in found else None
        self.retry_s = delay.seconds + delay.nanos / 1e9 if delay else None
        name = self.code.name
        if (name == "INVALID_ARGUMENT") != bool(self.fields) or (name == "RESOURCE_EXHAUSTED") != bool(self.quota) or \
           (name == "UNAVAILABLE" and not self.retry_s):
            raise AssertionError("%s without what belongs to it: %s" % (name, sorted(found)))
