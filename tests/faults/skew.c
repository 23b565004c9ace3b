/* A wall clock that is off by WALL_CLOCK_OFFSET seconds, for a process that preloads this: whatever
 * it asks for the time of day sees it. The monotonic clock is left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

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
