/* SPDX-License-Identifier: BSD-3-Clause */
/* systec_module.c - modules that their channels share, and their call-backs */
#include <pthread.h>
#include <stdio.h>

#include <evcan/error.h>

#include "systec.h"

#define MODULES 64               /* the library's own limit */

/* Never freed: a call-back may come late. */
struct evcan_systec_module_ {
	/* Under `lock`, below */
	enum { UNUSED, OPENING, OPEN, CLOSING } state;
	unsigned users;
	bool used[SYSTEC_CHANNELS];
	uint8_t (*library)(uint8_t handle);  /* whose handle it is */
	/* Those of the thread that opens it, until it is open */
	uint8_t handle;
	struct evcan_systec_hardware_ hardware;
	uint8_t device;                /* SYSTEC_ANY: not known */
	/* Under its own */
	pthread_mutex_t bells_lock;
	struct evcan_systec_bell_ *bells[SYSTEC_CHANNELS];
};

/* Of the table, so not held in calls of the library: one that hangs holds up
 * only those who want the same module, or any. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct evcan_systec_module_ modules[MODULES];
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* The library tells one call-back of modules that come and go. */
static pthread_mutex_t connect_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_connected;

static void
init_locks(void)
{
	for (int i = 0; i < MODULES; i++)
		pthread_mutex_init(&modules[i].bells_lock, NULL);
}

/* Codes */

static const struct evcan_systec_code_ codes[] = {
	{ 0x01, "USBCAN_ERR_RESOURCE", "the library has no resources left" },
	{ 0x02, "USBCAN_ERR_MAXMODULES", "too many modules are open" },
	{ 0x03, "USBCAN_ERR_HWINUSE", "another program has the module" },
	{ 0x04, "USBCAN_ERR_ILLVERSION",
	    "library, driver and firmware do not fit together" },
	{ 0x05, "USBCAN_ERR_ILLHW",
	    "no module with this device number is connected" },
	{ 0x06, "USBCAN_ERR_ILLHANDLE", "the handle is not valid any more" },
	{ 0x07, "USBCAN_ERR_ILLPARAM",
	    "a value is wrong, or not for this module" },
	{ 0x08, "USBCAN_ERR_BUSY", "the module is busy" },
	{ 0x09, "USBCAN_ERR_TIMEOUT", "the module did not answer" },
	{ 0x0a, "USBCAN_ERR_IOFAILED", "the kernel driver refused" },
	{ 0x0b, "USBCAN_ERR_DLL_TXFULL", "the transmit queue is full" },
	{ 0x0c, "USBCAN_ERR_MAXINSTANCES",
	    "too many programs use the library" },
	{ 0x0d, "USBCAN_ERR_CANNOTINIT", "the channel is not initialized" },
	{ 0x0e, "USBCAN_ERR_DISCONNECT", "the module was unplugged" },
	{ 0x0f, "USBCAN_ERR_NOHWCLASS", "the kernel driver is missing" },
	{ 0x10, "USBCAN_ERR_ILLCHANNEL", "the module has no such channel" },
	{ 0x12, "USBCAN_ERR_ILLHWTYPE", "this module cannot do that" },
	{ 0x13, "USBCAN_ERR_SERVER_TIMEOUT",
	    "the library's server did not answer" },
	{ 0x40, "USBCAN_ERRCMD_NOTEQU", "the answer is that of another call" },
	{ 0x41, "USBCAN_ERRCMD_REGTST",
	    "the CAN controller failed its test" },
	{ 0x42, "USBCAN_ERRCMD_ILLCMD",
	    "the firmware does not know the call" },
	{ 0x43, "USBCAN_ERRCMD_EEPROM", "the module's EEPROM failed" },
	{ 0x47, "USBCAN_ERRCMD_ILLBDR", "the module has no such bit timing" },
	{ 0x48, "USBCAN_ERRCMD_NOTINIT", "the channel is not initialized" },
	{ 0x49, "USBCAN_ERRCMD_ALREADYINIT",
	    "the channel is initialized already" },
	{ 0x4a, "USBCAN_ERRCMD_ILLSUBCMD",
	    "the firmware does not know this form of the call" },
	{ 0x4b, "USBCAN_ERRCMD_ILLIDX", "an index is out of range" },
	{ 0x4c, "USBCAN_ERRCMD_RUNNING", "cyclic messages are being sent" },
	{ 0x80, "USBCAN_WARN_NODATA", "there is no message" },
	{ 0x81, "USBCAN_WARN_SYS_RXOVERRUN",
	    "the kernel driver's receive queue ran over" },
	{ 0x82, "USBCAN_WARN_DLL_RXOVERRUN",
	    "the library's receive queue ran over" },
	{ 0x85, "USBCAN_WARN_FW_TXOVERRUN",
	    "the firmware's transmit queue ran over" },
	{ 0x86, "USBCAN_WARN_FW_RXOVERRUN",
	    "the firmware's receive queue ran over" },
	{ 0x87, "USBCAN_WARN_FW_TXMSGLOST",
	    "the firmware lost messages that were to be sent" },
	{ 0x90, "USBCAN_WARN_NULL_PTR", "a pointer was NULL" },
	{ 0x91, "USBCAN_WARN_TXLIMIT", "not all messages were taken" },
	{ 0x92, "USBCAN_WARN_BUSY", "the library is busy" },
	{ 0, "an unknown code", "see usbcan32.h" }
};

const struct evcan_systec_code_ *
evcan_systec_code_(uint8_t code)
{
	const struct evcan_systec_code_ *at = codes;

	while (at->code != 0 && at->code != code)
		at++;
	return at;
}

/* What a module is */

static const struct {
	uint32_t code;
	const char *name;
} products[] = {
	{ 0x1100, "USB-CANmodul GW-001" }, { 0x1102, "USB-CANmodul GW-002" },
	{ 0x1103, "Multiport CAN-to-USB" }, { 0x1104, "USB-CANmodul1" },
	{ 0x1105, "USB-CANmodul2" }, { 0x1107, "USB-CANmodul8" },
	{ 0x1109, "USB-CANmodul16" }, { 0x1121, "USB-CANmodul2 G4" },
	{ 0x1122, "USB-CANmodul1 G4" }, { 0x1123, "USB-CANmodul8 G4" },
	{ 0x1125, "USB-CANmodul16 G4" }
};

void
evcan_systec_describe_(const struct evcan_systec_hardware_ *hardware,
    char *text, size_t size)
{
	uint32_t code = hardware->product & SYSTEC_PRODUCT;
	const char *name = "USB-CANmodul";

	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		if (products[i].code == code)
			name = products[i].name;
	}
	snprintf(text, size, "%s, S/N %lu, device %u", name,
	    (unsigned long)hardware->serial, hardware->device);
}

/* Those with more than two appear as several with two each. */
bool
evcan_systec_has_channel_(uint32_t product, int channel)
{
	uint32_t code = product & SYSTEC_PRODUCT;

	return channel == 0 || (code >= 0x1103 && (code & 1));
}

/* Call-backs, on a thread of the library's own. It must not be called from
 * there. */

static void
ring(struct evcan_systec_module_ *module, unsigned channel, bool status)
{
	pthread_mutex_lock(&module->bells_lock);
	for (unsigned i = 0; i < SYSTEC_CHANNELS; i++) {
		struct evcan_systec_bell_ *bell = module->bells[i];

		if (bell == NULL || (channel != i &&
		    channel < SYSTEC_CHANNELS))
			continue;
		if (status)
			atomic_store(&bell->status, true);
		evcan_wake_set_(&bell->wake);
	}
	pthread_mutex_unlock(&module->bells_lock);
}

static void
on_event(uint8_t handle, uint32_t event, uint8_t channel, void *arg)
{
	(void)handle;
	if (event == SYSTEC_EVENT_RECEIVE || event == SYSTEC_EVENT_STATUS)
		ring(arg, channel, event == SYSTEC_EVENT_STATUS);
}

/* Whose it was their status tells. */
static void
on_connect(uint32_t event, uint32_t param, void *arg)
{
	(void)param;
	(void)arg;
	if (event != SYSTEC_EVENT_DISCONNECT && event != SYSTEC_EVENT_FATAL)
		return;
	for (int i = 0; i < MODULES; i++)
		ring(&modules[i], SYSTEC_ANY, true);
}

static void
set_bell(struct evcan_systec_port_ *port, struct evcan_systec_bell_ *bell)
{
	pthread_mutex_lock(&port->module->bells_lock);
	port->module->bells[port->channel] = bell;
	pthread_mutex_unlock(&port->module->bells_lock);
}

/* Without it modules are found unplugged when they are looked at. The library
 * has one for the process, so this is done in turn. */
static void
connect(const struct evcan_systec_calls_ *calls)
{
	pthread_mutex_lock(&connect_lock);
	if (n_connected++ == 0 && calls->UcanInitHwConnectControlEx != NULL)
		calls->UcanInitHwConnectControlEx(on_connect, NULL);
	pthread_mutex_unlock(&connect_lock);
}

static void
disconnect(const struct evcan_systec_calls_ *calls)
{
	pthread_mutex_lock(&connect_lock);
	if (--n_connected == 0 && calls->UcanDeinitHwConnectControl != NULL)
		calls->UcanDeinitHwConnectControl();
	pthread_mutex_unlock(&connect_lock);
}

/* Opening and closing */

static int
refuse(struct evcan_error *err, const struct evcan_systec_port_ *port,
    uint8_t code)
{
	const struct evcan_systec_code_ *what = evcan_systec_code_(code);
	char device[32] = "any device";

	if (port->device != SYSTEC_ANY)
		snprintf(device, sizeof(device), "device %u", port->device);
	evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "%s: UcanInitHardwareEx gives 0x%02X (%s: %s)", device, code,
	    what->name, what->text);
	if (err != NULL)
		err->vendor = code;
	return EVCAN_ERR_INIT;
}

/* Whether it is, or may become, a module that the port could have. */
static bool
may_be_its(const struct evcan_systec_module_ *module,
    const struct evcan_systec_port_ *port)
{
	return module->state != UNUSED &&
	    module->library == port->calls.UcanDeinitHardware &&
	    (port->device == SYSTEC_ANY || module->device == SYSTEC_ANY ||
	    port->device == module->device);
}

static bool
must_wait(const struct evcan_systec_port_ *port)
{
	int i = 0;

	while (i < MODULES && (modules[i].state == OPEN ||
	    !may_be_its(&modules[i], port)))
		i++;
	return i < MODULES;
}

/* One that is open here already. With "any", whichever has the channel free;
 * the library gives nobody a module twice. */
static struct evcan_systec_module_ *
find_open(const struct evcan_systec_port_ *port)
{
	for (int i = 0; i < MODULES; i++) {
		struct evcan_systec_module_ *module = &modules[i];

		if (!may_be_its(module, port))
			continue;
		if (port->device != SYSTEC_ANY ?
		    port->device == module->device :
		    !module->used[port->channel] && evcan_systec_has_channel_(
		    module->hardware.product, port->channel))
			return module;
	}
	return NULL;
}

/* A place for one that is to be opened, which others wait for now. */
static struct evcan_systec_module_ *
reserve(const struct evcan_systec_port_ *port)
{
	int i = 0;

	while (i < MODULES && modules[i].state != UNUSED)
		i++;
	if (i == MODULES)
		return NULL;
	modules[i].state = OPENING;
	modules[i].library = port->calls.UcanDeinitHardware;
	modules[i].device = port->device;
	return &modules[i];
}

static uint8_t
init_module(struct evcan_systec_module_ *module,
    const struct evcan_systec_port_ *port)
{
	struct evcan_systec_hardware_ *hardware = &module->hardware;
	uint8_t code;

	connect(&port->calls);
	code = port->calls.UcanInitHardwareEx(&module->handle, port->device,
	    on_event, module);
	if (code != 0) {
		disconnect(&port->calls);
		return code;
	}
	*hardware = (struct evcan_systec_hardware_){
		.size = sizeof(*hardware) };
	if (port->calls.UcanGetHardwareInfoEx2 == NULL ||
	    port->calls.UcanGetHardwareInfoEx2(module->handle, hardware,
	    NULL, NULL) != 0)
		hardware->device = port->device;
	return 0;
}

/* Under the lock, which it leaves meanwhile. @return the module, or NULL */
static struct evcan_systec_module_ *
open_module(const struct evcan_systec_port_ *port, uint8_t *code)
{
	struct evcan_systec_module_ *module = reserve(port);

	*code = SYSTEC_MAXMODULES;
	if (module == NULL)
		return NULL;
	pthread_mutex_unlock(&lock);
	*code = init_module(module, port);
	pthread_mutex_lock(&lock);
	module->state = *code == 0 ? OPEN : UNUSED;
	module->device = module->hardware.device;
	pthread_cond_broadcast(&changed);
	return *code == 0 ? module : NULL;
}

/* Under the lock. */
static int
join(struct evcan_systec_port_ *port, struct evcan_error *err)
{
	struct evcan_systec_module_ *module;
	uint8_t code;

	while (must_wait(port))
		pthread_cond_wait(&changed, &lock);
	module = find_open(port);
	if (module == NULL)
		module = open_module(port, &code);
	if (module == NULL)
		return refuse(err, port, code);
	if (module->used[port->channel])
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "another bus has channel %u of device %u", port->channel,
		    port->device);
	module->users++;
	module->used[port->channel] = true;
	port->module = module;
	port->handle = module->handle;
	return 0;
}

int
evcan_systec_join_(struct evcan_systec_port_ *port, struct evcan_error *err)
{
	int r;

	pthread_once(&once, init_locks);
	pthread_mutex_lock(&lock);
	r = join(port, err);
	pthread_mutex_unlock(&lock);
	if (r == 0)
		set_bell(port, &port->bell);
	return r;
}

/* Under the lock, which it leaves meanwhile. */
static void
close_module(struct evcan_systec_module_ *module,
    const struct evcan_systec_port_ *port)
{
	module->state = CLOSING;
	pthread_mutex_unlock(&lock);
	port->calls.UcanDeinitHardware(module->handle);
	disconnect(&port->calls);
	pthread_mutex_lock(&lock);
	module->state = UNUSED;
	pthread_cond_broadcast(&changed);
}

void
evcan_systec_leave_(struct evcan_systec_port_ *port)
{
	struct evcan_systec_module_ *module = port->module;

	if (module == NULL)
		return;
	set_bell(port, NULL);
	port->module = NULL;
	pthread_mutex_lock(&lock);
	module->used[port->channel] = false;
	if (--module->users == 0)
		close_module(module, port);
	pthread_mutex_unlock(&lock);
}

const struct evcan_systec_hardware_ *
evcan_systec_hardware_(const struct evcan_systec_port_ *port)
{
	return &port->module->hardware;
}
