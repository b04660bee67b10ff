// Preloaded into a child process, keeps a second copy of each file below POWERLOSS_HOME as it was when it was last synced to the disk, in POWERLOSS_SHADOW.
// A test that kills the process and puts those copies in place of the files has what a power loss leaves in the worst case: nothing that was not synced.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep(int fd) {
    const char *home = getenv("POWERLOSS_HOME"), *shadow = getenv("POWERLOSS_SHADOW");
    char link[64], path[4096], draft[4200], kept[4200], buffer[65536];
    if (!home || !shadow) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    if (strncmp(path, home, strlen(home)) != 0 || strchr(path + strlen(home) + 1, '/')) return;
    const char *name = strrchr(path, '/') + 1;
    snprintf(kept, sizeof kept, "%s/%s", shadow, name);
    snprintf(draft, sizeof draft, "%s.%d.draft", kept, (int)gettid());
    int to = open(draft, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (to < 0) return;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) {
        if (write(to, buffer, got) != got) break;
        at += got;
    }
    close(to);
    rename(draft, kept);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(fd);
    if (result == 0) keep(fd);
    return result;
}
