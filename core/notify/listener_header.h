/* The header of a request to the listener: whether it shows beyond doubt where the request ends,
 * and in which form its body is. */
#pragma once

struct MHD_Connection;

/* A status that a header is refused with; `status` 0: it is not. */
struct listener_header_problem {
    unsigned status;
    const char *text;
};

/* Checks the header of a request with that method and HTTP version. After 400 and 501 the
 * connection has to be closed, because two parties can differ about the end of the request (RFC
 * 9112 sections 3.2, 5.1, 6.1 and 6.3). */
struct listener_header_problem listener_header_check(struct MHD_Connection *handle,
                                                     const char *method, const char *version);
