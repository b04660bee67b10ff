// Preloaded into a child process, makes the disk below DISKFAULT_HOME fail as DISKFAULT says: "fsync-once" and "fsync" fail the third sync, or every one from then on;
// "checkpoint" fails the first sync by which SQLite itself, and not we, brings a long log to the disk, and makes a file named "failed" to say so;
// "directory" fails every sync of a directory, which is what keeps the names in it;
// "spool" fails every sync of the file in which rows wait for the ledger;
// "full" has no room for more than 200,000 bytes in the ledger's log until a file named "free" appears beside it; "readonly" opens nothing for writing;
// "hang" lets no sync end while there is a file named "stop", and makes one named "stuck" to say so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_LOG (8 << 20)
#define MOST_FILES 1024

static int syncs;
static int has_failed;
static char is_of_sqlite[MOST_FILES];
static long written;

static int is(const char *fault) {
    const char *asked = getenv("DISKFAULT");
    return asked && strcmp(asked, fault) == 0;
}

static int is_below(const char *path) {
    const char *home = getenv("DISKFAULT_HOME");
    return home && path && strncmp(path, home, strlen(home)) == 0;
}

static int is_named(int fd, const char *name) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_below(path) && strstr(path, name) != NULL && strstr(path, "-shm") == NULL;
}

static int is_ours(int fd) {
    return is_named(fd, "ledger.db") || is_named(fd, "spool");
}

static void hang(int fd) {
    char stop[4200], stuck[4200];
    if (!is("hang") || !is_ours(fd)) return;
    snprintf(stop, sizeof stop, "%s/stop", getenv("DISKFAULT_HOME"));
    snprintf(stuck, sizeof stuck, "%s/stuck", getenv("DISKFAULT_HOME"));
    while (access(stop, F_OK) == 0) {
        int made = creat(stuck, 0600);
        if (made >= 0) close(made);
        usleep(1000);
    }
}

// SQLite opens its log so that it is made when there is none, and we do not.
static int remember(int fd, const char *path, int flags) {
    if (fd >= 0 && fd < MOST_FILES) is_of_sqlite[fd] = is_below(path) && strstr(path, "-wal") != NULL && (flags & O_CREAT) != 0;
    return fd;
}

static int checkpoint_fails(int fd) {
    struct stat log;
    char failed[4200];
    if (fd >= MOST_FILES || !is_of_sqlite[fd] || !is_named(fd, "-wal") || fstat(fd, &log) != 0 || log.st_size < LONG_LOG) return 0;
    if (__sync_lock_test_and_set(&has_failed, 1)) return 0;
    snprintf(failed, sizeof failed, "%s/failed", getenv("DISKFAULT_HOME"));
    close(creat(failed, 0600));
    return 1;
}

static int is_directory(int fd) {
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) && is_named(fd, "");
}

static int sync_fails(int fd) {
    if (is("checkpoint")) return checkpoint_fails(fd);
    if (is("directory")) return is_directory(fd);
    if (is("spool")) return is_named(fd, "spool.jsonl");
    if (!is_ours(fd)) return 0;
    int number = __sync_add_and_fetch(&syncs, 1);
    return (is("fsync-once") && number == 3) || (is("fsync") && number >= 3);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    hang(fd);
    if (sync_fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    hang(fd);
    if (sync_fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

static int is_full(int fd, size_t count) {
    char free_[4200];
    if (!is("full") || !is_ours(fd)) return 0;
    snprintf(free_, sizeof free_, "%s/free", getenv("DISKFAULT_HOME"));
    if (access(free_, F_OK) == 0) return 0;
    return __sync_add_and_fetch(&written, (long)count) > 200000;
}

ssize_t pwrite(int fd, const void *buffer, size_t count, off_t at) {
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    if (is_full(fd, count)) { errno = ENOSPC; return -1; }
    return real(fd, buffer, count, at);
}

ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    if (is_full(fd, count)) { errno = ENOSPC; return -1; }
    return real(fd, buffer, count, at);
}

ssize_t write(int fd, const void *buffer, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (is_full(fd, count)) { errno = ENOSPC; return -1; }
    return real(fd, buffer, count);
}

static int is_refused(const char *path, int flags) {
    return is("readonly") && is_below(path) && (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
}

int open(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
    if (is_refused(path, flags)) { errno = EROFS; return -1; }
    return remember(real(path, flags, mode), path, flags);
}

int open64(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    if (is_refused(path, flags)) { errno = EROFS; return -1; }
    return remember(real(path, flags, mode), path, flags);
}
