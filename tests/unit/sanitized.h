/* Under the sanitizers, ten times slower, a loop that proves a rate or a value by many repetitions
 * makes few of them: each touches the same memory. What all of them prove is asserted by the
 * release run, which has the full number. */
#ifndef TESTS_UNIT_SANITIZED_H
#define TESTS_UNIT_SANITIZED_H

#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static inline int repetitions(int n) {
    return SANITIZED && n > 20 ? 20 : n;
}

#endif
