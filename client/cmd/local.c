#include "client/cmd/local.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SERVER         "okta-connectord" /* fits the 15 letters of /proc/PID/comm */
#define CONFIG         "/etc/okta-connector/config.yaml"
#define DATA           "/var/lib/okta-connector"
#define DISK_MIB_FAIL  64
#define DISK_MIB_WARN  1024
#define PROCESSES_MAX  100000 /* looked at */
#define TEXT_BYTES_MAX 1024

#define OK      OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_OK
#define WARN    OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_WARN
#define FAIL    OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_FAIL
#define SKIPPED OKTA__CONNECTOR__V1__CHECK_VERDICT__CHECK_VERDICT_SKIPPED

void local_add(struct local *l, const char *name, Okta__Connector__V1__CheckVerdict verdict, const char *remedy,
               const char *detail, ...)
{
    Okta__Connector__V1__Check *c = &l->checks[l->count];
    char text[TEXT_BYTES_MAX];
    va_list args;

    if (l->count == LOCAL_CHECKS_MAX)
        return;
    l->count++;
    va_start(args, detail);
    vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    okta__connector__v1__check__init(c);
    c->name = mem_strdup(name);
    c->verdict = verdict;
    c->detail = mem_strdup(text);
    c->remedy = mem_strdup(remedy != NULL ? remedy : "");
}

void local_deinit(struct local *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->checks[i].name);
        free(l->checks[i].detail);
        free(l->checks[i].remedy);
    }
    l->count = 0;
}

bool local_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* ---- is it running ---- */

static bool is_server(const char *pid)
{
    char path[64], name[32] = "";
    FILE *f;

    if (!isdigit((unsigned char)pid[0]) || strlen(pid) > 10)
        return false;
    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    if (fgets(name, sizeof name, f) != NULL)
        name[strcspn(name, "\n")] = '\0';
    fclose(f);
    return strcmp(name, SERVER) == 0;
}

static void look_at_processes(struct local *l)
{
    DIR *proc = opendir("/proc");
    char found[16] = "";

    for (int i = 0; proc != NULL && i < PROCESSES_MAX && found[0] == '\0'; i++) {
        const struct dirent *entry = readdir(proc);

        if (entry == NULL)
            break;
        if (is_server(entry->d_name))
            snprintf(found, sizeof found, "%.10s", entry->d_name);
    }
    if (proc != NULL)
        closedir(proc);
    if (found[0] != '\0')
        local_add(l, "process", WARN,
                  "it may listen elsewhere (its log says so: event listen; then --server), still be starting, or hang",
                  SERVER " runs on this host, as process %s, but does not answer here", found);
    else
        local_add(
            l, "process", FAIL,
            "start it (systemctl start okta-connectord), and see why it ended: journalctl -u okta-connectord -n 50, "
            "or kubectl logs --previous",
            "no " SERVER " runs on this host, as far as this user can see");
}

/* ---- what it needs ---- */

static void look_at_configuration(struct local *l)
{
    if (local_exists(CONFIG))
        local_add(l, "config", SKIPPED, SERVER " --check-config says everything that is wrong with it",
                  CONFIG " is there");
}

static void look_at_data(struct local *l)
{
    struct statvfs v;
    unsigned long long mib;

    if (!local_exists(DATA) || statvfs(DATA, &v) != 0)
        return;
    mib = (unsigned long long)v.f_bavail * v.f_frsize >> 20;
    local_add(l, "data",
              mib < DISK_MIB_FAIL || (v.f_flag & ST_RDONLY) != 0 ? FAIL
              : mib < DISK_MIB_WARN                              ? WARN
                                                                 : OK,
              mib < DISK_MIB_WARN ? "make room there" : "", DATA ": %llu MiB free%s", mib,
              (v.f_flag & ST_RDONLY) != 0 ? ", mounted read-only" : "");
}

void local_without_server(struct local *l)
{
    look_at_processes(l);
    look_at_configuration(l);
    look_at_data(l);
}
