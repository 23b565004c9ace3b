/* Wrong clocks, for a process that preloads this.
 *
 * Its wall clock is off by WALL_CLOCK_OFFSET seconds: whatever it asks for the time of day sees it.
 * Its monotonic clock has stood still for as many nanoseconds as the file SUSPENDED_FILE says (eight
 * bytes): as in a machine that was suspended whole, whose processes do not know that time went by. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *suspended;

__attribute__((constructor)) static void map_suspended(void) {
    const char *path = getenv("SUSPENDED_FILE");
    int file = path == NULL ? -1 : open(path, O_RDONLY);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *suspended, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) suspended = mapped;
    close(file);
}

static time_t offset(void) {
    const char *seconds = getenv("WALL_CLOCK_OFFSET");
    return seconds == NULL ? 0 : atol(seconds);
}

static int real_clock(clockid_t clock, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (next == NULL) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return next(clock, now);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = real_clock(clock, now);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset();
    if (status == 0 && suspended != NULL
        && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW)) {
        int64_t seen = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec - *suspended;
        now->tv_sec = seen / 1000000000;
        now->tv_nsec = seen % 1000000000;
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    real_clock(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec + offset();
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec exact;
    real_clock(CLOCK_REALTIME, &exact);
    exact.tv_sec += offset();
    if (into != NULL) *into = exact.tv_sec;
    return exact.tv_sec;
}
