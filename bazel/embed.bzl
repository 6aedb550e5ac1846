"""text_in_c: embeds a file in a program as an array of bytes."""

def text_in_c(name, src, visibility = None):
    """Makes NAME.c and NAME.h with the content of the file `src`: `NAME` (bytes, not NUL-terminated) and `NAME_size`."""
    native.genrule(
        name = name + "_gen",
        srcs = [src],
        outs = [name + ".c", name + ".h"],
        cmd = " && ".join([
            "(echo '#include \"%s.h\"'; echo 'const char %s[] = {'; " % (name, name) +
            "od -An -v -td1 $< | sed 's/\\(-*[0-9][0-9]*\\)/\\1,/g'; " +
            "echo '};'; echo 'const unsigned long %s_size = sizeof %s;') > $(RULEDIR)/%s.c" % (name, name, name),
            "(echo 'extern const char %s[];'; echo 'extern const unsigned long %s_size;') > $(RULEDIR)/%s.h" % (name, name, name),
        ]),
    )
    native.cc_library(
        name = name,
        srcs = [name + ".c"],
        hdrs = [name + ".h"],
        includes = ["."],
        linkstatic = True,
        visibility = visibility,
    )
