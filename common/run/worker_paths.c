#include "run/worker_paths.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/settings.h"

enum { MOST_PROPERTIES = 1 << 20 };

/* What libraries open on their own, on Debian and its like. */
static const char *const of_libraries[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/localtime", "/etc/timezone", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/krb5.conf",
    "/etc/krb5.conf.d", "/etc/sasl2", "/etc/ld.so.cache", "/run/systemd/resolve", "/run/resolvconf", "/usr/share/zoneinfo",
    "/usr/share/icu", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/lib", "/usr/lib64", "/lib",
    "/lib64", "/dev/null", "/dev/urandom", "/dev/random", "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat",
    "/sys/devices/system/cpu", "/proc/sys/vm/overcommit_memory", NULL,
};

/* Folders of everybody: a file of ours there is allowed, its neighbours are not. */
static const char *const common_folders[] = {"/", "/etc", "/tmp", "/home", "/root", "/var", "/var/tmp", "/run", "/usr",
                                             "/opt", "/srv", "/mnt", "/dev", "/proc", NULL};

static void add(struct worker_paths *paths, const char *path)
{
    if (paths->count < WORKER_MOST_PATHS) {
        paths->items[paths->count++] = path;
        paths->items[paths->count] = NULL;
    }
}

/* Takes the text. */
static void add_owned(struct worker_paths *paths, char *path)
{
    if (paths->owned_count < WORKER_MOST_PATHS) {
        paths->owned[paths->owned_count++] = path;
        add(paths, path);
    } else {
        free(path);
    }
}

static bool is_common(const char *folder)
{
    for (const char *const *one = common_folders; *one; one++) {
        if (strcmp(folder, *one) == 0) {
            return true;
        }
    }
    return false;
}

/* The path as it is, and the folder that it lies in. */
static void add_with_folder(struct worker_paths *paths, const char *path)
{
    char *copy = xstrdup(path);
    char *folder = realpath(dirname(copy), NULL);

    free(copy);
    add_owned(paths, xstrdup(path));
    if (folder && !is_common(folder)) {
        add_owned(paths, xstrdup(folder));
    }
    free(folder);
}

/* A folder that is a link is exchanged by changing the link: what lies beside its target is allowed, too. */
static void add_templates(struct worker_paths *paths, const char *dir)
{
    struct stat st;
    char *real = realpath(dir, NULL);

    add_owned(paths, xstrdup(dir));
    if (real && lstat(dir, &st) == 0 && S_ISLNK(st.st_mode)) {
        add_with_folder(paths, real);
    }
    free(real);
}

/* Certificates and keytabs that the properties of librdkafka name. */
static void add_properties(struct worker_paths *paths, const char *path)
{
    char *text = settings_read_file(path, MOST_PROPERTIES, NULL, NULL);
    size_t len = text ? strlen(text) : 0;
    char *rest;

    add_with_folder(paths, path);
    for (char *line = text ? strtok_r(text, "\r\n", &rest) : NULL; line; line = strtok_r(NULL, "\r\n", &rest)) {
        char *equals = strchr(line, '=');
        char *value = equals ? equals + 1 + strspn(equals + 1, " \t") : NULL;

        if (value && value[0] == '/') {
            value[strcspn(value, " \t")] = '\0';
            add_with_folder(paths, value);
        }
    }
    if (text) {
        explicit_bzero(text, len);
        free(text);
    }
}

void worker_paths_init(struct worker_paths *paths, const struct worker_settings *settings)
{
    memset(paths, 0, sizeof(*paths));
    for (const char *const *path = of_libraries; *path; path++) {
        add(paths, *path);
    }
    add_templates(paths, settings->templates_dir);
    if (settings->ca_file) {
        add_with_folder(paths, settings->ca_file);
    }
    if (settings->kafka_config) {
        add_properties(paths, settings->kafka_config);
    }
    for (const struct setting *row = worker_settings_table; row->name; row++) {
        char name[80];
        const char *path;

        snprintf(name, sizeof(name), "%s_FILE", row->name);
        path = getenv(name);
        if (path && path[0]) {
            add_with_folder(paths, path);
        }
    }
}

void worker_paths_finish(struct worker_paths *paths)
{
    for (size_t i = 0; i < paths->owned_count; i++) {
        free(paths->owned[i]);
    }
}
