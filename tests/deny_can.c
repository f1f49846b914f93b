/* SPDX-License-Identifier: BSD-3-Clause */
/* deny_can.c - runs a program that may not open CAN sockets, or for which
 * there are none, as a container or a kernel might have it:
 *
 *   deny_can EPERM|EACCES|EAFNOSUPPORT PROGRAM [ARGUMENT...]
 *
 * A seccomp filter answers socket(PF_CAN, ...) with that error. Exit status
 * 77: this kernel has no seccomp filters. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

/* The low half of the first argument, where all of a small number is. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DOMAIN offsetof(struct seccomp_data, args[0])
#else
#define DOMAIN (offsetof(struct seccomp_data, args[0]) + 4)
#endif

static const struct {
	const char *name;
	unsigned error;
} errors[] = {
	{ "EPERM", EPERM },
	{ "EACCES", EACCES },
	{ "EAFNOSUPPORT", EAFNOSUPPORT }
};

static int
deny(unsigned error)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DOMAIN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PF_CAN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct sock_fprog program = {
		.len = sizeof(steps) / sizeof(steps[0]), .filter = steps
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int
main(int argc, char **argv)
{
	unsigned error = 0;

	for (size_t i = 0; i < 3 && argc > 2; i++) {
		if (strcmp(argv[1], errors[i].name) == 0)
			error = errors[i].error;
	}
	if (error == 0) {
		fprintf(stderr, "usage: deny_can EPERM|EACCES|EAFNOSUPPORT "
		    "PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (deny(error) < 0) {
		perror("deny_can: seccomp");
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
