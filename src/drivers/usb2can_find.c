/* SPDX-License-Identifier: BSD-3-Clause */
/* usb2can_find.c - serial numbers of the USB2CANs that are attached
 *
 * CANAL has no call for that. Their makers ask Windows; sysfs is the same
 * question where there is one. */
#include "usb2can.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* An attribute of a device, without its end of line. @return false: none */
static bool
read_attribute(const char *folder, const char *device, const char *name,
    char *text, int size)
{
	char path[700];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, device, name);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	ok = fgets(text, size, file) != NULL;
	fclose(file);
	if (ok)
		text[strcspn(text, "\n")] = '\0';
	return ok;
}

/* The numbers are of an example that others copied too. */
static bool
is_usb2can(const char *folder, const char *device)
{
	char text[64];

	return read_attribute(folder, device, "idVendor", text, 64) &&
	    strcmp(text, "0483") == 0 &&
	    read_attribute(folder, device, "idProduct", text, 64) &&
	    strcmp(text, "1234") == 0 &&
	    read_attribute(folder, device, "product", text, 64) &&
	    strstr(text, "USB2CAN") != NULL;
}

void
evcan_usb2can_find_(const char *folder,
    bool (*cb)(const char *serial, void *arg), void *arg)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char serial[64];
	bool more = true;

	if (dir == NULL)
		return;
	while (more && (entry = readdir(dir)) != NULL) {
		if (is_usb2can(folder, entry->d_name) &&
		    read_attribute(folder, entry->d_name, "serial", serial,
		    sizeof(serial)))
			more = cb(serial, arg);
	}
	closedir(dir);
}
