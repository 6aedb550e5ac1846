"""bool_flag: a build setting. //bazel:sanitized is one; --config=asan, ubsan, tsan and fuzz switch it on."""

def _flag_impl(_ctx):
    return []

bool_flag = rule(implementation = _flag_impl, build_setting = config.bool(flag = True))
