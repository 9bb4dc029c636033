// A disk with faults, for tests: preloaded, it stands between a program and its reads at positions. What it does is said
// in the environment:
//   FAULT_FILE   the end of the names of files that it is about
//   FAULT        error: reads fail; slow: they take 2 ms longer; hold: they wait
//   FAULT_FROM   the first read of those files that it happens to, counted from 0
//   FAULT_COUNT  to how many it happens
//   FAULT_FOLDER of hold: there it makes the file `held`, and waits until there is a file `go`
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_long reads;

static void sleep_milliseconds(long milliseconds) {
    struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
}

static int is_meant(int file) {
    const char *end = getenv("FAULT_FILE");
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (end == NULL || length < (ssize_t)strlen(end))
        return 0;
    name[length] = 0;
    if (strcmp(name + length - strlen(end), end) != 0)
        return 0;
    long number = atomic_fetch_add(&reads, 1), from = atol(getenv("FAULT_FROM"));
    return number >= from && number < from + atol(getenv("FAULT_COUNT"));
}

static void hold(void) {
    char name[4096];
    snprintf(name, sizeof name, "%s/held", getenv("FAULT_FOLDER"));
    close(open(name, O_CREAT | O_WRONLY, 0600));
    snprintf(name, sizeof name, "%s/go", getenv("FAULT_FOLDER"));
    while (access(name, F_OK) != 0)
        sleep_milliseconds(5);
}

ssize_t pread64(int file, void *bytes, size_t length, off64_t offset) {
    ssize_t (*next)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pread64");
    if (is_meant(file)) {
        const char *fault = getenv("FAULT");
        if (strcmp(fault, "error") == 0) {
            errno = EIO;
            return -1;
        }
        if (strcmp(fault, "slow") == 0)
            sleep_milliseconds(2);
        else
            hold();
    }
    return next(file, bytes, length, offset);
}
