#include "io/http_problem.h"

#include <stddef.h>

struct problem_row {
    CURLcode code;
    const char *before; /* when the request has not begun */
    const char *after;
    bool is_permanent;  /* when it has not begun */
};

static const struct problem_row problem_rows[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "dns", "dns", false},
    {CURLE_COULDNT_RESOLVE_PROXY, "dns", "dns", false},
    {CURLE_COULDNT_CONNECT, "connect", "connect", false},
    {CURLE_OPERATION_TIMEDOUT, "connect_timeout", "timeout", false},
    {CURLE_SSL_CONNECT_ERROR, "tls", "tls", false},
    {CURLE_PEER_FAILED_VERIFICATION, "certificate", "certificate", true},
    {CURLE_SSL_CERTPROBLEM, "certificate", "certificate", true},
    {CURLE_SSL_CIPHER, "certificate", "certificate", true},
    {CURLE_SSL_CACERT_BADFILE, "certificate", "certificate", true},
    {CURLE_SSL_ISSUER_ERROR, "certificate", "certificate", true},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, "certificate", "certificate", true},
    {CURLE_SSL_INVALIDCERTSTATUS, "certificate", "certificate", true},
    {CURLE_SSL_CLIENTCERT, "certificate", "certificate", true},
    {CURLE_UNSUPPORTED_PROTOCOL, "bad_url", "garbage", true}, /* after: an answer that is not HTTP/1 */
    {CURLE_URL_MALFORMAT, "bad_url", "other", true},
    {CURLE_WEIRD_SERVER_REPLY, "garbage", "garbage", false},
    {CURLE_GOT_NOTHING, "empty", "empty", false},
    {CURLE_SEND_ERROR, "reset", "reset", false},
    {CURLE_RECV_ERROR, "reset", "reset", false},
    {CURLE_PARTIAL_FILE, "partial", "partial", false},
    {CURLE_WRITE_ERROR, "too_large", "too_large", false},
    {CURLE_BAD_CONTENT_ENCODING, "garbage", "garbage", false},
};

const char *http_problem_name(CURLcode code, bool is_begun, bool *is_permanent)
{
    for (size_t i = 0; i < sizeof(problem_rows) / sizeof(problem_rows[0]); i++) {
        const struct problem_row *row = &problem_rows[i];

        if (row->code == code) {
            *is_permanent = row->is_permanent && !is_begun;
            return is_begun ? row->after : row->before;
        }
    }
    *is_permanent = false;
    return "other";
}
