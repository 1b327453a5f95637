/*
 * http_problem: curl's codes as short stable words, for logs and metrics, and to tell what is permanent. Whether a
 * request left is not read from the code: 28 and 1, for example, mean one thing before and another after it began.
 */
#ifndef IO_HTTP_PROBLEM_H
#define IO_HTTP_PROBLEM_H

#include <curl/curl.h>
#include <stdbool.h>

const char *http_problem_name(CURLcode code, bool is_begun, bool *is_permanent);

#endif
