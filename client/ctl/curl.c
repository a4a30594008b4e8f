/* SPDX-License-Identifier: MIT */
/*
 * The binding to libcurl. The file owns the handle of the library and the pointers to the functions.
 */
#include "client/ctl/curl.h"

#include "client/lib/deadline.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- libcurl.so.4 ----------------------------------------------------------------------------------------------- */

#define GLOBAL_DEFAULT 3L /* CURL_GLOBAL_DEFAULT */

enum option {
    OPTION_TIMEOUT_MS = 155,
    OPTION_FRESH_CONNECT = 74,
    OPTION_FORBID_REUSE = 75,
    OPTION_NOSIGNAL = 99,
    OPTION_PROTOCOLS = 181,
    OPTION_URL = 10002,
    OPTION_USERAGENT = 10018,
    OPTION_CAINFO = 10065,
    OPTION_WRITEFUNCTION = 20011,
    OPTION_OPENSOCKETFUNCTION = 20163,
};

enum info { INFO_RESPONSE_CODE = 0x200002, INFO_OS_ERRNO = 0x200019 };

#define PROTOCOLS 3L /* CURLPROTO_HTTP | CURLPROTO_HTTPS */

enum code {
    CODE_OK = 0,
    CODE_COULDNT_RESOLVE_HOST = 6,
    CODE_COULDNT_CONNECT = 7,
    CODE_WRITE_ERROR = 23,
    CODE_OUT_OF_MEMORY = 27,
    CODE_OPERATION_TIMEDOUT = 28,
};

#define URL_PART_URL 0 /* CURLUPART_URL */

/* The used members of struct curl_sockaddr. */
struct address {
    int family, kind, protocol;
};

static struct {
    int (*global_init)(long flags);
    void *(*easy_init)(void);
    int (*easy_setopt)(void *handle, int option, ...);
    int (*easy_perform)(void *handle);
    int (*easy_getinfo)(void *handle, int info, ...);
    void (*easy_cleanup)(void *handle);
    const char *(*easy_strerror)(int code);
    /* since 7.62; NULL: an older version */
    void *(*url)(void);
    int (*url_set)(void *url, int part, const char *text, unsigned flags);
    void (*url_cleanup)(void *url);
} curl;

/* ---- Loading it ------------------------------------------------------------------------------------------------- */

#define MISSING                                                                                                        \
    "http:// and https:// need libcurl; install libcurl4 (Debian, Ubuntu; libcurl4t64 in newer ones), libcurl "        \
    "(Fedora, "                                                                                                        \
    "RHEL, Alpine) or curl (Arch)"

/* C has no conversion from object pointers to function pointers; POSIX allows the store through an object pointer. */
static bool curl_symbol(void *library, const char *name, void *ret_function)
{
    void *found = dlsym(library, name);

    memcpy(ret_function, &found, sizeof found);
    return found != NULL;
}

const char *curl_load(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

    if (!library)
        library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library || !curl_symbol(library, "curl_global_init", &curl.global_init) ||
        !curl_symbol(library, "curl_easy_init", &curl.easy_init) ||
        !curl_symbol(library, "curl_easy_setopt", &curl.easy_setopt) ||
        !curl_symbol(library, "curl_easy_perform", &curl.easy_perform) ||
        !curl_symbol(library, "curl_easy_getinfo", &curl.easy_getinfo) ||
        !curl_symbol(library, "curl_easy_cleanup", &curl.easy_cleanup) ||
        !curl_symbol(library, "curl_easy_strerror", &curl.easy_strerror))
        return MISSING;
    if (!curl_symbol(library, "curl_url", &curl.url) || !curl_symbol(library, "curl_url_set", &curl.url_set) ||
        !curl_symbol(library, "curl_url_cleanup", &curl.url_cleanup))
        curl.url = NULL;
    return curl.global_init(GLOBAL_DEFAULT) == CODE_OK ? NULL : "libcurl cannot be initialized";
}

const char *curl_url_fault(const char *text)
{
    void *url = curl.url ? curl.url() : NULL;
    bool valid;

    if (!url)
        return NULL;
    valid = curl.url_set(url, URL_PART_URL, text, 0) == CODE_OK;
    curl.url_cleanup(url);
    return valid ? NULL : "it is not a URL";
}

/* ---- Asking ----------------------------------------------------------------------------------------------------- */

/* Aborts the transfer after the status, because a body may be endless. */
static size_t refuse_body(const char *bytes, size_t size, size_t count, void *data)
{
    (void)bytes, (void)size, (void)count, (void)data;
    return 0;
}

/* Opens sockets as close-on-exec, for the program that runs afterwards. */
static int open_socket(void *data, int purpose, const struct address *address)
{
    (void)data, (void)purpose;
    return socket(address->family, address->kind | SOCK_CLOEXEC, address->protocol);
}

/* The environment variables of curl(1). */
static const char *certificates(void)
{
    const char *file = getenv("CURL_CA_BUNDLE");

    if (!file || !*file)
        file = getenv("SSL_CERT_FILE");
    return file && *file ? file : NULL;
}

static bool prepare(void *handle, const char *url, int64_t timeout_ns)
{
    const char *file = certificates();

    return curl.easy_setopt(handle, OPTION_URL, url) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_PROTOCOLS, PROTOCOLS) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_TIMEOUT_MS, (long)milliseconds_of(timeout_ns)) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_NOSIGNAL, 1L) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_FRESH_CONNECT, 1L) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_FORBID_REUSE, 1L) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_USERAGENT, "minimioctl/" MINIMIO_VERSION) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_WRITEFUNCTION, refuse_body) == CODE_OK &&
           curl.easy_setopt(handle, OPTION_OPENSOCKETFUNCTION, open_socket) == CODE_OK &&
           (!file || curl.easy_setopt(handle, OPTION_CAINFO, file) == CODE_OK);
}

#define CODES 1000 /* errors of libcurl are below -CODES, all errno values above */

static int error_of(void *handle, int code)
{
    long system_error = 0;

    if (code == CODE_OUT_OF_MEMORY)
        return -ENOMEM;
    if (code == CODE_COULDNT_RESOLVE_HOST)
        return -ENOENT;
    if (code == CODE_OPERATION_TIMEDOUT)
        return -ETIMEDOUT;
    if (code == CODE_COULDNT_CONNECT && curl.easy_getinfo(handle, INFO_OS_ERRNO, &system_error) == CODE_OK &&
        system_error > 0 && system_error < CODES)
        return -(int)system_error;
    return -CODES - code;
}

int curl_ask(const char *url, int64_t timeout_ns, long *ret_status)
{
    void *handle = curl.easy_init();
    int code, result = -ENOMEM;

    *ret_status = 0;
    if (handle && prepare(handle, url, timeout_ns)) {
        code = curl.easy_perform(handle);
        curl.easy_getinfo(handle, INFO_RESPONSE_CODE, ret_status);
        result = code == CODE_OK || (code == CODE_WRITE_ERROR && *ret_status > 0) ? 0 : error_of(handle, code);
    }
    if (handle)
        curl.easy_cleanup(handle);
    return result;
}

const char *curl_reason(int error)
{
    return error < -CODES ? curl.easy_strerror(-error - CODES) : NULL;
}
