#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_FILES (LANDLOCK_ACCESS_FS_READ_FILE)
#define READ_FOLDERS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* All rights of the first version: what is handled and not granted is denied. */
static const __u64 all_rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

void confine_memory(bool keeps_debuggers)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    if (!keeps_debuggers) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

static bool allow(int rules, const char *path, struct err *err)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = READ_FILES};
    int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat st;
    bool is_done;

    if (fd < 0) {
        return true;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        beneath.allowed_access = READ_FOLDERS;
    }
    beneath.parent_fd = fd;
    is_done = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0 ||
              err_set(err, "cannot allow %s: %s", path, strerror(errno));
    close(fd);
    return is_done;
}

enum confine_result confine_files(const char *const paths[], struct err *err)
{
    const struct landlock_ruleset_attr ruleset = {.handled_access_fs = all_rights};
    enum confine_result result = CONFINED;
    int rules;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        err_set(err, "no_new_privs: %s", strerror(errno));
        return CONFINE_FAILED;
    }
    rules = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
    if (rules < 0) {
        err_set(err, "landlock: %s", strerror(errno));
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? CONFINE_UNSUPPORTED : CONFINE_FAILED;
    }
    for (; *paths && result == CONFINED; paths++) {
        if (!allow(rules, *paths, err)) {
            result = CONFINE_FAILED;
        }
    }
    if (result == CONFINED && syscall(SYS_landlock_restrict_self, rules, 0) != 0) {
        err_set(err, "landlock: %s", strerror(errno));
        result = CONFINE_FAILED;
    }
    close(rules);
    return result;
}
