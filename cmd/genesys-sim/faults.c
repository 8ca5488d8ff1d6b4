#include "cmd/genesys-sim/faults.h"

#include "core/base/str.h"

#include <math.h>
#include <stdlib.h>

static const struct fault_rule rules[] = {
    {"cut-before", "closed without an answer, not applied", FAULT_BEFORE, FAULT_CUT, 0},
    {"cut-after", "applied, closed without an answer", FAULT_AFTER, FAULT_CUT, 0},
    {"reset-reused-after", "cut-after, on reused connections only", FAULT_AFTER, FAULT_RESET_REUSED,
     0},
    {"408-before", "408, not applied", FAULT_BEFORE, FAULT_STATUS, 408},
    {"500-before", "500, not applied", FAULT_BEFORE, FAULT_STATUS, 500},
    {"500-after", "500, applied", FAULT_AFTER, FAULT_STATUS, 500},
    {"502-before", "502, not applied", FAULT_BEFORE, FAULT_STATUS, 502},
    {"502-after", "502, applied", FAULT_AFTER, FAULT_STATUS, 502},
    {"503-before", "503, not applied", FAULT_BEFORE, FAULT_STATUS, 503},
    {"503-retry", "503 with Retry-After: 1, not applied", FAULT_BEFORE, FAULT_STATUS_WAIT, 503},
    {"504-before", "504, not applied", FAULT_BEFORE, FAULT_STATUS, 504},
    {"504-after", "504, applied", FAULT_AFTER, FAULT_STATUS, 504},
    {"html-before", "502 with an HTML page, not applied", FAULT_BEFORE, FAULT_HTML, 502},
    {"html-after", "502 with an HTML page, applied", FAULT_AFTER, FAULT_HTML, 502},
    {"html-200-after", "200 with an HTML page, applied", FAULT_AFTER, FAULT_HTML, 200},
    {"truncate-after", "applied, the answer breaks off halfway", FAULT_AFTER, FAULT_TRUNCATE, 0},
    {"stall-before", "silence for --stall-ms, then cut, not applied", FAULT_BEFORE, FAULT_STALL, 0},
    {"stall-after", "applied, silence for --stall-ms, then the answer", FAULT_AFTER, FAULT_STALL,
     0},
    {"late", "cut at once, applied --late-ms later", FAULT_LATE, FAULT_CUT, 0},
    {"401", "the token is refused for this request", FAULT_BEFORE, FAULT_STATUS, 401},
    {"429", "the 429 of the rate limit", FAULT_BEFORE, FAULT_THROTTLE, 429},
    {"redirect", "307 with a Location, not applied", FAULT_BEFORE, FAULT_REDIRECT, 307},
    {"flood-after", "applied, 100 KiB of headers before the answer", FAULT_AFTER, FAULT_FLOOD, 0},
    {"endless-after", "applied, the answer never ends", FAULT_AFTER, FAULT_ENDLESS, 0},
    {"halt-after", "applied, the headers, then silence for --stall-ms", FAULT_AFTER, FAULT_HALT, 0},
    {"short-length-after", "applied, Content-Length is half the body's", FAULT_AFTER, FAULT_SHORT,
     0},
    {"utf8-after", "applied, the answer's JSON is not UTF-8", FAULT_AFTER, FAULT_BAD_UTF8, 0},
    {"deep-after", "applied, the answer's JSON is 10000 deep", FAULT_AFTER, FAULT_DEEP, 0},
};

_Static_assert(sizeof rules / sizeof *rules == FAULT_KINDS, "FAULT_KINDS counts the table");

static const char *const scopes[FAULT_SCOPES] = {
    [FAULT_SCOPE_PUT] = "put:",
    [FAULT_SCOPE_GET] = "get:",
    [FAULT_SCOPE_TOKEN] = "token:",
    [FAULT_SCOPE_ERP] = "erp:",
};

bool faults_parse(struct faults *faults, const char *text, struct err *err)
{
    enum fault_scope scope = FAULT_SCOPE_PUT;
    const char *kind_text = text, *equals;
    struct faults changed = *faults;
    char *end = NULL;
    double p, sum = 0;
    int kind = 0;

    if (strcmp(text, "none") == 0) {
        *faults = (struct faults){0};
        return true;
    }
    for (unsigned i = 0; i < FAULT_SCOPES; i++) {
        if (str_starts(text, scopes[i])) {
            scope = (enum fault_scope)i;
            kind_text = text + strlen(scopes[i]);
            break;
        }
    }
    equals = strchr(kind_text, '=');
    if (!equals)
        return err_set(err, ERR_CONFIG, "'%s' is not KIND=P", text);
    while (kind < FAULT_KINDS &&
           !span_is((struct span){kind_text, (size_t)(equals - kind_text)}, rules[kind].name))
        kind++;
    if (kind == FAULT_KINDS)
        return err_set(err, ERR_CONFIG, "unknown kind of fault in '%s'", text);
    p = strtod(equals + 1, &end);
    if (end == equals + 1 || *end || !isfinite(p) || p < 0 || p > 1)
        return err_set(err, ERR_CONFIG, "'%s' needs a probability from 0 to 1", text);
    changed.probability[scope][kind] = p;
    for (int i = 0; i < FAULT_KINDS; i++)
        sum += changed.probability[scope][i];
    if (sum > 1.0 + 1e-9)
        return err_set(err, ERR_CONFIG, "'%s': the probabilities add up to more than 1", text);
    *faults = changed;
    return true;
}

uint64_t faults_mix(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + n * UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

int faults_draw(const struct faults *faults, enum fault_scope scope, uint64_t seed, uint64_t seq)
{
    double u = (double)(faults_mix(seed, seq) >> 11) * 0x1.0p-53, sum = 0;

    for (int i = 0; i < FAULT_KINDS; i++) {
        sum += faults->probability[scope][i];
        if (u < sum)
            return i;
    }
    return -1;
}

const struct fault_rule *fault_rule(int kind)
{
    return &rules[kind];
}
