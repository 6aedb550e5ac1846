/* LMDB copies an environment to a file descriptor and returns only when it is done. So it runs on a thread and writes
 * into a pipe; this thread reads the pipe, sums the bytes, reports progress, and writes the file:
 *
 *     mdb_env_copyfd2 (thread) -> pipe -> sum, progress -> file
 *
 * The sum is of what LMDB read, and not of what the disk returns later, so that verifying the file can reveal a bad
 * disk. If writing fails, nothing waits for the thread: it ends with the child process. */
#include "backup/copy.h"
#include "base/mem.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES (256u << 10)

/* The server keeps writing until LMDB has begun its read transaction, so a copy can be larger than what was measured
 * before. A copy that is larger by this much is following damaged pages in a circle. */
#define GROWTH_BYTES_MAX (UINT64_C(1) << 30)

struct copy_sink {
    struct child *child;
    const struct copy_job *job;
    int fd; /* -1: only the sum is wanted */
    uint64_t bytes, total;
    crypto_hash_sha256_state sum;
};

static bool copy_fail(const char *doing, const char *path, struct error *err)
{
    int why = errno;

    if (why == ENOSPC || why == EDQUOT || why == EFBIG)
        return error_reason(err, ERROR_RESOURCE_EXHAUSTED, DB_FULL_REASON, "%s %s: no space left on the disk (%s)",
                            doing, path, strerror(why));
    return error_set(err, ERROR_FAILED_PRECONDITION, "%s %s: %s", doing, path, strerror(why));
}

static bool copy_sink_open(struct copy_sink *s, struct child *child, const struct copy_job *job, struct error *err)
{
    *s = (struct copy_sink){ .child = child, .job = job, .fd = -1 };
    crypto_hash_sha256_init(&s->sum);
    if (job->to == NULL)
        return true;
    s->fd = open(job->to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return s->fd >= 0 || copy_fail("create", job->to, err);
}

static bool copy_sink_put(struct copy_sink *s, const unsigned char *at, size_t len, struct error *err)
{
    crypto_hash_sha256_update(&s->sum, at, len);
    s->bytes += len;
    child_progress(s->child, s->job->name, s->bytes, s->total);
    while (s->fd >= 0 && len > 0) {
        ssize_t put = write(s->fd, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return copy_fail("write", s->job->to, err);
        at += put;
        len -= (size_t)put;
    }
    return true;
}

static bool copy_sink_close(struct copy_sink *s, struct copied *out, struct error *err)
{
    bool is_done = s->fd < 0 || fsync(s->fd) == 0;

    if (!is_done)
        (void)copy_fail("write", s->job->to, err);
    if (s->fd >= 0 && close(s->fd) != 0 && is_done)
        is_done = copy_fail("write", s->job->to, err);
    out->bytes = s->bytes;
    crypto_hash_sha256_final(&s->sum, out->sha256);
    return is_done;
}

/* Reads `from` to its end. */
static bool copy_until_end(int from, uint64_t bytes_max, struct copy_sink *s, struct error *err)
{
    AUTO_FREE unsigned char *chunk = mem_alloc(CHUNK_BYTES);

    for (;;) {
        ssize_t got = read(from, chunk, CHUNK_BYTES);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return copy_fail("read", s->job->from, err);
        if (got == 0)
            return true;
        if (s->bytes + (size_t)got > bytes_max)
            return error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                                "%s: its pages are damaged: the copy does not come to an end", s->job->from);
        if (!copy_sink_put(s, chunk, (size_t)got, err))
            return false;
    }
}

/* ---- an environment ---- */

struct copy_pump {
    MDB_env *env;
    int fd, rc;
};

static void *copy_pump(void *arg)
{
    struct copy_pump *p = arg;

    p->rc = mdb_env_copyfd2(p->env, p->fd, MDB_CP_COMPACT);
    close(p->fd);
    return NULL;
}

static bool copy_through_pump(struct copy_pump *p, int from, uint64_t bytes_max, struct copy_sink *s, struct error *err)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, copy_pump, p);

    if (rc != 0)
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "start a thread for the copy: %s", strerror(rc));
    if (!copy_until_end(from, bytes_max, s, err))
        return false;
    pthread_join(thread, NULL);
    if (p->rc == MDB_INCOMPATIBLE) /* LMDB's code for pages that are neither used nor free */
        return error_reason(err, ERROR_DATA_LOSS, "STORE_DAMAGED",
                            "some of its pages are neither in use nor on the free list: %s", mdb_strerror(p->rc));
    return p->rc == 0 || db_fail(err, p->rc, "copy");
}

bool copy_env(struct child *child, void *arg, void *result, struct error *err)
{
    const struct copy_job *job = arg;
    const struct db_options options = { .dir = job->from, .tables_max = DB_TABLES_MAX, .use = DB_LOOK };
    struct copy_pump p = { .fd = -1 };
    MDB_envinfo info;
    MDB_stat stat;
    struct copy_sink s;
    int fds[2];

    if (!db_open(&p.env, &options, err) || !copy_sink_open(&s, child, job, err))
        return false;
    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set(err, ERROR_RESOURCE_EXHAUSTED, "pipe: %s", strerror(errno));
    p.fd = fds[1];
    mdb_env_info(p.env, &info);
    mdb_env_stat(p.env, &stat);
    s.total = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    if (!copy_through_pump(&p, fds[0], s.total + GROWTH_BYTES_MAX, &s, err) || !copy_sink_close(&s, result, err))
        return false;
    mdb_env_close(p.env);
    return true;
}

/* ---- a file ---- */

bool copy_file(struct child *child, void *arg, void *result, struct error *err)
{
    const struct copy_job *job = arg;
    int from = open(job->from, O_RDONLY | O_CLOEXEC);
    struct stat st;
    struct copy_sink s;
    bool is_done;

    if (from < 0 || fstat(from, &st) != 0)
        return copy_fail("read", job->from, err);
    if (!copy_sink_open(&s, child, job, err))
        return false;
    s.total = (uint64_t)st.st_size;
    is_done = copy_until_end(from, UINT64_MAX / 2, &s, err) && copy_sink_close(&s, result, err);
    close(from);
    return is_done;
}
