/* SPDX-License-Identifier: BSD-3-Clause */
/* pollset.h - several fds behind one that any loop can poll */
#ifndef EVCAN_POLLSET_H
#define EVCAN_POLLSET_H

/* An fd that is readable while one of its members is ready; -1 with errno */
int evcan_pollset_new_(void);
/* Adds, changes or (what 0) removes a member; what: enum evcan_watch.
 * @return 0 or EVCAN_ERR_OPERATION */
int evcan_pollset_set_(int set, int fd, unsigned what);
/* Calls cb for each member that is ready now, never waiting. */
void evcan_pollset_run_(int set, void (*cb)(int fd, unsigned what,
    void *arg), void *arg);

#endif
